"""Bytes as text, and JSON in the two forms that the enclave signs.

``canonical_json`` is RFC 8785 (JCS). ``canonical_entry`` gives the same bytes for
the values that the audit log uses (strings, integers, booleans, lists, objects
with ASCII keys) at a fifth of the cost, because C does the work; a test holds the
two against each other. Base64url is RFC 4648 section 5 without padding, and the
parser accepts one spelling only.
"""

from __future__ import annotations

import binascii
import json
import math
from collections.abc import Mapping
from typing import Final, cast

import rfc8785

__all__ = [
    "canonical_entry",
    "canonical_json",
    "format_base64url",
    "format_json",
    "parse_base64url",
    "parse_canonical",
    "parse_json",
]

_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_SORTED: Final = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)
JsonScalar = str | int | bool | None
_LARGEST_INTEGER: Final = 2**53 - 1
_SPACE: Final = " \t\n\r"
_DIGITS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_ALPHABET: Final = frozenset(_DIGITS)
_LAST: Final = {2: frozenset(_DIGITS[::16]), 3: frozenset(_DIGITS[::4])}
"""What the last digit can be, by how many are over: its bits beyond the last byte are zero."""


def format_base64url(data: bytes) -> str:
    """Return base64url without padding."""
    text = binascii.b2a_base64(data, newline=False).decode("ascii")
    return text.rstrip("=").replace("+", "-").replace("/", "_")


def parse_base64url(text: str) -> bytes:
    """Return the bytes; ``ValueError`` for anything but their one canonical spelling."""
    rest = len(text) % 4
    if rest == 1 or not _ALPHABET.issuperset(text):
        raise ValueError("not base64url without padding")
    if rest and text[-1] not in _LAST[rest]:
        raise ValueError("not the canonical base64url of its bytes")
    standard = text.replace("-", "+").replace("_", "/") + "=" * (-rest % 4)
    return binascii.a2b_base64(standard, strict_mode=True)


def canonical_json(value: Mapping[str, object]) -> bytes:
    """Return the RFC 8785 bytes of a JSON object."""
    return rfc8785.dumps(cast("dict[str, JsonScalar]", value))


def canonical_entry(value: object) -> bytes:
    """Return the RFC 8785 bytes of a value of the audit log's restricted kind."""
    return _SORTED.encode(value).encode()


def format_json(value: object) -> str:
    """Return compact JSON text."""
    return _COMPACT.encode(value)


def parse_json(text: str) -> object:
    """Return the value; ``ValueError`` for what RFC 8259 does not allow (NaN, Infinity).

    So is a number that a double holds as infinity, and text nested too deeply for the stack.
    """
    try:
        value: object = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def parse_canonical(data: bytes) -> object:
    """Return the value whose RFC 8785 bytes these are, of the audit log's restricted kind.

    ``ValueError`` for anything else: other spellings, repeated keys, fractions, integers
    that JavaScript would round.
    """
    # An integer that could be too large has as many digits in a row as the largest. So do some
    # hashes, at the cost of having their entry's integers parsed in Python.
    may_be_large = _LARGEST_DIGITS in data.translate(_ALL_DIGITS_ALIKE)
    decoder = _EXACT if may_be_large else _SMALL
    try:
        value: object
        # What is around the value shows in the comparison.
        value, _ = decoder.raw_decode(data.decode().lstrip(_SPACE))
        # Keys outside ASCII would be sorted otherwise.
        encode = canonical_entry if data.isascii() else rfc8785.dumps
        if encode(cast("dict[str, JsonScalar]", value)) == data:
            return value
    except (ValueError, RecursionError, rfc8785.CanonicalizationError):
        raise ValueError("is not JSON") from None
    raise ValueError("is not canonical JSON")


def _exact_integer(digits: str) -> int:
    number = int(digits)
    if abs(number) > _LARGEST_INTEGER:
        raise ValueError(f"{digits} is beyond exact integers")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is beyond what a number can be")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# Made once: a hundred thousand lines go through it.
_EXACT: Final = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_refuse_constant, parse_int=_exact_integer
)
_SMALL: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_refuse_constant)
_ALL_DIGITS_ALIKE: Final = bytes.maketrans(b"123456789", b"000000000")
_LARGEST_DIGITS: Final = b"0" * len(str(_LARGEST_INTEGER))
