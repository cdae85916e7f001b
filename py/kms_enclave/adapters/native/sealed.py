"""Key material behind a handle, on CPython.

Guarantees that no attribute, ``repr``, copy or pickle of a handle gives the key away
by accident, and that a handle works for one purpose only, as a WebCrypto key with
usages does. Does not protect from code in the same process that means to read it:
Python has no such wall.
"""

from __future__ import annotations

import base64
import json
from typing import Final, Literal, NoReturn

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kms_enclave.ports.crypto import (
    AuditSigningKey,
    KeyHandle,
    MacKey,
    MasterSecret,
    VapidSigningKey,
    WrappingKey,
)

__all__ = [
    "audit_private_key",
    "format_handle",
    "parse_handle",
    "parse_vapid_pkcs8",
    "seal_audit_key",
    "seal_vapid_key",
    "sealed",
    "secret_bytes",
    "vapid_private_key",
]

Purpose = Literal["wrap", "mac", "derive", "sign-es256", "sign-ed25519"]
_Material = bytes | ec.EllipticCurvePrivateKey | Ed25519PrivateKey

_SECRET_BYTES: Final = 32


class SealedKey:
    """Material and purpose, without a public attribute, a useful ``repr`` or a copy."""

    __slots__ = ("_material", "_purpose")

    def __init__(self, material: _Material, purpose: Purpose) -> None:
        self._material = material
        self._purpose = purpose

    def __repr__(self) -> str:
        return f"<key for {self._purpose}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key handle can be neither copied nor pickled")


def sealed(material: bytes, purpose: Literal["wrap", "mac", "derive"]) -> SealedKey:
    """Seal a 32-byte symmetric secret."""
    if len(material) != _SECRET_BYTES:
        raise ValueError(f"a secret has {_SECRET_BYTES} bytes")
    return SealedKey(material, purpose)


def seal_vapid_key(key: ec.EllipticCurvePrivateKey) -> VapidSigningKey:
    """Seal a P-256 key for signing."""
    return VapidSigningKey(SealedKey(key, "sign-es256"))


def seal_audit_key(seed: bytes) -> AuditSigningKey:
    """Seal an Ed25519 seed (32 bytes) for signing."""
    return AuditSigningKey(SealedKey(Ed25519PrivateKey.from_private_bytes(seed), "sign-ed25519"))


def _material(handle: KeyHandle, purpose: Purpose) -> _Material:
    native = handle.native
    if not isinstance(native, SealedKey) or native._purpose != purpose:
        raise TypeError(f"{type(handle).__name__} is not a key for {purpose}")
    return native._material


def secret_bytes(handle: WrappingKey | MacKey | MasterSecret) -> bytes:
    """Return a symmetric secret. Raises TypeError when the handle holds another kind."""
    purpose: Purpose = "mac"
    if isinstance(handle, WrappingKey):
        purpose = "wrap"
    elif isinstance(handle, MasterSecret):
        purpose = "derive"
    material = _material(handle, purpose)
    if not isinstance(material, bytes):
        raise TypeError("not a symmetric secret")
    return material


def vapid_private_key(handle: VapidSigningKey) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key. Raises TypeError when the handle holds another kind."""
    material = _material(handle, "sign-es256")
    if not isinstance(material, ec.EllipticCurvePrivateKey):
        raise TypeError("not a P-256 key")
    return material


def audit_private_key(handle: AuditSigningKey) -> Ed25519PrivateKey:
    """Return the Ed25519 key. Raises TypeError when the handle holds another kind."""
    material = _material(handle, "sign-ed25519")
    if not isinstance(material, Ed25519PrivateKey):
        raise TypeError("not an Ed25519 key")
    return material


def parse_vapid_pkcs8(pkcs8: bytes) -> ec.EllipticCurvePrivateKey:
    """Parse PKCS#8 DER. Raises ValueError unless it holds a P-256 private key."""
    key = serialization.load_der_private_key(pkcs8, password=None)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ValueError("not a P-256 private key")


def format_handle(handle: KeyHandle) -> str:
    """Serialise a handle for a database that only its owner can read.

    Browsers do the same inside IndexedDB: the bytes of a non-extractable key lie in
    the clear in the profile.
    """
    if isinstance(handle, VapidSigningKey):
        kind = "vapid"
        raw = vapid_private_key(handle).private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    elif isinstance(handle, AuditSigningKey):
        kind, raw = "audit", audit_private_key(handle).private_bytes_raw()
    elif isinstance(handle, WrappingKey):
        kind, raw = "wrap", secret_bytes(handle)
    elif isinstance(handle, MacKey):
        kind, raw = "mac", secret_bytes(handle)
    else:
        kind, raw = "derive", secret_bytes(handle)
    return json.dumps([kind, base64.b64encode(raw).decode("ascii")])


def parse_handle(text: str) -> KeyHandle:
    """Parse what :func:`format_handle` wrote. Raises ValueError for anything else."""
    try:
        kind, encoded = json.loads(text)
        return _handle(kind, base64.b64decode(encoded, validate=True))
    except (ValueError, TypeError):
        # Without its cause, whose message could quote what was parsed.
        raise ValueError("not a serialised key handle") from None


def _handle(kind: object, raw: bytes) -> KeyHandle:
    match kind:
        case "vapid":
            return seal_vapid_key(parse_vapid_pkcs8(raw))
        case "audit":
            return seal_audit_key(raw)
        case "wrap":
            return WrappingKey(sealed(raw, "wrap"))
        case "mac":
            return MacKey(sealed(raw, "mac"))
        case "derive":
            return MasterSecret(sealed(raw, "derive"))
        case _:
            raise ValueError("unknown kind of key handle")
