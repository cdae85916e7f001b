"""Key identifiers: the RFC 7638 thumbprint of an EC public key."""

from __future__ import annotations

import hashlib

from kms_enclave.encoding import canonical_json, format_base64url

__all__ = ["vapid_thumbprint"]


def vapid_thumbprint(public_raw: bytes) -> str:
    """Return the thumbprint of a P-256 key given as its 65-byte uncompressed point."""
    if len(public_raw) != 65 or public_raw[0] != 4:
        raise ValueError("not an uncompressed P-256 point")
    members = {
        "crv": "P-256",
        "kty": "EC",
        "x": format_base64url(public_raw[1:33]),
        "y": format_base64url(public_raw[33:]),
    }
    return format_base64url(hashlib.sha256(canonical_json(members)).digest())
