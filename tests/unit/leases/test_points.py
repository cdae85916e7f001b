"""Points of curves: every true key passes, nothing else does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from kms_enclave.leases.points import verify_ed25519_point, verify_p256_point

_P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
_P25519 = 2**255 - 19


def _p256_key() -> bytes:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _ed25519_key() -> bytes:
    return Ed25519PrivateKey.generate().public_key().public_bytes_raw()


def _import_p256(raw: bytes) -> None:
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)


def _is_refused(verify: Callable[[bytes], None], raw: bytes) -> bool:
    try:
        verify(raw)
    except ValueError:
        return True
    return False


def test_keys_of_another_library_are_points() -> None:
    for _ in range(50):
        verify_p256_point(_p256_key())
        verify_ed25519_point(_ed25519_key())


def test_a_p256_key_with_one_bit_changed_is_refused_as_another_library_refuses_it() -> None:
    key = _p256_key()
    _import_p256(key)
    for bit in range(8 * len(key)):
        changed = bytearray(key)
        changed[bit // 8] ^= 1 << bit % 8
        assert _is_refused(_import_p256, bytes(changed))
        assert _is_refused(verify_p256_point, bytes(changed))


def test_a_p256_coordinate_beyond_the_field_is_refused() -> None:
    # x = 0 is on the curve, so x = p would be where it is not compared.
    y = 0x66485C780E2F83D72433BD5D84A06BB6541C2AF31DAE871728BF856A174F93F4
    tail = y.to_bytes(32, "big")
    verify_p256_point(b"\x04" + bytes(32) + tail)
    assert _is_refused(verify_p256_point, b"\x04" + _P256.to_bytes(32, "big") + tail)


@pytest.mark.parametrize(
    "y",
    [2, 7, 8, _P25519, _P25519 + 3, 2**255 - 1],
    ids=["no x", "nor here", "nor there", "p", "p + 3", "all ones"],
)
def test_an_ed25519_key_off_the_curve_or_beyond_the_field_is_refused(y: int) -> None:
    for sign in (0, 2**255):
        assert _is_refused(verify_ed25519_point, (y + sign).to_bytes(32, "little"))


@pytest.mark.parametrize(
    "raw",
    [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ],
)
def test_the_eight_ed25519_points_of_small_order_are_refused(raw: str) -> None:
    with pytest.raises(ValueError, match="small order"):
        verify_ed25519_point(bytes.fromhex(raw))
