"""Key identifiers are RFC 7638's."""

from __future__ import annotations

import hashlib
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from forging import b64
from kms_enclave.keys.thumbprint import vapid_thumbprint


def test_a_kid_is_the_thumbprint_of_the_public_key_as_jwk() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    numbers = public.public_numbers()
    # RFC 7638 section 3: the required members, in this order, without white space.
    jwk = json.dumps(
        {
            "crv": "P-256",
            "kty": "EC",
            "x": b64(numbers.x.to_bytes(32, "big")),
            "y": b64(numbers.y.to_bytes(32, "big")),
        },
        separators=(",", ":"),
    )
    raw = public.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    assert vapid_thumbprint(raw) == b64(hashlib.sha256(jwk.encode()).digest())


@pytest.mark.parametrize("raw", [b"", bytes(65), b"\x04" + bytes(63), b"\x02" + bytes(64)])
def test_only_an_uncompressed_point_has_one(raw: bytes) -> None:
    with pytest.raises(ValueError, match="not an uncompressed"):
        vapid_thumbprint(raw)
