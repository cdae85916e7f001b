"""Reads the vectors of ``tests/vectors``: other people's answers, in hexadecimal."""

from __future__ import annotations

import json
from collections.abc import Mapping

import attrs

__all__ = ["Vector", "Vectors"]


@attrs.frozen
class Vector:
    """One object of a vector file."""

    fields: Mapping[str, object]

    def __getitem__(self, name: str) -> bytes:
        """Return a hexadecimal field as bytes."""
        return bytes.fromhex(self.text(name))

    def text(self, name: str) -> str:
        """Return a field of text."""
        value = self.fields[name]
        if not isinstance(value, str):
            raise TypeError(f"{name} is not text")
        return value

    def number(self, name: str) -> int:
        """Return a field that is an integer."""
        value = self.fields[name]
        if not isinstance(value, int):
            raise TypeError(f"{name} is not an integer")
        return value

    def part(self, name: str) -> Vector:
        """Return a field that is an object."""
        value = self.fields[name]
        if not isinstance(value, dict):
            raise TypeError(f"{name} is not an object")
        return Vector(value)


@attrs.frozen
class Vectors:
    """A vector file."""

    root: Vector

    def __getitem__(self, name: str) -> Vector:
        """Return one of its objects."""
        return self.root.part(name)

    @classmethod
    def parse(cls, text: str) -> Vectors:
        """Read the text of a vector file."""
        return cls(Vector(json.loads(text)))
