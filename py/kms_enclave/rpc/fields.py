"""Rules for single fields of a request, as attrs validators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from kms_enclave.structure import FieldError, camel_case

__all__ = ["text"]

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
