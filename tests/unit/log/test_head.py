"""The head record: what is written comes back, anything else is damaged."""

from __future__ import annotations

import json

import pytest
from kms_enclave.codec import DamagedRecordError
from kms_enclave.log.head import EMPTY_HEAD, Head, format_head, parse_head
from kms_enclave.ports.storage import Record
from kms_enclave.tlog.tree import EMPTY_FRONTIER, append

FRONTIER, _ = append(EMPTY_FRONTIER, [bytes([number]) * 32 for number in range(18)])
HEAD = Head(FRONTIER, "ab" * 32, 99, 7)


def test_a_head_comes_back() -> None:
    assert parse_head(format_head(HEAD)) == HEAD


def test_no_record_is_the_empty_head() -> None:
    assert parse_head(None) == EMPTY_HEAD
    assert (EMPTY_HEAD.seq_num, EMPTY_HEAD.size, EMPTY_HEAD.chain_hash) == (-1, 0, "0" * 64)


@pytest.mark.parametrize("text", ["", "[]", "5", "{}", "null"])
def test_what_is_no_object_of_this_kind_is_damaged(text: str) -> None:
    with pytest.raises(DamagedRecordError):
        parse_head(Record(1, text))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seqNum", "17"),
        ("seqNum", -1),
        ("seqNum", 16),
        ("seqNum", 33),
        ("chainHash", 1),
        ("timestamp", None),
        ("tree", None),
        ("tree", []),
        ("tree", [""]),
        ("tree", ["", "", ""]),
        ("tree", ["!", ""]),
        ("tree", ["A" * 43, "A" * 43]),
        ("tree", ["A" * 44, "A" * 43]),
    ],
)
def test_a_head_with_one_wrong_field_is_damaged(field: str, value: object) -> None:
    stored = {**json.loads(format_head(HEAD).value), field: value}
    with pytest.raises(DamagedRecordError):
        parse_head(Record(1, json.dumps(stored)))


@pytest.mark.parametrize("field", ["seqNum", "chainHash", "timestamp", "tree"])
def test_a_head_that_lacks_a_field_is_damaged(field: str) -> None:
    stored = json.loads(format_head(HEAD).value)
    del stored[field]
    with pytest.raises(DamagedRecordError):
        parse_head(Record(1, json.dumps(stored)))
