"""The crypto port on pyca/cryptography.

A full implementation of docs/spec/crypto.md, byte for byte the browser's. Operations
run to their end without yielding, PBKDF2 included, so a caller's event loop waits.
Secrets that the browser keeps out of its heap are ``bytes`` here and cannot be
overwritten: this adapter serves the command line and tests, not a user's keys.
"""

from __future__ import annotations

import hmac
import os
import uuid
from collections.abc import Callable, Sequence
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from kms_enclave.adapters.native.sealed import (
    audit_private_key,
    parse_vapid_pkcs8,
    seal_audit_key,
    seal_vapid_key,
    sealed,
    secret_bytes,
    vapid_private_key,
)
from kms_enclave.adapters.native.webauthn import verify_webauthn_signature
from kms_enclave.ports.crypto import (
    AuditSigningKey,
    DecryptionError,
    GeneratedAuditKey,
    MacKey,
    MasterSecret,
    PassphraseKeys,
    SignatureCheck,
    VapidSigningKey,
    WrappedVapidKey,
    WrappingKey,
)

__all__ = ["NativeCrypto", "is_ed25519_valid"]

_RANDOM_MAX_BYTES: Final = 65_536
_IV_BYTES: Final = 12
_SECRET_BYTES: Final = 32
_COORDINATE_BYTES: Final = 32
_ES256_SIGNATURE_BYTES: Final = 2 * _COORDINATE_BYTES


class NativeCrypto:
    """:class:`~kms_enclave.ports.crypto.CryptoPort` for CPython."""

    def random_bytes(self, length: int) -> bytes:
        """Return ``length`` (1 to 65 536) bytes of the system's random source."""
        if not 1 <= length <= _RANDOM_MAX_BYTES:
            raise ValueError(f"length must be 1 to {_RANDOM_MAX_BYTES}")
        return os.urandom(length)

    def random_uuid(self) -> str:
        """Return a version 4 UUID in lower case."""
        return str(uuid.uuid4())

    async def derive_passphrase_keys(
        self, *, passphrase: bytes, salt: bytes, iterations: int, kek_info: bytes, kcv_info: bytes
    ) -> PassphraseKeys:
        """PBKDF2-HMAC-SHA-256 to 256 bits, then HKDF-SHA-256 with empty salt, by label."""
        # Not hashlib's: Pyodide's Python is built without it.
        root = PBKDF2HMAC(hashes.SHA256(), _SECRET_BYTES, salt, iterations).derive(passphrase)
        return PassphraseKeys(
            kek=WrappingKey(sealed(_hkdf(root, salt=b"", info=kek_info), "wrap")),
            kcv_key=MacKey(sealed(_hkdf(root, salt=b"", info=kcv_info), "mac")),
        )

    async def derive_prf_kek(self, *, prf_output: bytes, salt: bytes, info: bytes) -> WrappingKey:
        """HKDF-SHA-256 over a PRF output, to an AES-256-GCM wrapping key."""
        return WrappingKey(sealed(_hkdf(prf_output, salt=salt, info=info), "wrap"))

    async def generate_wrapping_key(self) -> WrappingKey:
        """Generate an AES-256-GCM wrapping key."""
        return WrappingKey(sealed(os.urandom(_SECRET_BYTES), "wrap"))

    async def verify_webauthn(
        self, *, algorithm: str, public_key: bytes, signature: bytes, message: bytes
    ) -> bool:
        """Check an assertion's signature."""
        return verify_webauthn_signature(
            algorithm=algorithm, public_key=public_key, signature=signature, message=message
        )

    async def mac(self, key: MacKey, message: bytes) -> bytes:
        """Return the 32-byte HMAC-SHA-256."""
        return hmac.digest(secret_bytes(key), message, "sha256")

    async def generate_master_secret(self, *, kek: WrappingKey, iv: bytes, aad: bytes) -> bytes:
        """Make 32 random bytes and return them wrapped (48 bytes)."""
        return _wrap(kek, os.urandom(_SECRET_BYTES), iv, aad)

    async def open_master_secret(
        self, *, kek: WrappingKey, wrapped: bytes, iv: bytes, aad: bytes
    ) -> MasterSecret:
        """Unwrap into an HKDF handle. Raises DecryptionError."""
        return MasterSecret(sealed(_unwrap_secret(kek, wrapped, iv, aad), "derive"))

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
        """Return the same Master Secret wrapped under ``new_kek``. Raises DecryptionError."""
        return _wrap(new_kek, _unwrap_secret(kek, wrapped, iv, aad), new_iv, new_aad)

    async def derive_wrapping_key(
        self, secret: MasterSecret, *, salt: bytes, info: bytes
    ) -> WrappingKey:
        """HKDF-SHA-256 to an AES-256-GCM wrapping key."""
        return WrappingKey(sealed(_hkdf(secret_bytes(secret), salt=salt, info=info), "wrap"))

    async def derive_audit_key(
        self, secret: MasterSecret, *, salt: bytes, info: bytes
    ) -> AuditSigningKey:
        """HKDF-SHA-256 to an Ed25519 seed, imported."""
        return seal_audit_key(_hkdf(secret_bytes(secret), salt=salt, info=info))

    async def derive_audit_public_key(
        self, secret: MasterSecret, *, salt: bytes, info: bytes
    ) -> bytes:
        """Return the 32-byte public key that belongs to :meth:`derive_audit_key`."""
        seed = _hkdf(secret_bytes(secret), salt=salt, info=info)
        return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()

    async def generate_vapid_key(
        self, *, wrapping_key: WrappingKey, iv: bytes, aad_for: Callable[[bytes], bytes]
    ) -> WrappedVapidKey:
        """Generate P-256 and wrap it at once; ``aad_for`` gets the 65-byte public point."""
        key = ec.generate_private_key(ec.SECP256R1())
        public_raw = key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        pkcs8 = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        wrapped = _wrap(wrapping_key, pkcs8, iv, aad_for(public_raw))
        return WrappedVapidKey(wrapped=wrapped, public_raw=public_raw)

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
        pkcs8 = _unwrap(wrapping_key, wrapped, iv, aad)
        _parse_unwrapped_vapid_key(pkcs8)
        return _wrap(new_wrapping_key, pkcs8, new_iv, new_aad)

    async def open_vapid_key(
        self, *, wrapping_key: WrappingKey, wrapped: bytes, iv: bytes, aad: bytes
    ) -> VapidSigningKey:
        """Unwrap into a signing handle. Raises DecryptionError."""
        return seal_vapid_key(_parse_unwrapped_vapid_key(_unwrap(wrapping_key, wrapped, iv, aad)))

    async def sign_es256(self, key: VapidSigningKey, message: bytes) -> bytes:
        """ECDSA P-256 with SHA-256; 64 bytes, r‖s."""
        der = vapid_private_key(key).sign(message, ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(der)
        return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")

    async def verify_es256(self, *, public_raw: bytes, signature: bytes, message: bytes) -> bool:
        """Check a 64-byte r‖s signature against a 65-byte uncompressed point."""
        if len(signature) != _ES256_SIGNATURE_BYTES:
            return False
        r = int.from_bytes(signature[:_COORDINATE_BYTES], "big")
        s = int.from_bytes(signature[_COORDINATE_BYTES:], "big")
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_raw)
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True

    async def generate_audit_key(self) -> GeneratedAuditKey:
        """Generate an Ed25519 key."""
        seed = os.urandom(_SECRET_BYTES)
        public_raw = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        return GeneratedAuditKey(private=seal_audit_key(seed), public_raw=public_raw)

    async def sign_ed25519(self, key: AuditSigningKey, message: bytes) -> bytes:
        """Return the 64-byte signature."""
        return audit_private_key(key).sign(message)

    async def verify_ed25519(self, checks: Sequence[SignatureCheck]) -> Sequence[bool]:
        """Check many signatures; one answer for each, in order."""
        return [is_ed25519_valid(check) for check in checks]

    async def sign_es256_many(
        self, key: VapidSigningKey, messages: Sequence[bytes]
    ) -> Sequence[bytes]:
        """:meth:`sign_es256` for several messages, in order."""
        return [await self.sign_es256(key, message) for message in messages]

    async def sign_ed25519_chain(
        self, items: Sequence[tuple[AuditSigningKey, bytes]]
    ) -> Sequence[bytes]:
        """:meth:`sign_ed25519` for several (key, message) pairs, in order."""
        return [await self.sign_ed25519(key, message) for key, message in items]


def _hkdf(secret: bytes, *, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), _SECRET_BYTES, salt, info).derive(secret)


def _wrap(key: WrappingKey, plaintext: bytes, iv: bytes, aad: bytes) -> bytes:
    _require_iv(iv)
    return AESGCM(secret_bytes(key)).encrypt(iv, plaintext, aad)


def _unwrap(key: WrappingKey, wrapped: bytes, iv: bytes, aad: bytes) -> bytes:
    _require_iv(iv)
    try:
        return AESGCM(secret_bytes(key)).decrypt(iv, wrapped, aad)
    except InvalidTag:
        raise DecryptionError("the ciphertext does not authenticate") from None


def _unwrap_secret(key: WrappingKey, wrapped: bytes, iv: bytes, aad: bytes) -> bytes:
    secret = _unwrap(key, wrapped, iv, aad)
    # Any bytes make an HKDF key; without this another record's plaintext could become one.
    if len(secret) != _SECRET_BYTES:
        raise DecryptionError("what was wrapped is not a Master Secret")
    return secret


def _parse_unwrapped_vapid_key(pkcs8: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        return parse_vapid_pkcs8(pkcs8)
    except (ValueError, UnsupportedAlgorithm):
        raise DecryptionError("what was wrapped is not a P-256 private key") from None


def _require_iv(iv: bytes) -> None:
    if len(iv) != _IV_BYTES:
        raise ValueError(f"an IV has {_IV_BYTES} bytes")


def is_ed25519_valid(check: SignatureCheck) -> bool:
    """Tell whether one signature holds; what is malformed does not."""
    try:
        Ed25519PublicKey.from_public_bytes(check.public_raw).verify(check.signature, check.message)
    except (InvalidSignature, ValueError):
        return False
    return True
