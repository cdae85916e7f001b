"""RFC 8785 for the values that the document allows, and base64, each in one spelling only."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

__all__ = ["NotVerified", "decode", "encode", "hash_bytes", "unb64", "unb64url"]

_LARGEST_INTEGER = 2**53 - 1
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


class NotVerified(Exception):  # noqa: N818 - a verdict, not a failure of the program
    """Why a file does not verify."""


def encode(value: Any) -> bytes:
    """Return the one spelling that RFC 8785 gives a value; section 3.2."""
    if isinstance(value, dict):
        in_order = sorted(value, key=lambda name: name.encode("utf-16-be"))
        members = (encode(name) + b":" + encode(value[name]) for name in in_order)
        return b"{" + b",".join(members) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(encode, value)) + b"]"
    if isinstance(value, str):
        return _encode_text(value)
    if value is None or isinstance(value, bool):
        return {None: b"null", True: b"true", False: b"false"}[value]
    if isinstance(value, int) and abs(value) <= _LARGEST_INTEGER:
        return str(value).encode()
    raise NotVerified("a value that no log holds")


def decode(data: bytes) -> Any:
    """Return the value whose RFC 8785 bytes these are."""
    try:
        value = json.loads(data.decode(), object_pairs_hook=_object, parse_float=_no_fraction)
        if encode(value) == data:
            return value
    except (ValueError, RecursionError):
        raise NotVerified("not JSON") from None
    raise NotVerified("not the RFC 8785 bytes of its value")


def unb64url(text: Any, length: int) -> bytes:
    """Return ``length`` bytes from base64url without padding."""
    return _unb64(text, length, base64.urlsafe_b64decode, base64.urlsafe_b64encode, "")


def unb64(text: Any, length: int) -> bytes:
    """Return ``length`` bytes from standard base64 with padding."""
    return _unb64(text, length, base64.b64decode, base64.b64encode, "=")


def hash_bytes(text: Any) -> bytes:
    """Return a hash from lower-case hexadecimal."""
    if not isinstance(text, str) or not _HASH.fullmatch(text):
        raise NotVerified("not a hash")
    return bytes.fromhex(text)


def _unb64(text: Any, length: int, from_text: Any, to_text: Any, padding: str) -> bytes:
    try:
        data: bytes = from_text(text if padding else text + "=" * (-len(text) % 4))
    except (TypeError, ValueError):
        raise NotVerified("not base64") from None
    spelling = to_text(data).decode()
    if text != (spelling if padding else spelling.rstrip("=")) or len(data) != length:
        raise NotVerified("not the base64 of as many bytes")
    return data


def _encode_text(text: str) -> bytes:
    short = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"'}
    short["\\"] = "\\\\"
    quoted = (
        short.get(character) or (f"\\u{ord(character):04x}" if character < " " else character)
        for character in text
    )
    return f'"{"".join(quoted)}"'.encode()


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in members]
    if len(set(names)) != len(names):
        raise NotVerified("a repeated key")
    return dict(members)


def _no_fraction(_: str) -> None:
    raise NotVerified("a fraction")
