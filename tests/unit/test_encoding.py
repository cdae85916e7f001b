"""Bytes as text and canonical JSON, against other implementations of both."""

from __future__ import annotations

import base64
import binascii
import json
import string

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from kms_enclave.encoding import (
    canonical_entry,
    canonical_json,
    format_base64url,
    format_json,
    parse_base64url,
    parse_canonical,
    parse_json,
)

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_ASCII_KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
_SAFE_INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
_LOG_VALUES = st.recursive(
    _TEXT | _SAFE_INTEGERS | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_ASCII_KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_ASCII_KEYS, _LOG_VALUES, max_size=6))
def test_canonical_entry_gives_the_bytes_of_rfc_8785(value: dict[str, object]) -> None:
    assert canonical_entry(value) == rfc8785.dumps(value)


def test_canonical_json_sorts_by_utf_16_and_formats_numbers_as_rfc_8785_shows() -> None:
    value = {"\u20ac": "Euro", "\r": "CR", "\ufb33": "Dalet", "1": "One", "\U0001f600": "Grin"}
    assert list(json.loads(canonical_json(value))) == ["\r", "1", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_canonical_entry_refuses_what_json_has_no_number_for(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_entry({"number": number})


@given(st.binary())
def test_base64url_is_what_the_standard_library_gives_without_padding(data: bytes) -> None:
    text = format_base64url(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert parse_base64url(text) == data


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("QQ==", "padding"),
        ("QR", "bits after the last byte"),
        ("QUJ", "bits after the last byte, two bytes"),
        ("Q", "a length that no bytes have"),
        ("Q+==", "the other alphabet"),
        ("A+/A", "the other alphabet"),
        ("QUI C", "a space"),
        ("QUIC\n", "a line break"),
        ("QÜIC", "not ASCII"),
    ],
)
def test_base64url_has_one_spelling(text: str, why: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        parse_base64url(text)


def _spelled_again(text: str) -> str | None:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@given(st.text(string.ascii_letters + string.digits + "-_", max_size=12))
def test_base64url_is_taken_where_its_bytes_give_the_same_text(text: str) -> None:
    if _spelled_again(text) == text:
        parse_base64url(text)
    else:
        with pytest.raises(ValueError, match="base64url"):
            parse_base64url(text)


@given(_LOG_VALUES)
def test_json_text_comes_back(value: object) -> None:
    assert parse_json(format_json(value)) == value


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "[-1e999]"])
def test_numbers_that_rfc_8259_lacks_are_not_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"not JSON|beyond"):
        parse_json(text)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_that_is_nested_beyond_measure_is_refused_like_any_other_fault(opening: str) -> None:
    with pytest.raises(ValueError, match="nested"):
        parse_json(opening * 200_000)


@given(st.dictionaries(_ASCII_KEYS, _LOG_VALUES, max_size=6))
def test_canonical_bytes_are_parsed_into_what_they_are_of(value: dict[str, object]) -> None:
    assert parse_canonical(rfc8785.dumps(value)) == value


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1, 0])
def test_canonical_integers_are_exact_up_to_their_limits(number: int) -> None:
    # A run of digits in a text is no integer.
    for text in ("", "0" * 16):
        value = {"a": text, "b": [number]}
        assert parse_canonical(rfc8785.dumps(value)) == value


@pytest.mark.parametrize(
    "text",
    ["9007199254740992", "-9007199254740992", "9999999999999999", "1" * 5000, "1.0", "1e2", "-0",
     "01", "+1", "1 ", " 1", "1,", "1]", "NaN", "Infinity", '"\\u0041"', '{"b":1,"a":1}',
     '{"a":1,"a":1}', "[" * 100_000, ""],
)  # fmt: skip
def test_another_spelling_or_an_inexact_number_is_not_canonical(text: str) -> None:
    for data in (text, f'{{"a":{text}}}'):
        with pytest.raises(ValueError, match="is not"):
            parse_canonical(data.encode())
