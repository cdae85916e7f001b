"""Refusals to start, recorded beside the log: nothing may be added to one that does not hold."""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.ports.storage import (
    ABSENT,
    Address,
    Expectation,
    Put,
    Record,
    RevisionConflictError,
    StorageError,
    StoragePort,
)
from kms_enclave.structure import from_json

__all__ = ["REFUSAL", "Refusal", "read_refusal", "record_refusal"]

REFUSAL: Final = Address("meta", "refusal")


@from_json
@attrs.frozen
class Refusal:
    """The last refusal's reason, how many there were, and the first and last time in ms."""

    reason: str
    count: int
    first: int
    last: int


async def read_refusal(storage: StoragePort) -> Refusal | None:
    """Return what was recorded; a damaged record is none."""
    (record,) = await storage.read([REFUSAL])
    return _parse(record)


async def record_refusal(storage: StoragePort, *, reason: str, now_ms: int) -> None:
    """Record one more refusal, as far as storage lets it: refusing does not depend on it."""
    try:
        (record,) = await storage.read([REFUSAL])
        put = _one_more(record, reason=reason, now_ms=now_ms)
        revision = record.revision if record else ABSENT
        await storage.commit(expectations=[Expectation(REFUSAL, revision)], puts=[put])
    except (StorageError, RevisionConflictError):
        return  # Another tab recorded it, or nothing can be read or written.


def _one_more(record: Record | None, *, reason: str, now_ms: int) -> Put:
    before = _parse(record)
    refusal = Refusal(
        reason=reason,
        count=before.count + 1 if before else 1,
        first=before.first if before else now_ms,
        last=now_ms,
    )
    revision = record.revision if record else ABSENT
    return Put(REFUSAL, Record(revision + 1, format_record(refusal)))


def _parse(record: Record | None) -> Refusal | None:
    try:
        return parse_record(record.value, Refusal) if record else None
    except DamagedRecordError:
        return None
