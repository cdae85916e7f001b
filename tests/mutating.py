"""Every small change to a line of an export file, spelled as RFC 8785 wants it.

What is not canonical is refused for that alone, and says nothing about the rules.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

__all__ = ["Path", "added", "changed", "members", "without"]

Path = tuple[str | int, ...]
"""The way to a member of a line's value."""


def members(lines: Sequence[bytes], *, with_whole: bool = False) -> list[tuple[int, Path]]:
    """Return every member of every line, at any depth.

    Of the certificates that a signer's entries carry, only the first one's.
    """
    found: list[tuple[int, Path]] = []
    signers: set[str] = set()
    for number, line in enumerate(lines):
        value = json.loads(line)
        is_first = value.get("signer") not in signers
        paths = [()] if with_whole else []
        paths += _paths(value)
        found += [(number, path) for path in paths if is_first or path[:1] != ("cert",)]
        if "cert" in value:
            signers.add(value["signer"])
    return found


def changed(path: Path, line: bytes) -> list[bytes]:
    """Return the line with one member changed, in several ways."""
    value, holder = _open(path, line)
    before = holder[path[-1]]
    lines: list[bytes] = []
    for other in _other(before):
        holder[path[-1]] = other
        lines.append(_encode(value))
    return [each for each in lines if each != line]


def without(path: Path, line: bytes) -> bytes:
    """Return the line with one member less."""
    value, holder = _open(path, line)
    del holder[path[-1]]
    return _encode(value)


def added(path: Path, line: bytes) -> list[bytes]:
    """Return the line with something added to a member that holds others."""
    value, holder = _open((*path, ""), line)
    if isinstance(holder, dict):
        holder["added"] = "x"
    elif isinstance(holder, list):
        holder.append("x")
    else:
        return []
    return [_encode(value)]


def _open(path: Path, line: bytes) -> tuple[Any, Any]:
    value = holder = json.loads(line)
    for step in path[:-1]:
        holder = holder[step]
    return value, holder


def _encode(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _paths(value: object, path: Path = ()) -> list[Path]:
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [
        found for name, member in inner for found in [(*path, name), *_paths(member, (*path, name))]
    ]


def _other(value: object) -> list[object]:
    """Return values of the same type that are nearly the same, and one of another."""
    if isinstance(value, bool):
        return [not value, 1]
    if isinstance(value, int):
        return [value + 1, value - 1, -value - 1, str(value), None]
    if isinstance(value, str):
        flipped = [chr(ord(value[-1]) ^ 1), "A", "_"] if value else ["x"]
        return [*(value[:-1] + last for last in flipped if value[-1:] != last), value + "x", 5]
    if value is None:
        return [0, ""]
    return [None, [], {}]
