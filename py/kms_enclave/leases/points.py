"""Whether a public key is a point of its curve, before anything is bound to it.

Importing a key does not tell: OpenSSL looks at an Ed25519 key no further than its length, and
one that is no point fails only when something is checked with it. A point of small order is
refused as well: it is nobody's key, and some verifiers take signatures that nobody made.

Public keys only: nothing here takes the same time for every input. Does not show that
anybody holds the private key. Specifications: SEC 1 section 3.2.2.1 for P-256 (FIPS 186-5),
RFC 8032 section 5.1.3 for Ed25519.
"""

from __future__ import annotations

from typing import Final

__all__ = ["verify_ed25519_point", "verify_p256_point"]

_COORDINATE_BYTES: Final = 32
_UNCOMPRESSED: Final = 4

_P256: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_P256_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B

_P25519: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P25519) % _P25519


def verify_p256_point(raw: bytes) -> None:
    """Raise ValueError unless ``raw`` is 65 bytes, an uncompressed point: 4, x, y."""
    if len(raw) != 1 + 2 * _COORDINATE_BYTES:
        raise ValueError("must be 65 bytes")
    if raw[0] != _UNCOMPRESSED:
        raise ValueError("must be an uncompressed point")
    x = int.from_bytes(raw[1 : 1 + _COORDINATE_BYTES], "big")
    y = int.from_bytes(raw[1 + _COORDINATE_BYTES :], "big")
    if x >= _P256 or y >= _P256 or (y * y - (x**3 - 3 * x + _P256_B)) % _P256:
        raise ValueError("must be a point of its curve")


def verify_ed25519_point(raw: bytes) -> None:
    """Raise ValueError unless ``raw`` is 32 bytes, y and the sign of x, of no small order."""
    if len(raw) != _COORDINATE_BYTES:
        raise ValueError("must be 32 bytes")
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    y2 = y * y % _P25519
    # x² = (y² − 1) / (d y² + 1), and d y² is never −1.
    x2 = (y2 - 1) * pow(_D * y2 + 1, -1, _P25519)
    if y >= _P25519 or pow(x2, (_P25519 - 1) // 2, _P25519) == _P25519 - 1:
        raise ValueError("must be a point of its curve")
    # Order 1 or 2 where y is ±1, 4 where it is 0, 8 where doubling gives one with y = 0.
    if y * (y2 - 1) * (_D * y2 * y2 + 2 * y2 - 1) % _P25519 == 0:
        raise ValueError("must not be of small order")
