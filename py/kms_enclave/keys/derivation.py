"""What is derived from the Master Secret, by label.

MKEK and UAK have a fixed salt (the hash of a label), a lease's SessionKEK one of
its own. Specification: docs/spec/crypto.md; RFC 5869.
"""

from __future__ import annotations

import hashlib
from typing import Final

from kms_enclave.ports.crypto import AuditSigningKey, CryptoPort, MasterSecret, WrappingKey

__all__ = [
    "derive_mkek",
    "derive_session_kek",
    "derive_user_audit_key",
    "derive_user_audit_public_key",
]

_MKEK_SALT: Final = hashlib.sha256(b"ATS/KMS/MKEK/salt/v2").digest()
_MKEK_INFO: Final = b"ATS/KMS/MKEK/v2"
_UAK_SALT: Final = hashlib.sha256(b"ATS/KMS/UAK/salt/v1").digest()
_UAK_INFO: Final = b"ATS/KMS/UAK/v1"
_SESSION_KEK_INFO: Final = b"ATS/KMS/SessionKEK/v1"


async def derive_mkek(crypto: CryptoPort, secret: MasterSecret) -> WrappingKey:
    """Return the Master Key Encryption Key, which wraps the VAPID keys' main copies."""
    return await crypto.derive_wrapping_key(secret, salt=_MKEK_SALT, info=_MKEK_INFO)


async def derive_session_kek(
    crypto: CryptoPort, secret: MasterSecret, *, lease_salt: bytes
) -> WrappingKey:
    """Return the key that wraps a lease's copy of its VAPID key; it is never stored."""
    return await crypto.derive_wrapping_key(secret, salt=lease_salt, info=_SESSION_KEK_INFO)


async def derive_user_audit_key(crypto: CryptoPort, secret: MasterSecret) -> AuditSigningKey:
    """Return the User Audit Key, which signs what a user authenticated."""
    return await crypto.derive_audit_key(secret, salt=_UAK_SALT, info=_UAK_INFO)


async def derive_user_audit_public_key(crypto: CryptoPort, secret: MasterSecret) -> bytes:
    """Return the User Audit Key's 32-byte public key."""
    return await crypto.derive_audit_public_key(secret, salt=_UAK_SALT, info=_UAK_INFO)
