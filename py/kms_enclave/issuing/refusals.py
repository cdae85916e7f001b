"""Refusals in the log: the first at once, then one entry a minute with their number.

A flood of refused calls must not fill the disk, so repeated refusals under one lease for
one reason are counted in a record of constant size, which all tabs share and a restart
does not lose, and the sweep writes the count once its minute is over. Counting is apart
from the log's commits: whoever floods does not get in the way of other tabs that issue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.log.entry import EntryDraft
from kms_enclave.log.instance import Instance, read_instance
from kms_enclave.log.journal import SignedDraft
from kms_enclave.log.signing import instance_draft
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.storage import (
    ABSENT,
    Address,
    Expectation,
    Put,
    Record,
    RevisionConflictError,
    StoragePort,
)
from kms_enclave.structure import from_json

__all__ = ["Due", "Refusal", "RefusalLog", "write_counts"]

_INTERVAL_MS: Final = 60_000
_MAX_CONFLICTS: Final = 200
_AT_ONCE: Final = 100
_PREFIX: Final = "refused:"
_LOGGED: Final = frozenset(
    {
        "quota.exceeded.lease",
        "quota.exceeded.endpoint",
        "quota.exceeded.user",
        "quota.exceeded.relay",
        "quota.suspended",
        "lease.revoked",
        "relay.proof.invalid",
        "origin.denied",
    }
)


@attrs.frozen
class Refusal:
    """A refused call: whose lease, who asked, and why."""

    lease_id: str
    origin: str
    code: str


@from_json
@attrs.frozen
class _Counted:
    """``count`` refusals since the last entry, which was made at ``logged_at`` (ms)."""

    lease_id: str
    code: str
    origin: str
    logged_at: int
    count: int = 0


@attrs.frozen
class Due:
    """What a commit logs of some refusals, and how often what it does not log was refused."""

    drafts: Sequence[SignedDraft] = ()
    expectations: Sequence[Expectation] = ()
    puts: Sequence[Put] = ()
    others: Mapping[Refusal, int] = attrs.field(factory=dict)


class RefusalLog:
    """Logs refusals, or counts them for a later entry."""

    def __init__(self, *, crypto: CryptoPort, storage: StoragePort) -> None:
        self._crypto = crypto
        self._storage = storage

    async def due(self, refusals: Sequence[Refusal], *, now_ms: int) -> Due:
        """Return what to commit, and then to :meth:`count`."""
        times = Counter(refusal for refusal in refusals if refusal.code in _LOGGED)
        if not times:
            return Due()
        instance = await read_instance(self._storage)
        stored = await self._storage.read([_address(refusal) for refusal in times])
        drafts: list[SignedDraft] = []
        expectations: list[Expectation] = []
        puts: list[Put] = []
        others: dict[Refusal, int] = {}
        for (refusal, number), record in zip(times.items(), stored, strict=True):
            counted = _parse(record)
            if counted is not None and 0 <= now_ms - counted.logged_at < _INTERVAL_MS:
                others[refusal] = number
                continue
            entered = _Counted(refusal.lease_id, refusal.code, refusal.origin, now_ms)
            number += counted.count if counted else 0
            drafts.append(_draft(instance, self._crypto, entered, number))
            expectations.append(_expectation(refusal, record))
            puts.append(_put(refusal, record, entered))
        return Due(drafts, expectations, puts, others)

    async def count(self, others: Mapping[Refusal, int], *, now_ms: int) -> None:
        """Add to the counts what was refused and is no entry yet.

        The commit is not durable: it outlives the worker, if not the machine.
        """
        for refusal, number in others.items():
            for _ in range(_MAX_CONFLICTS):
                if await self._add(refusal, number, now_ms):
                    break

    async def _add(self, refusal: Refusal, number: int, now_ms: int) -> bool:
        (record,) = await self._storage.read([_address(refusal)])
        # Swept meanwhile: its minute begins anew, and ends with an entry.
        counted = _parse(record) or _Counted(refusal.lease_id, refusal.code, refusal.origin, now_ms)
        added = attrs.evolve(counted, count=counted.count + number)
        try:
            await self._storage.commit(
                expectations=[_expectation(refusal, record)],
                puts=[_put(refusal, record, added)],
                durable=False,
            )
        except RevisionConflictError:
            return False
        return True


async def write_counts(
    unit: UnitOfWork, crypto: CryptoPort, storage: StoragePort, *, now_ms: int
) -> None:
    """Log the counts whose minute is over, and delete the records of those that stand at zero."""
    past = await storage.expired("meta", now_ms=now_ms, limit=_AT_ONCE)
    due = [Address("meta", key) for key, _ in past if str(key).startswith(_PREFIX)]
    for address in due:
        record = await unit.read(address)
        counted = _parse(record)
        if counted is None or not counted.count:
            await unit.delete(address)
            continue
        unit.log(_draft(await read_instance(storage), crypto, counted, counted.count))
        entered = attrs.evolve(counted, count=0, logged_at=now_ms)
        await unit.write(address, format_record(entered), expires_ms=now_ms + _INTERVAL_MS)


def _draft(instance: Instance, crypto: CryptoPort, counted: _Counted, number: int) -> SignedDraft:
    draft = EntryDraft(
        op="issue.refused",
        request_id=crypto.random_uuid(),
        origin=counted.origin,
        lease_id=counted.lease_id,
        details={"code": counted.code, "count": number},
    )
    return instance_draft(instance, draft)


def _address(refusal: Refusal) -> Address:
    return Address("meta", f"{_PREFIX}{refusal.lease_id}:{refusal.code}:{refusal.origin}")


def _expectation(refusal: Refusal, record: Record | None) -> Expectation:
    return Expectation(_address(refusal), record.revision if record else ABSENT)


def _put(refusal: Refusal, record: Record | None, counted: _Counted) -> Put:
    revision = (record.revision if record else ABSENT) + 1
    expires_ms = counted.logged_at + _INTERVAL_MS
    return Put(_address(refusal), Record(revision, format_record(counted), {}, expires_ms))


def _parse(record: Record | None) -> _Counted | None:
    """Return what a record counts; a damaged one counts nothing."""
    try:
        return None if record is None else parse_record(record.value, _Counted)
    except DamagedRecordError:
        return None
