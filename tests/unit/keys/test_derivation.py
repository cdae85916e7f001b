"""What is derived from the Master Secret, against RFC 5869 by another library."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.keys.derivation import (
    derive_mkek,
    derive_session_kek,
    derive_user_audit_key,
    derive_user_audit_public_key,
)
from kms_enclave.ports.crypto import DecryptionError, MasterSecret, WrappingKey

_CRYPTO = NativeCrypto()
_SECRET = bytes(range(32))
_IV = bytes(12)


def _hkdf(salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, info).derive(_SECRET)


async def _secret() -> MasterSecret:
    """Bring known bytes behind a handle, the only way there is: unwrapped."""
    keys = await _CRYPTO.derive_passphrase_keys(
        passphrase=b"p", salt=b"s", iterations=1, kek_info=b"kek", kcv_info=b"kcv"
    )
    root = hashlib.pbkdf2_hmac("sha256", b"p", b"s", 1, 32)
    kek = HKDF(hashes.SHA256(), 32, b"", b"kek").derive(root)
    wrapped = AESGCM(kek).encrypt(_IV, _SECRET, b"")
    return await _CRYPTO.open_master_secret(kek=keys.kek, wrapped=wrapped, iv=_IV, aad=b"")


async def _opens(key: WrappingKey, raw: bytes) -> bool:
    """Tell whether a wrapping key has these bytes: it opens what they have wrapped."""
    wrapped = AESGCM(raw).encrypt(_IV, bytes(32), b"aad")
    try:
        await _CRYPTO.open_master_secret(kek=key, wrapped=wrapped, iv=_IV, aad=b"aad")
    except DecryptionError:
        return False
    return True


async def test_the_mkek_is_derived_by_its_label() -> None:
    salt = hashlib.sha256(b"ATS/KMS/MKEK/salt/v2").digest()
    key = await derive_mkek(_CRYPTO, await _secret())
    assert await _opens(key, _hkdf(salt, b"ATS/KMS/MKEK/v2"))


@pytest.mark.parametrize("salt", [bytes(32), b"x" * 32])
async def test_a_session_kek_is_its_leases_own(salt: bytes) -> None:
    key = await derive_session_kek(_CRYPTO, await _secret(), lease_salt=salt)
    assert await _opens(key, _hkdf(salt, b"ATS/KMS/SessionKEK/v1"))
    assert not await _opens(key, _hkdf(b"y" * 32, b"ATS/KMS/SessionKEK/v1"))


async def test_the_user_audit_key_is_an_ed25519_key_from_its_label() -> None:
    secret = await _secret()
    seed = _hkdf(hashlib.sha256(b"ATS/KMS/UAK/salt/v1").digest(), b"ATS/KMS/UAK/v1")
    expected = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    assert await derive_user_audit_public_key(_CRYPTO, secret) == expected.public_bytes_raw()
    signature = await _CRYPTO.sign_ed25519(await derive_user_audit_key(_CRYPTO, secret), b"m")
    expected.verify(signature, b"m")
