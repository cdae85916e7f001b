"""Taking away what time has ended: expired leases, dead tokens, grants that no longer count.

Runs at start and once a minute. An expired lease loses its keys and gets one
``lease.expire`` entry; what remains of it, and of a revoked one, goes 32 days later.
Nothing here decides whether a lease may be used: every use checks that itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Final, Protocol

import attrs

from kms_enclave.context import Context
from kms_enclave.errors import KMSError
from kms_enclave.leases.book import chunk_addresses
from kms_enclave.leases.lease import (
    Lease,
    LeaseRecord,
    lease_address,
    parse_lease,
    without_keys,
    write_lease,
)
from kms_enclave.leases.remains import delete_dead
from kms_enclave.log.entry import EntryDraft
from kms_enclave.log.instance import read_instance_in
from kms_enclave.log.journal import Change
from kms_enclave.log.signing import instance_draft
from kms_enclave.log.skew import is_behind
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.storage import Address, Key, Record, StoragePort

__all__ = ["EXPIRING_MS", "SWEEP_INTERVAL_S", "RefusalCounts", "Sweeper"]

SWEEP_INTERVAL_S: Final = 60
EXPIRING_MS: Final = 600_000
"""How long before its end a lease is announced as expiring."""
_LEASES_AT_ONCE: Final = 32
_BOOKS_AT_ONCE: Final = 100
_CHUNKS_AT_ONCE: Final = 500


class RefusalCounts(Protocol):
    """Logs what was counted of refused calls; issuing, on the floor above, counts them."""

    async def __call__(
        self, unit: UnitOfWork, crypto: CryptoPort, storage: StoragePort, *, now_ms: int
    ) -> None:
        """Add to ``unit`` the entries of counts whose minute is over at ``now_ms``."""


class Sweeper:
    """Sweeps for one worker, and tells its pages of leases near or at their end, once each."""

    def __init__(self, context: Context, *, write_counts: RefusalCounts) -> None:
        self._context = context
        self._write_counts = write_counts
        self._expiring: dict[str, LeaseRecord] = {}

    async def sweep(self) -> None:
        """Expire leases, with an entry each, and delete records that no longer matter."""
        ended: list[LeaseRecord] = []

        async def plan(now_ms: int) -> Change:
            unit = UnitOfWork(self._context.storage)
            ended.clear()
            # What the log's time calls past may be ahead of a clock that was set right.
            if not is_behind(clock_ms=self._context.clock.now_ms(), now_ms=now_ms):
                ended.extend(await _expire_leases(self._context, unit, now_ms))
                await _close_books(unit, self._context.storage, now_ms)
            await self._write_counts(
                unit, self._context.crypto, self._context.storage, now_ms=now_ms
            )
            return unit.change()

        await self._context.journal.commit(plan)
        await self._announce(ended)
        await delete_dead(self._context)

    async def _announce(self, ended: Sequence[LeaseRecord]) -> None:
        now_ms = self._context.clock.now_ms()
        soon = await self._context.storage.expired(
            "leases", now_ms=now_ms + EXPIRING_MS, limit=_LEASES_AT_ONCE
        )
        for record in _live_records(soon, now_ms):
            if self._expiring.get(record.lease_id) != record:
                self._emit("lease.expiring", record)
            self._expiring[record.lease_id] = record
        # Another tab's worker may have ended what this one announced.
        past = [record for record in self._expiring.values() if record.exp <= now_ms]
        for record in {record.lease_id: record for record in (*past, *ended)}.values():
            self._expiring.pop(record.lease_id, None)
            self._emit("lease.expired", record)

    def _emit(self, event: str, record: LeaseRecord) -> None:
        data = {"leaseId": record.lease_id, "userId": record.user_id, "exp": record.exp}
        self._context.events.emit(event, data, origin=record.origin)


def _live_records(found: Sequence[tuple[Key, Record]], now_ms: int) -> Iterator[LeaseRecord]:
    for key, stored in found:
        try:
            record = parse_lease(stored, expected_lease_id=str(key)).record
        except KMSError:
            continue  # Damaged: whoever uses it is told.
        if now_ms < record.exp and record.revoked_at is None and record.ended_at is None:
            yield record


async def _expire_leases(context: Context, unit: UnitOfWork, now_ms: int) -> Sequence[LeaseRecord]:
    due = await context.storage.expired("leases", now_ms=now_ms, limit=_LEASES_AT_ONCE)
    ended: list[LeaseRecord] = []
    for key, stored in due:
        lease_id = str(key)
        try:
            lease = parse_lease(stored, expected_lease_id=lease_id)
        except KMSError:
            continue  # Damaged: whoever uses it is told.
        if lease.record.revoked_at is not None or lease.record.ended_at is not None:
            await unit.delete(lease_address(lease_id))
        else:
            await _end(context, unit, lease, now_ms)
            ended.append(lease.record)
    return ended


async def _close_books(unit: UnitOfWork, storage: StoragePort, now_ms: int) -> None:
    """Delete books of which nothing counts any more, and their chunks."""
    closed = await storage.expired("quotas", now_ms=now_ms, limit=_BOOKS_AT_ONCE)
    books = [(Address("quotas", key), stored) for key, stored in closed]
    for book, _ in books:
        await unit.delete(book)
    # What is beyond the limit has a time of its own.
    chunks = chain.from_iterable(chunk_addresses(*book) for book in books)
    for chunk in islice(chunks, _CHUNKS_AT_ONCE):
        await unit.delete(chunk)


async def _end(context: Context, unit: UnitOfWork, lease: Lease, now_ms: int) -> None:
    record = attrs.evolve(without_keys(lease.record), ended_at=now_ms)
    await write_lease(unit, Lease(record, None, None, lease.revision))
    draft = EntryDraft(
        op="lease.expire",
        request_id=context.crypto.random_uuid(),
        kid=record.kid,
        user_id=record.user_id,
        origin=record.origin,
        lease_id=record.lease_id,
        details={"exp": record.exp},
    )
    unit.log(instance_draft(await read_instance_in(unit), draft))
