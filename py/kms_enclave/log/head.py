"""The end of the log, as one record: what the next entry must fit, and the tree's frontier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.log.entry import FIRST_PREVIOUS_HASH
from kms_enclave.ports.storage import ABSENT, Address, Record
from kms_enclave.structure import from_json
from kms_enclave.tlog.merkle import HASH_BYTES
from kms_enclave.tlog.tree import EMPTY_FRONTIER, Frontier, verify_frontier_form

__all__ = [
    "EMPTY_HEAD",
    "HEAD",
    "Head",
    "format_hashes",
    "format_head",
    "parse_hashes",
    "parse_head",
]

HEAD: Final = Address("meta", "head")


@attrs.frozen
class Head:
    """The last entry's hash and time, the tree over all entries, and this record's revision."""

    frontier: Frontier
    chain_hash: str
    timestamp_ms: int
    revision: int

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.frontier.size

    @property
    def seq_num(self) -> int:
        """The last entry's number; -1 without one."""
        return self.frontier.size - 1


EMPTY_HEAD: Final = Head(EMPTY_FRONTIER, FIRST_PREVIOUS_HASH, 0, ABSENT)


@from_json
@attrs.frozen
class _HeadRecord:
    seq_num: int
    chain_hash: str
    timestamp: int
    tree: tuple[str, ...]


def parse_head(record: Record | None) -> Head:
    """Return the head that a record holds; the empty head for none. Raises DamagedRecordError."""
    if record is None:
        return EMPTY_HEAD
    stored = parse_record(record.value, _HeadRecord)
    if stored.seq_num < 0:
        raise DamagedRecordError("a log without an entry has no head")
    try:
        levels = tuple(parse_hashes(text) for text in stored.tree)
        frontier = Frontier(stored.seq_num + 1, levels)
        verify_frontier_form(frontier)
    except ValueError as error:
        raise DamagedRecordError(str(error)) from None
    return Head(frontier, stored.chain_hash, stored.timestamp, record.revision)


def format_head(head: Head) -> Record:
    """Return the record of a head."""
    tree = tuple(format_hashes(hashes) for hashes in head.frontier.levels)
    stored = _HeadRecord(head.seq_num, head.chain_hash, head.timestamp_ms, tree)
    return Record(head.revision, format_record(stored))


def parse_hashes(text: str) -> Sequence[bytes]:
    """Return the hashes that :func:`format_hashes` wrote one after the other. Raises ValueError."""
    data = parse_base64url(text)
    if len(data) % HASH_BYTES:
        raise ValueError("not a whole number of hashes")
    return tuple(data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES))


def format_hashes(hashes: Sequence[bytes]) -> str:
    """Return hashes as one text, a quarter shorter than one by one."""
    return format_base64url(b"".join(hashes))
