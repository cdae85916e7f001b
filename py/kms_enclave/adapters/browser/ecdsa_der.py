"""ECDSA signatures as authenticators write them, for WebCrypto, which wants r‖s.

An ASN.1 ``SEQUENCE`` of two ``INTEGER`` (RFC 3279 section 2.2.3), in DER: one encoding only.
"""

from __future__ import annotations

from typing import Final

__all__ = ["parse_ecdsa_der"]

_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_COORDINATE: Final = 32


def parse_ecdsa_der(signature: bytes) -> bytes:
    """Return the 64 bytes r‖s of a P-256 signature. Raises ValueError."""
    if len(signature) < 2 or signature[0] != _SEQUENCE or signature[1] != len(signature) - 2:
        raise ValueError("not a DER sequence")
    r, rest = _parse_integer(signature[2:])
    s, rest = _parse_integer(rest)
    if rest:
        raise ValueError("bytes after the signature")
    return r + s


def _parse_integer(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < 3 or data[0] != _INTEGER or not 1 <= data[1] <= len(data) - 2:
        raise ValueError("not a DER integer")
    body, rest = data[2 : 2 + data[1]], data[2 + data[1] :]
    padded = len(body) > 1 and body[0] == 0
    if body[0] & 0x80 or (padded and not body[1] & 0x80):
        raise ValueError("a negative or over-long integer")
    value = body.lstrip(b"\x00")
    if len(value) > _COORDINATE:
        raise ValueError("an integer that is too large")
    return value.rjust(_COORDINATE, b"\x00"), rest
