"""From Python's types to TypeScript's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pytest
from kms_enclave.rpc.typescript import format_type


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (str, "string"),
        (int, "number"),
        (float, "number"),
        (bool, "boolean"),
        (object, "unknown"),
        (str | None, "string | null"),
        (tuple[int, ...], "readonly number[]"),
        (Literal["a", "b"], '"a" | "b"'),
        (Literal[True], "true"),
        (Literal[2], "2"),
        (Mapping[str, object], "Readonly<Record<string, unknown>>"),
    ],
)
def test_a_type_has_its_counterpart(annotation: object, text: str) -> None:
    assert format_type(annotation) == text


def test_a_type_without_a_counterpart_is_refused() -> None:
    with pytest.raises(TypeError, match="no TypeScript"):
        format_type(bytes)
