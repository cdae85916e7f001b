"""The one way to change anything: a change and its audit entries in one commit.

A *plan* looks at the state and says what to write; the journal numbers, links and
signs its entries, then commits everything against the revision of the log's head.
If another worker was faster nothing is written, the generation counter moves (so
that caches are dropped) and the plan runs again, this time under the origin-wide
lock. A worker that commits without a pause waits for that lock every tenth of a second,
so that it keeps nobody out. The lock is for fairness; the revision decides.

Time here never goes back: ``max(clock, last committed)``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final, TypeVar, cast

import attrs

from kms_enclave.codec import DamagedRecordError
from kms_enclave.encoding import canonical_entry, format_base64url
from kms_enclave.errors import KMSError
from kms_enclave.log.entry import EntryDraft, seal_entry
from kms_enclave.log.head import EMPTY_HEAD, HEAD, Head, format_head, parse_head
from kms_enclave.log.stored_tree import tile_put
from kms_enclave.ports.clock import ClockPort
from kms_enclave.ports.crypto import AuditSigningKey, CryptoPort
from kms_enclave.ports.locks import LockPort
from kms_enclave.ports.storage import (
    ABSENT,
    Address,
    Delete,
    Expectation,
    Put,
    Record,
    RevisionConflictError,
    StoragePort,
)
from kms_enclave.tlog.merkle import leaf_hash
from kms_enclave.tlog.tree import append

__all__ = ["Change", "Journal", "SignedDraft"]

_LOCK: Final = "kms:journal"
_MAX_ATTEMPTS: Final = 50
_RUN_MS: Final = 100


@attrs.frozen
class SignedDraft:
    """A draft and the key that signs it."""

    draft: EntryDraft
    key: AuditSigningKey


@attrs.frozen
class Change:
    """What one commit writes. Without drafts there is no entry, but the head moves all the same."""

    drafts: Sequence[SignedDraft] = ()
    expectations: Sequence[Expectation] = ()
    puts: Sequence[Put] = ()
    deletes: Sequence[Delete] = ()
    adjusts_clock_to_ms: int | None = None
    """When the log goes on, even if that is before its end; the first draft says so."""


T = TypeVar("T")
Entry = Mapping[str, object]
Plan = Callable[[int], Awaitable[Change]]
"""Called with the time of the change in milliseconds, once an attempt."""


class Journal:
    """The log's writer in this worker. One change at a time; conflicts are retried."""

    def __init__(
        self, *, storage: StoragePort, crypto: CryptoPort, clock: ClockPort, locks: LockPort
    ) -> None:
        self._storage = storage
        self._crypto = crypto
        self._clock = clock
        self._locks = locks
        self._turn = asyncio.Lock()
        self._head: Head | None = None
        self._run_began_ms = self._last_ended_ms = clock.monotonic_ms()
        self.generation = 0
        """Counts what may have changed unseen: a cache of an older generation is stale."""

    async def commit(
        self, plan: Plan, *, begins_log: bool = False, from_memory: bool = False
    ) -> Sequence[Entry]:
        """Run ``plan`` until its change is committed; return its entries, signed.

        What ``plan`` raises passes through, with nothing written. Only a change that
        ``begins_log`` is made where there is no head: elsewhere somebody took it away, and
        entry 0 must not be written over. A plan ``from_memory`` rests on what was read in this
        generation and keeps what it changes in mind: its commit begins no new one, and where it
        changes nothing, the head must not have moved. Raises KMSError ``storage.evicted``.
        """
        async with self._turn, AsyncExitStack() as stack:
            waits = self._has_had_its_turn()
            stack.callback(self._end_commit)
            for attempt in range(_MAX_ATTEMPTS):
                if attempt == (0 if waits else 1):
                    await stack.enter_async_context(self._locks.hold(_LOCK))
                head = self._head or await self.read_head()
                if head.revision == ABSENT and not begins_log:
                    raise KMSError("storage.evicted")
                now_ms = self.time_after(head)
                change = await plan(now_ms)
                if not (change.drafts or change.puts or change.deletes):
                    if not from_memory or await self._is_at(head):
                        return ()
                    self.forget()
                    continue
                entries, puts, new_head = await self.seal(
                    head, change.drafts, _time_of(change, now_ms)
                )
                try:
                    await self._storage.commit(
                        expectations=(Expectation(HEAD, head.revision), *change.expectations),
                        puts=(*change.puts, *puts),
                        deletes=change.deletes,
                    )
                except RevisionConflictError as conflict:
                    self.forget()
                    if conflict.address.store == "tokens":
                        raise KMSError("jti.collision", retry_after_ms=0) from None
                    continue
                self._head = new_head
                if not from_memory:
                    self.generation += 1
                return entries
        raise KMSError("internal", "The log moved at every attempt")

    def _has_had_its_turn(self) -> bool:
        """Tell whether a run of commits without a pause has lasted long enough to let others in.

        What rests on memory is always faster than what was read after a conflict: without this a
        busy worker keeps every other one out, however often they try.
        """
        now_ms = self._clock.monotonic_ms()
        is_run = now_ms - self._last_ended_ms <= _RUN_MS
        if is_run and now_ms - self._run_began_ms <= _RUN_MS:
            return False
        self._run_began_ms = now_ms
        return is_run

    def _end_commit(self) -> None:
        self._last_ended_ms = self._clock.monotonic_ms()

    async def restart(
        self,
        *,
        closing: SignedDraft,
        expectations: Sequence[Expectation],
        opening: Callable[[Entry, Head], Awaitable[tuple[Change, T]]],
    ) -> T:
        """End this log and begin another, in one commit that wipes every store.

        ``closing`` is sealed as the last entry; ``opening`` gets it and the head that it makes,
        and returns what the new log begins with, and what this returns. Raises
        RevisionConflictError, with nothing written, if the log moved.
        """
        async with self._turn, self._locks.hold(_LOCK):
            head = await self.read_head()
            now_ms = self.time_after(head)
            (last,), _, end = await self.seal(head, [closing], now_ms)
            change, result = await opening(last, end)
            await self._replace(head.revision, expectations, change, now_ms)
            return result

    async def abandon(self, opening: Plan) -> None:
        """Begin another log in the place of one too damaged to be ended, like :meth:`restart`."""
        async with self._turn, self._locks.hold(_LOCK):
            (record,) = await self._storage.read([HEAD])
            now_ms = self._clock.now_ms()
            revision = record.revision if record else ABSENT
            await self._replace(revision, (), await opening(now_ms), now_ms)

    async def _replace(
        self, revision: int, expectations: Sequence[Expectation], change: Change, now_ms: int
    ) -> None:
        # The head's revision goes on counting: a worker that remembers the old log can
        # never mistake the new one for it.
        empty = attrs.evolve(EMPTY_HEAD, revision=revision)
        _, puts, new_head = await self.seal(empty, change.drafts, now_ms)
        await self._storage.replace_all(
            expectations=(Expectation(HEAD, revision), *expectations),
            puts=(*change.puts, *puts),
        )
        self.forget()
        self._head = new_head

    async def seal(
        self, head: Head, drafts: Sequence[SignedDraft], now_ms: int
    ) -> tuple[Sequence[Entry], Sequence[Put], Head]:
        """Number, link and sign drafts after ``head``; return entries, their puts, the new head.

        The head's revision and time move even without an entry: the first makes every change
        visible to the other workers, the second keeps time from going back behind it.
        """
        entries: list[dict[str, object]] = []
        previous = head.chain_hash
        for offset, signed in enumerate(drafts, start=1):
            entry = seal_entry(
                signed.draft,
                seq_num=head.seq_num + offset,
                timestamp=now_ms,
                previous_hash=previous,
            )
            previous = cast(str, entry["chainHash"])
            entries.append(entry)
        chain = [
            (signed.key, bytes.fromhex(cast(str, entry["chainHash"])))
            for signed, entry in zip(drafts, entries, strict=True)
        ]
        signatures = await self._crypto.sign_ed25519_chain(chain) if chain else ()
        puts: list[Put] = []
        leaves: list[bytes] = []
        for entry, signature in zip(entries, signatures, strict=True):
            entry["sig"] = format_base64url(signature)
            data = canonical_entry(entry)
            leaves.append(leaf_hash(data))
            address = Address("audit", cast(int, entry["seqNum"]))
            puts.append(Put(address, Record(1, data.decode())))
        frontier, filled = append(head.frontier, leaves)
        puts.extend(tile_put(tile) for tile in filled)
        new_head = Head(frontier, previous, now_ms, head.revision + 1)
        puts.append(Put(HEAD, format_head(new_head)))
        return entries, puts, new_head

    def time_after(self, head: Head) -> int:
        """Return the time of a change made now, in milliseconds."""
        return max(self._clock.now_ms(), head.timestamp_ms)

    async def read_time(self) -> int:
        """Return the time that a change would have now, in milliseconds."""
        return self.time_after(await self.read_head())

    async def read_head(self) -> Head:
        """Read the end of the log from storage, past the cache.

        Raises KMSError ``attestation.failed`` where the record is damaged.
        """
        (record,) = await self._storage.read([HEAD])
        return _parse(record)

    async def consult(self, question: Callable[[int], Awaitable[T]]) -> T:
        """Return the answer to ``question``, which reads the state and changes nothing.

        It may rest on what was read in this generation: one look at the head says whether that
        is current, and begins a new generation if it is not. Called with the time in milliseconds
        that a change would have now; what it raises passes through.
        """
        async with self._turn:
            (record,) = await self._storage.read([HEAD])
            head = self._head
            if head is None or record is None or head.revision != record.revision:
                self.forget()
                head = _parse(record)
                if record is not None:  # A log that nobody began may be begun by another worker.
                    self._head = head
            return await question(self.time_after(head))

    async def _is_at(self, head: Head) -> bool:
        (record,) = await self._storage.read([HEAD])
        return record is not None and record.revision == head.revision

    def forget(self) -> None:
        """Drop what is remembered: somebody else wrote."""
        self._head = None
        self.generation += 1


def _parse(record: Record | None) -> Head:
    try:
        return parse_head(record)
    except DamagedRecordError as error:
        reason = f"the log's head is damaged: {error}"
        raise KMSError("attestation.failed", details={"reason": reason}) from None


def _time_of(change: Change, now_ms: int) -> int:
    if change.adjusts_clock_to_ms is None:
        return now_ms
    if not change.drafts or change.drafts[0].draft.op != "clock.adjust":
        raise ValueError("only an entry that adjusts the clock may be older than the one before")
    return change.adjusts_clock_to_ms
