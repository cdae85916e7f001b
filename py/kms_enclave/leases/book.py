"""Books: the stored windows of one lease, one user or one relay.

A book is one record in ``quotas``, with full chunks of its windows in ``grants``. A
lease's book also holds its standing. Users and relays belong to the parent origin
that named them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, parse_record
from kms_enclave.encoding import format_json, parse_json
from kms_enclave.errors import KMSError
from kms_enclave.leases.lease import KEPT_FOR_MS
from kms_enclave.leases.quota import (
    ChunkNeededError,
    Decision,
    GrantWindow,
    Quota,
    WindowRecord,
    empty_window,
)
from kms_enclave.leases.standing import SPOTLESS, Standing
from kms_enclave.ports.storage import (
    ABSENT,
    Address,
    Delete,
    Expectation,
    Put,
    Record,
    StoragePort,
)
from kms_enclave.structure import from_json

__all__ = [
    "Book",
    "chunk_addresses",
    "lease_book_address",
    "parse_book",
    "relay_book_address",
    "user_book_address",
]

_READ_AT_ONCE: Final = 32
_DELETED_AT_ONCE: Final = 32


@from_json
@attrs.frozen
class BookRecord:
    """What is stored of a book."""

    windows: tuple[WindowRecord, ...]
    standing: Standing


def lease_book_address(lease_id: str) -> Address:
    """Return where a lease's book is."""
    return Address("quotas", lease_id)


def user_book_address(origin: str, user_id: str) -> Address:
    """Return where the book of an origin's user is."""
    return Address("quotas", f"user/{origin}/{user_id}")


def relay_book_address(origin: str, relay_id: str) -> Address:
    """Return where the book of an origin's relay is."""
    return Address("quotas", f"relay/{origin}/{relay_id}")


def parse_book(record: Record | None) -> BookRecord:
    """Return what a record holds; an empty book for none.

    Raises KMSError ``lease.not.found`` where it is damaged: what was used is not known.
    """
    try:
        return (
            BookRecord((), SPOTLESS) if record is None else parse_record(record.value, BookRecord)
        )
    except DamagedRecordError:
        raise _damaged() from None


def chunk_addresses(book: Address, record: Record) -> Iterator[Address]:
    """Yield where the chunks of a stored book are; none where it is damaged."""
    try:
        windows = parse_book(record).windows
    except KMSError:
        return
    for window in windows:
        for index in range(window.first_kept, window.next_chunk):
            yield _chunk_address(book, window.name, index)


class Book:
    """A book in memory; changed in place while a change is being made."""

    def __init__(
        self,
        address: Address,
        record: Record | None,
        *,
        storage: StoragePort,
        report_change: Callable[[Book], None],
    ) -> None:
        stored = parse_book(record)
        self._address = address
        self._storage = storage
        self._revision = record.revision if record else ABSENT
        self._stored = {window.name: window for window in stored.windows}
        self._windows: dict[str, GrantWindow] = {}
        self._filled: list[Put] = []
        self._standing = stored.standing
        self._report_change = report_change

    @property
    def standing(self) -> Standing:
        """How the lease stands."""
        return self._standing

    def stand(self, standing: Standing) -> None:
        """Change how the lease stands."""
        self._standing = standing
        self._report_change(self)

    async def decide(self, quota: Quota, count: int, *, now_ms: int) -> Decision:
        """Say whether ``count`` more may be granted at ``now_ms``."""
        window = self._window(quota)
        while True:
            try:
                return window.decide(count, limit=quota.limit, now_ms=now_ms)
            except ChunkNeededError as needed:
                await self._load(window, needed.index)

    def grant(self, quota: Quota, count: int, *, now_ms: int) -> None:
        """Count what was decided; :meth:`take_writes` then says what to write."""
        self._report_change(self)
        filled = self._window(quota).grant(count, now_ms=now_ms)
        if filled is not None:
            index, entries = filled
            record = Record(1, format_json(list(entries)), {}, now_ms + KEPT_FOR_MS)
            self._filled.append(Put(_chunk_address(self._address, quota.window, index), record))

    def expectation(self) -> Expectation:
        """Return the revision that a commit about this book rests on."""
        return Expectation(self._address, self._revision)

    def take_writes(self, *, now_ms: int) -> tuple[Sequence[Put], Sequence[Delete]]:
        """Return what was changed since the last call, and count the new revision.

        Of chunks that nothing needs any more some are deleted, the rest by later commits.
        """
        self._revision += 1
        filled, self._filled = self._filled, []
        deletes = [
            Delete(_chunk_address(self._address, window.name, index))
            for window in self._windows.values()
            for index in window.take_left(_DELETED_AT_ONCE)
        ]
        # Kept past the longest window: a clock that is ahead may be set back to when it counts.
        record = Record(self._revision, self._format(), {}, now_ms + KEPT_FOR_MS)
        return (*filled, Put(self._address, record)), deletes

    def _format(self) -> str:
        # By hand: this is the hot path. A test reads it back.
        records = {name: window.to_record() for name, window in self._windows.items()}
        windows = [
            {
                "name": window.name,
                "used": window.used,
                "newest": window.newest,
                "skipped": window.skipped,
                "firstChunk": window.first_chunk,
                "nextChunk": window.next_chunk,
                "tail": window.tail,
                "firstKept": window.first_kept,
            }
            for window in {**self._stored, **records}.values()
        ]
        standing = {
            "violations": self._standing.violations,
            "suspendedUntil": self._standing.suspended_until,
        }
        return format_json({"windows": windows, "standing": standing})

    def _window(self, quota: Quota) -> GrantWindow:
        window = self._windows.get(quota.window)
        if window is None:
            stored = self._stored.get(quota.window) or empty_window(quota.window)
            window = GrantWindow(stored, length_ms=quota.length_ms)
            self._windows[quota.window] = window
        return window

    async def _load(self, window: GrantWindow, index: int) -> None:
        numbers = window.unread_from(index, _READ_AT_ONCE)
        addresses = [_chunk_address(self._address, window.name, number) for number in numbers]
        records = await self._storage.read(addresses)
        found = [record for record in records if record is not None]
        if len(found) < len(numbers):
            # Lost, or swept by a clock that was ahead longer than they are kept.
            window.gather()
            return
        for number, record in zip(numbers, found, strict=True):
            window.load(number, _parse_chunk(record))


def _chunk_address(book: Address, window: str, index: int) -> Address:
    return Address("grants", f"{book.key}/{window}/{index:012d}")


def _parse_chunk(record: Record) -> Sequence[int]:
    try:
        value = parse_json(record.value)
    except ValueError:
        raise _damaged() from None
    if not isinstance(value, list) or any(type(number) is not int for number in value):
        raise _damaged()
    if len(value) % 2:
        raise _damaged()
    return value


def _damaged() -> KMSError:
    return KMSError("lease.not.found", "A quota record of the lease is damaged")
