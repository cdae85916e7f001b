"""Records as frozen attrs classes: JSON text in storage, strict on the way back.

A record that does not parse has been tampered with or was written by another
version; callers turn :class:`DamagedRecordError` into the error that fits.
"""

from __future__ import annotations

from typing import TypeVar

from kms_enclave.encoding import format_json, parse_json
from kms_enclave.structure import FieldError, structure, unstructure

__all__ = ["DamagedRecordError", "format_record", "parse_record"]

T = TypeVar("T")


class DamagedRecordError(Exception):
    """A stored record is not what this version writes."""


def parse_record(text: str, cls: type[T]) -> T:
    """Return the record in ``text``. Raises DamagedRecordError."""
    try:
        return structure(parse_json(text), cls)
    except (FieldError, ValueError) as error:
        raise DamagedRecordError(f"{cls.__name__}: {error}") from None


def format_record(value: object) -> str:
    """Return the JSON text of an attrs instance."""
    return format_json(unstructure(value))
