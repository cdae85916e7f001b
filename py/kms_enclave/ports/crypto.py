"""The cryptography that the domain needs, as one Protocol.

Every operation is WebCrypto's (browser) or pyca/cryptography's (native). Keys
cross this port as opaque handles, never as bytes: the operations that must see
a private key in the clear for an instant (generate-and-wrap, rewrap) are whole
here, so that an adapter can keep the extractable handle inside one call.

Guarantees of every adapter: handles are non-extractable, operations that fail to
authenticate raise :class:`DecryptionError`, and nothing is remembered between
calls. Does not protect from script that runs beside the adapter.

Specification: docs/spec/crypto.md; W3C Web Cryptography Level 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import attrs

__all__ = [
    "AuditSigningKey",
    "CryptoPort",
    "DecryptionError",
    "GeneratedAuditKey",
    "KeyHandle",
    "MacKey",
    "MasterSecret",
    "PassphraseKeys",
    "SignatureCheck",
    "UnusableSecretError",
    "VapidSigningKey",
    "WrappedVapidKey",
    "WrappingKey",
]


class DecryptionError(Exception):
    """An authenticated decryption failed: wrong key, wrong AAD or altered bytes."""


class UnusableSecretError(Exception):
    """The platform refuses a key that this Master Secret derives; a fresh secret will do.

    It shows when the audit key is derived for the first time, so a secret for which that
    worked once works for ever on this platform.
    """


# Opaque, non-extractable handles: ``native`` belongs to the adapter that made it. They are
# classes of their own so that a type checker refuses one in the place of another.


@attrs.frozen
class WrappingKey:
    """AES-256-GCM, ``wrapKey``/``unwrapKey`` only."""

    native: object = attrs.field(repr=False)


@attrs.frozen
class MacKey:
    """HMAC-SHA-256, ``sign`` only."""

    native: object = attrs.field(repr=False)


@attrs.frozen
class MasterSecret:
    """The Master Secret as an HKDF key: it can derive, and nothing else."""

    native: object = attrs.field(repr=False)


@attrs.frozen
class VapidSigningKey:
    """ECDSA P-256, ``sign`` only."""

    native: object = attrs.field(repr=False)


@attrs.frozen
class AuditSigningKey:
    """Ed25519, ``sign`` only."""

    native: object = attrs.field(repr=False)


KeyHandle = WrappingKey | MacKey | MasterSecret | VapidSigningKey | AuditSigningKey
"""Any handle that may be stored in a record."""


@attrs.frozen
class PassphraseKeys:
    """What PBKDF2 gives: the key encryption key, and the key of the check value."""

    kek: WrappingKey
    kcv_key: MacKey


@attrs.frozen
class WrappedVapidKey:
    """A fresh P-256 key: PKCS#8 under AES-256-GCM, and the 65-byte public point."""

    wrapped: bytes
    public_raw: bytes


@attrs.frozen
class GeneratedAuditKey:
    """A fresh Ed25519 key and its 32-byte public key."""

    private: AuditSigningKey
    public_raw: bytes


@attrs.frozen
class SignatureCheck:
    """One Ed25519 verification: 32-byte public key, 64-byte signature, message."""

    public_raw: bytes
    signature: bytes
    message: bytes


class CryptoPort(Protocol):
    """Random bytes, key derivation, wrapping and signatures.

    Byte arguments are ``bytes``; ``iv`` is always 12 bytes, ``aad`` any length.
    """

    def random_bytes(self, length: int) -> bytes:
        """Return ``length`` (1 to 65 536) bytes of the live random source."""

    def random_uuid(self) -> str:
        """Return a version 4 UUID in lower case (RFC 9562)."""

    async def derive_passphrase_keys(
        self, *, passphrase: bytes, salt: bytes, iterations: int, kek_info: bytes, kcv_info: bytes
    ) -> PassphraseKeys:
        """PBKDF2-HMAC-SHA-256 to 256 bits, then HKDF-SHA-256 with empty salt, by label."""

    async def derive_prf_kek(self, *, prf_output: bytes, salt: bytes, info: bytes) -> WrappingKey:
        """HKDF-SHA-256 over a PRF output (32 bytes), to an AES-256-GCM wrapping key."""

    async def generate_wrapping_key(self) -> WrappingKey:
        """Generate an AES-256-GCM wrapping key that cannot be exported."""

    async def verify_webauthn(
        self, *, algorithm: str, public_key: bytes, signature: bytes, message: bytes
    ) -> bool:
        """Check an assertion's signature (WebAuthn section 6.5.5).

        ``algorithm`` is ``ES256`` (ASN.1 DER signature), ``EdDSA`` or ``RS256``;
        ``public_key`` a SubjectPublicKeyInfo. Anything malformed is ``False``.
        """

    async def mac(self, key: MacKey, message: bytes) -> bytes:
        """Return the 32-byte HMAC-SHA-256."""

    async def generate_master_secret(self, *, kek: WrappingKey, iv: bytes, aad: bytes) -> bytes:
        """Make 32 random bytes and return them wrapped (48 bytes); no handle survives."""

    async def open_master_secret(
        self, *, kek: WrappingKey, wrapped: bytes, iv: bytes, aad: bytes
    ) -> MasterSecret:
        """Unwrap into an HKDF handle. Raises DecryptionError."""

    async def rewrap_master_secret(
        self,
        *,
        kek: WrappingKey,
        wrapped: bytes,
        iv: bytes,
        aad: bytes,
        new_kek: WrappingKey,
        new_iv: bytes,
        new_aad: bytes,
    ) -> bytes:
        """Return the same Master Secret wrapped for another enrollment. Raises DecryptionError."""

    async def derive_wrapping_key(
        self, secret: MasterSecret, *, salt: bytes, info: bytes
    ) -> WrappingKey:
        """HKDF-SHA-256 to an AES-256-GCM wrapping key."""

    async def derive_audit_key(
        self, secret: MasterSecret, *, salt: bytes, info: bytes
    ) -> AuditSigningKey:
        """HKDF-SHA-256 to a 32-byte Ed25519 seed, imported; the seed is overwritten.

        Raises UnusableSecretError.
        """

    async def derive_audit_public_key(
        self, secret: MasterSecret, *, salt: bytes, info: bytes
    ) -> bytes:
        """Return the 32-byte public key that belongs to :meth:`derive_audit_key`.

        Raises UnusableSecretError.
        """

    async def generate_vapid_key(
        self, *, wrapping_key: WrappingKey, iv: bytes, aad_for: Callable[[bytes], bytes]
    ) -> WrappedVapidKey:
        """Generate P-256 and wrap it at once; ``aad_for`` gets the 65-byte public point."""

    async def rewrap_vapid_key(
        self,
        *,
        wrapping_key: WrappingKey,
        wrapped: bytes,
        iv: bytes,
        aad: bytes,
        new_wrapping_key: WrappingKey,
        new_iv: bytes,
        new_aad: bytes,
    ) -> bytes:
        """Return the same private key wrapped under another key. Raises DecryptionError."""

    async def open_vapid_key(
        self, *, wrapping_key: WrappingKey, wrapped: bytes, iv: bytes, aad: bytes
    ) -> VapidSigningKey:
        """Unwrap into a non-extractable signing handle. Raises DecryptionError."""

    async def sign_es256(self, key: VapidSigningKey, message: bytes) -> bytes:
        """ECDSA P-256 with SHA-256; 64 bytes, r‖s (RFC 7518 section 3.4)."""

    async def verify_es256(self, *, public_raw: bytes, signature: bytes, message: bytes) -> bool:
        """Check a 64-byte r‖s signature against a 65-byte uncompressed point."""

    async def generate_audit_key(self) -> GeneratedAuditKey:
        """Generate an Ed25519 key."""

    async def sign_ed25519(self, key: AuditSigningKey, message: bytes) -> bytes:
        """Return the 64-byte signature (RFC 8032)."""

    async def verify_ed25519(self, checks: Sequence[SignatureCheck]) -> Sequence[bool]:
        """Check many signatures in one call; one answer for each, in order.

        A malformed key or signature is ``False``, not an error.
        """

    async def sign_es256_many(
        self, key: VapidSigningKey, messages: Sequence[bytes]
    ) -> Sequence[bytes]:
        """:meth:`sign_es256` for several messages at once, in order."""

    async def sign_ed25519_chain(
        self, items: Sequence[tuple[AuditSigningKey, bytes]]
    ) -> Sequence[bytes]:
        """:meth:`sign_ed25519` for several (key, message) pairs at once, in order."""
