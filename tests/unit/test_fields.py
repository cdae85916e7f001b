"""Rules for single fields."""

from __future__ import annotations

import attrs
import pytest
from kms_enclave.fields import line, text
from kms_enclave.structure import FieldError


@attrs.frozen
class Form:
    short_text: str = attrs.field(validator=text(4))
    one_line: str = attrs.field(default="ü 1", validator=line(4))
    may_be_empty: str = attrs.field(default="", validator=text(4, empty=True))


@pytest.mark.parametrize("value", ["a", "aaaa", "üüüü", "\U0001f600" * 4])
def test_length_counts_characters(value: str) -> None:
    assert Form(value).short_text == value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "must not be empty"),
        ("aaaaa", "longer than 4 characters"),
        ("\ud83d", "not well-formed Unicode"),
        ("a\udfff", "not well-formed Unicode"),
    ],
)
def test_other_text_is_refused_by_its_wire_name(value: str, reason: str) -> None:
    with pytest.raises(FieldError) as caught:
        Form(value)
    assert (caught.value.field, caught.value.reason) == ("shortText", reason)


@pytest.mark.parametrize("character", ["\0", "\n", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"])
def test_a_line_holds_no_control_character(character: str) -> None:
    with pytest.raises(FieldError) as caught:
        Form("a", one_line=f"a{character}b")
    assert (caught.value.field, caught.value.reason) == ("oneLine", "holds a control character")


@pytest.mark.parametrize("value", ["", "aaaaa", "\ud83d"])
def test_a_line_is_a_text(value: str) -> None:
    with pytest.raises(FieldError):
        Form("a", one_line=value)
