"""Records: strict on the way back."""

from __future__ import annotations

import attrs
import pytest
from kms_enclave.codec import DamagedRecordError, format_record, parse_record


@attrs.frozen
class Pair:
    left_side: int
    right_side: str | None = None


def test_a_record_comes_back() -> None:
    assert parse_record(format_record(Pair(1, "x")), Pair) == Pair(1, "x")


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", "null", "{}", '{"leftSide":"1"}', '{"leftSide":1,"more":2}']
)
def test_anything_else_is_damaged(text: str) -> None:
    with pytest.raises(DamagedRecordError, match="Pair"):
        parse_record(text, Pair)
