"""The exports that the document shows verify, and are what it says, by both verifiers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from exports import verdict
from independent.export import verify_export_file

_FOLDER = Path(__file__).parent / "audit"
_DOCUMENT = Path(__file__).parents[2] / "docs" / "spec" / "audit.md"
_KEY = re.compile(r"^`([\w-]{43})`:$", re.MULTILINE)
_ROW = re.compile(r"^\| `(\w+\.jsonl)` \| (\d+) to (\d+) \| `(\w+)` \| `(\w+)` \|$", re.MULTILINE)


def _text() -> str:
    return _DOCUMENT.read_text("utf-8")


def _rows() -> list[tuple[str, int, int, str, str]]:
    return [
        (name, int(first), int(last), root, chain_hash)
        for name, first, last, root, chain_hash in _ROW.findall(_text())
    ]


def test_the_document_has_a_row_for_each_file() -> None:
    assert sorted(row[0] for row in _rows()) == sorted(p.name for p in _FOLDER.glob("*.jsonl"))


@pytest.mark.parametrize(("name", "first", "last", "root", "chain_hash"), _rows())
def test_a_file_is_what_the_document_says(
    name: str, first: int, last: int, root: str, chain_hash: str
) -> None:
    (key,) = _KEY.findall(_text())
    note = (_FOLDER / "monday.checkpoint").read_text("utf-8")
    data = (_FOLDER / name).read_bytes()
    found = verify_export_file(data, public_key=key, older=[note])
    assert (found.first, found.size - 1, found.root.hex()) == (first, last, root)
    assert found.chain_hash == chain_hash
    summary = verdict(data.splitlines(), key=key, checkpoints=[note])
    assert (summary.first, summary.size - 1, summary.root_hash) == (first, last, root)
    assert summary.chain_hash == chain_hash
