"""Depth: what a page's frame passes, the worker takes; one level more it does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kms_enclave.rpc.depth import MAX_DEPTH, verify_depth
from kms_enclave.structure import FieldError

LIMITS = Path(__file__).parents[3] / "web" / "protocol" / "limits.ts"


def nested(depth: int, *, lists: bool) -> object:
    """Return a value whose innermost part is at a depth."""
    value: object = 1
    for _ in range(depth):
        value = [value] if lists else {"inner": value}
    return value


@pytest.mark.parametrize("lists", [True, False])
def test_as_deep_as_allowed_is_taken_and_one_level_more_is_not(lists: bool) -> None:
    verify_depth(nested(MAX_DEPTH, lists=lists))
    with pytest.raises(FieldError, match="nested too deeply"):
        verify_depth(nested(MAX_DEPTH + 1, lists=lists))


def test_the_frame_has_the_same_limit() -> None:
    found = re.search(r"MAX_PARAMS_DEPTH = ([0-9]+);", LIMITS.read_text("utf-8"))
    assert found is not None
    assert int(found[1]) == MAX_DEPTH
