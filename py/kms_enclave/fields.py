"""Rules for single fields of requests and records, as attrs validators."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import attrs

from kms_enclave.structure import FieldError, camel_case

__all__ = ["line", "text"]

# C0, DEL, C1, and Unicode's own two line ends.
_CONTROL: Final = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")
_SURROGATES: Final = range(0xD800, 0xE000)


def text(
    max_length: int, *, empty: bool = False
) -> Callable[[object, attrs.Attribute[str], str], None]:
    """Return a validator: a string of Unicode scalar values, at most ``max_length`` of them."""

    def validate(_: object, attribute: attrs.Attribute[str], value: str) -> None:
        if not empty and not value:
            raise FieldError(camel_case(attribute.name), "must not be empty")
        if len(value) > max_length:
            raise FieldError(camel_case(attribute.name), f"longer than {max_length} characters")
        if not value.isascii() and any(ord(character) in _SURROGATES for character in value):
            raise FieldError(camel_case(attribute.name), "not well-formed Unicode")

    return validate


def line(max_length: int) -> Callable[[object, attrs.Attribute[str], str], None]:
    """Return a validator: a text of one line, which looks the same wherever it is listed.

    A control character could end the line of a report or of a terminal in which an
    auditor reads it, and begin one that nobody wrote.
    """
    validate_text = text(max_length)

    def validate(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
        validate_text(instance, attribute, value)
        if _CONTROL.search(value):
            raise FieldError(camel_case(attribute.name), "holds a control character")

    return validate
