"""What was dropped from the beginning of the log: the record of it, and a user's word for it."""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.log.head import Head
from kms_enclave.log.stored_tree import read_subtrees
from kms_enclave.log.verify.chain import BadEntryError
from kms_enclave.log.verify.pruned import Pruned, verify_pruning
from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.storage import ABSENT, Address, Record, StoragePort
from kms_enclave.structure import from_json

__all__ = ["NOTHING_PRUNED", "PRUNED", "PrunedMark", "format_mark", "parse_mark", "verify_mark"]

PRUNED: Final = Address("meta", "pruned")


@attrs.frozen
class PrunedMark:
    """``first`` is the first entry that is kept, ``seq_num`` the pruning entry's number."""

    first: int
    seq_num: int
    revision: int


NOTHING_PRUNED: Final = PrunedMark(0, -1, ABSENT)


@from_json
@attrs.frozen
class _MarkRecord:
    first: int
    seq_num: int


def parse_mark(record: Record | None) -> PrunedMark:
    """Return what a record says. Raises DamagedRecordError."""
    if record is None:
        return NOTHING_PRUNED
    stored = parse_record(record.value, _MarkRecord)
    if not 0 < stored.first <= stored.seq_num:
        raise DamagedRecordError("what was pruned is not before the entry that says so")
    return PrunedMark(stored.first, stored.seq_num, record.revision)


def format_mark(mark: PrunedMark) -> Record:
    """Return the record."""
    return Record(mark.revision, format_record(_MarkRecord(mark.first, mark.seq_num)))


async def verify_mark(
    storage: StoragePort, crypto: CryptoPort, mark: PrunedMark, head: Head, *, expected_uak: str
) -> Pruned:
    """Check that a user dropped what a mark says. Raises BadEntryError, DamagedRecordError."""
    (entry,) = await storage.read([Address("audit", mark.seq_num)])
    if entry is None or mark.seq_num > head.seq_num:
        raise BadEntryError(mark.seq_num, "is missing, and the log was pruned by it")
    subtrees = await read_subtrees(storage, head.frontier, mark.first)
    try:
        pruned = verify_pruning(entry.value.encode(), subtrees, expected_uak=expected_uak)
    except ValueError as error:
        raise BadEntryError(mark.seq_num, str(error)) from None
    if pruned.first != mark.first or not all(await crypto.verify_ed25519(pruned.signatures)):
        raise BadEntryError(mark.seq_num, "is not by the user, or about other entries")
    return pruned
