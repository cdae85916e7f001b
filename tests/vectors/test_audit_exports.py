"""Export files of this format version, kept as they were written: they must verify for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from exports import judge, verdict
from independent.export import verify_export_file

_FOLDER = Path(__file__).parent
_EXPECTED: dict[str, Any] = json.loads((_FOLDER / "audit-exports.json").read_text("utf-8"))


def _lines(name: str) -> list[bytes]:
    return (_FOLDER / name).read_bytes().removesuffix(b"\n").split(b"\n")


@pytest.mark.parametrize("name", _EXPECTED)
def test_a_kept_file_is_what_it_was(name: str) -> None:
    expected = _EXPECTED[name]
    summary = verdict(_lines(name), key=expected["key"])
    assert summary.is_pinned
    assert {
        "key": expected["key"],
        "origin": summary.origin,
        "size": summary.size,
        "first": summary.first,
        "rootHash": summary.root_hash,
        "chainHash": summary.chain_hash,
    } == expected


@pytest.mark.parametrize("name", _EXPECTED)
def test_a_kept_file_is_that_to_the_other_verifier_too(name: str) -> None:
    expected = _EXPECTED[name]
    found = verify_export_file((_FOLDER / name).read_bytes(), public_key=expected["key"])
    assert (found.size, found.first) == (expected["size"], expected["first"])
    assert (found.root.hex(), found.chain_hash) == (expected["rootHash"], expected["chainHash"])


@pytest.mark.parametrize("name", _EXPECTED)
def test_a_kept_file_is_not_another_ones(name: str) -> None:
    other = next(each["key"] for each in _EXPECTED.values() if each != _EXPECTED[name])
    assert judge(_lines(name), key=other) is not None
