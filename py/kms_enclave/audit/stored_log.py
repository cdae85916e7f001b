"""Verification of the log as it is stored, page by page, without holding anything up.

Entries by the rules of :mod:`kms_enclave.log.verify`, and, since it is stored here, also
that the head names the last entry, that nothing lies beyond it, and that tiles and head
hold the hashes of the tree over the entries.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Final, TypeVar

import attrs

from kms_enclave.audit.identity import verify_identity
from kms_enclave.audit.pruned_mark import (
    NOTHING_PRUNED,
    PRUNED,
    PrunedMark,
    parse_mark,
    verify_mark,
)
from kms_enclave.codec import DamagedRecordError
from kms_enclave.encoding import parse_base64url
from kms_enclave.log.entry import FIRST_PREVIOUS_HASH
from kms_enclave.log.head import HEAD, Head, parse_head
from kms_enclave.log.instance import Instance
from kms_enclave.log.stored_tree import (
    read_frontier,
    read_inclusion,
    read_tiles,
    verify_full_tiles,
)
from kms_enclave.log.verify.chain import BadEntryError, ChainState, ChainVerifier
from kms_enclave.log.verify.form import open_entry
from kms_enclave.ports.crypto import CryptoPort, SignatureCheck
from kms_enclave.ports.storage import Address, Key, Record, StorageError, StoragePort
from kms_enclave.tlog.checkpoint import Checkpoint
from kms_enclave.tlog.tree import EMPTY_FRONTIER, Frontier, append

__all__ = ["Pace", "Start", "Verdict", "verify_stored_log"]

_WHOLE_LOG: Final = -1
_MOST_SETTLING: Final = 2
"""Pages whose signatures are being verified: that thread, too, has always something to do."""

T = TypeVar("T")


@attrs.frozen
class Pace:
    """How many entries at a time, the pause between, and who is told of the progress.

    A page of a hundred takes the worker about 15 ms, in which nothing else happens.
    """

    page: int = 100
    pause_s: float = 0
    progress: Callable[[int, int], None] | None = None


@attrs.frozen
class Start:
    """Where a verification begins, and the tree up to there."""

    state: ChainState
    frontier: Frontier


@attrs.frozen
class Verdict:
    """``size`` is how many entries hold, those before the start included; ``last_hash`` the last's.

    ``fault`` is the first entry that does not hold; its number is -1 where it is the
    log as a whole. ``frontier`` is the tree over all of it where there is no fault,
    ``is_setup`` whether a setup is among what holds.
    """

    size: int
    last_hash: str
    fault: BadEntryError | None
    frontier: Frontier = EMPTY_FRONTIER
    is_setup: bool = False


async def verify_stored_log(
    storage: StoragePort,
    crypto: CryptoPort,
    instance: Instance,
    *,
    verified: Checkpoint | None = None,
    pace: Pace | None = None,
) -> Verdict:
    """Verify every entry up to the head that is stored now.

    Begins with the first entry that is kept, or, given a checkpoint that was verified
    before and has a setup in what it covers, with the one after it.
    """
    pace = pace or Pace()
    head_record, mark_record = await storage.read([HEAD, PRUNED])
    if head_record is None:
        return _bad_as_a_whole("the log's head is missing")
    try:
        head, mark = parse_head(head_record), parse_mark(mark_record)
        start = await _find_start(storage, crypto, instance, head, mark, verified)
    except DamagedRecordError as error:
        return _bad_as_a_whole(f"the log is damaged: {error}")
    except BadEntryError as fault:
        return Verdict(0, FIRST_PREVIOUS_HASH, fault)
    run = _Run(storage, crypto, head, start, instance)
    verdict = await run.verify(pace)
    if verdict.fault is None:
        return attrs.evolve(verdict, fault=await _fault_beyond(storage, head))
    # Entries that a user dropped meanwhile are missing, but nothing is wrong with that.
    (again,) = await storage.read([PRUNED])
    if again is not None and again.revision != mark.revision:
        return await verify_stored_log(storage, crypto, instance, verified=verified, pace=pace)
    return verdict


_Standing = tuple[int, str, bool]
"""How many entries hold, the last one's hash, whether a setup is among them."""


@attrs.define
class _Page:
    """What a page of entries comes to if its signatures hold, which are to be verified."""

    good: _Standing
    fault: BadEntryError | None = None
    checks: list[SignatureCheck] = attrs.field(factory=list)
    before: list[_Standing] = attrs.field(factory=list)
    """What holds if the signature of the same index does not."""
    leaves: list[bytes] = attrs.field(factory=list)


class _Run:
    """One pass from a start to a head."""

    def __init__(
        self,
        storage: StoragePort,
        crypto: CryptoPort,
        head: Head,
        start: Start,
        instance: Instance,
    ) -> None:
        self._storage = storage
        self._crypto = crypto
        self._head = head
        self._frontier = start.frontier
        self._chain = ChainVerifier(
            start=start.state,
            expected_uak=instance.record.uak_public,
            expected_kiak=instance.record.kiak_public,
            expected_instance_id=instance.record.instance_id,
        )

    async def verify(self, pace: Pace) -> Verdict:
        verdict = self._verdict(self._standing())
        if verdict.size < self._head.size:
            verdict = await self._verify_pages(pace)
        if verdict.fault is None and self._frontier != self._head.frontier:
            fault = BadEntryError(_WHOLE_LOG, "the head's tree is not that of the entries")
            return attrs.evolve(verdict, fault=fault)
        return verdict

    async def _verify_pages(self, pace: Pace) -> Verdict:
        """Check each page while the next is read and the last ones' signatures are verified."""
        reading = self._read(self._chain.state.next_seq - 1, pace)
        settling: deque[asyncio.Task[Verdict]] = deque()
        while True:
            try:
                records = await reading
            except StorageError:
                # What was read before may be what is wrong first.
                for page_before in settling:
                    if (verdict := await page_before).fault is not None:
                        return verdict
                raise
            if records and self._chain.state.next_seq + len(records) < self._head.size:
                reading = self._read(records[-1][0], pace)
            await asyncio.sleep(pace.pause_s)
            page = self._check_page(records)
            settling.append(_begin(self._settle(page, settling[-1] if settling else None)))
            is_last = page.fault is not None or page.good[0] == self._head.size
            while len(settling) > (0 if is_last else _MOST_SETTLING):
                verdict = await settling.popleft()
                if pace.progress is not None:
                    pace.progress(verdict.size, self._head.size)
                if verdict.fault is not None or (is_last and not settling):
                    return verdict

    def _read(self, after: Key, pace: Pace) -> asyncio.Task[Sequence[tuple[Key, Record]]]:
        return _begin(self._storage.scan("audit", after=after, limit=pace.page))

    def _check_page(self, records: Sequence[tuple[Key, Record]]) -> _Page:
        page = _Page(self._standing())
        if not records:
            page.fault = BadEntryError(page.good[0], "is missing")
        for key, record in records:
            if self._chain.state.next_seq > self._head.seq_num:
                break
            try:
                found, leaf = self._check_entry(key, record)
            except BadEntryError as error:
                page.fault = error
                break
            page.leaves.append(leaf)
            page.checks.extend(found)
            page.before.extend([page.good] * len(found))
            page.good = self._standing()
        return page

    async def _settle(self, page: _Page, before: asyncio.Task[Verdict] | None) -> Verdict:
        answers = await self._crypto.verify_ed25519(page.checks)
        if before is not None and (verdict := await before).fault is not None:
            return verdict
        for holding, holds in zip(page.before, answers, strict=True):
            if not holds:
                return self._verdict(holding, BadEntryError(holding[0], "a signature is not valid"))
        fault = page.fault or await self._grow(page.leaves)
        return self._verdict(page.good, fault)

    def _check_entry(self, key: Key, record: Record) -> tuple[Sequence[SignatureCheck], bytes]:
        seq_num = self._chain.state.next_seq
        if key != seq_num:
            raise BadEntryError(seq_num, "is missing")
        # Half a surrogate pair, which a browser stores as it is, must end in a verdict too.
        checked = self._chain.check(record.value.encode(errors="surrogatepass"))
        if seq_num == self._head.seq_num:
            self._check_head()
        return checked.signatures, checked.leaf

    def _check_head(self) -> None:
        state, head = self._chain.state, self._head
        if state.previous_hash != head.chain_hash:
            raise BadEntryError(head.seq_num, "is not the entry that the head names")
        if state.timestamp > head.timestamp_ms:
            raise BadEntryError(head.seq_num, "is of a later time than the head")

    async def _grow(self, leaves: Sequence[bytes]) -> BadEntryError | None:
        """Add leaves to the tree; compare the tiles that they fill with the stored ones."""
        self._frontier, filled = append(self._frontier, leaves)
        try:
            stored = await read_tiles(self._storage, [tile.name for tile in filled])
        except DamagedRecordError as error:
            return BadEntryError(_WHOLE_LOG, str(error))
        if any(tuple(stored[tile.name]) != tuple(tile.hashes) for tile in filled):
            return BadEntryError(_WHOLE_LOG, "the stored tree is not that of the entries")
        return None

    def _standing(self) -> _Standing:
        state = self._chain.state
        return state.next_seq, state.previous_hash, state.uak is not None

    def _verdict(self, standing: _Standing, fault: BadEntryError | None = None) -> Verdict:
        size, last_hash, is_setup = standing
        return Verdict(size, last_hash, fault, self._frontier, is_setup)


def _begin(work: Coroutine[object, object, T]) -> asyncio.Task[T]:
    """Begin something that is awaited later, or no more where a fault was found first."""
    task = asyncio.create_task(work)
    # Its failure is not to be reported as one that nobody has looked at.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


async def _find_start(
    storage: StoragePort,
    crypto: CryptoPort,
    instance: Instance,
    head: Head,
    mark: PrunedMark,
    verified: Checkpoint | None,
) -> Start:
    await verify_identity(crypto, instance.record)
    first = ChainState()
    if mark != NOTHING_PRUNED:
        uak = instance.record.uak_public
        if uak is None:
            raise DamagedRecordError("a log without a setup cannot have been pruned")
        first = (await verify_mark(storage, crypto, mark, head, expected_uak=uak)).start
    if verified is None or not first.next_seq < verified.size <= head.size:
        frontier = await read_frontier(storage, head.frontier, first.next_seq)
        await verify_full_tiles(storage, frontier)
        return Start(first, frontier)
    return Start(
        await _state_after(storage, instance, head, verified, first=first),
        await read_frontier(storage, head.frontier, verified.size),
    )


async def _state_after(
    storage: StoragePort,
    instance: Instance,
    head: Head,
    checkpoint: Checkpoint,
    *,
    first: ChainState,
) -> ChainState:
    """Return what the entry after a verified checkpoint must fit, from the one before it."""
    record = instance.record
    seq_num = checkpoint.size - 1
    (stored,) = await storage.read([Address("audit", seq_num)])
    if stored is None:
        raise BadEntryError(seq_num, "is missing")
    try:
        last = open_entry(stored.value.encode())
    except ValueError as error:
        raise BadEntryError(seq_num, str(error)) from None
    leaf, _ = await read_inclusion(storage, head.frontier, index=seq_num, size=checkpoint.size)
    if last.leaf != leaf:
        raise BadEntryError(seq_num, "is not the entry that was verified before")
    pruning = first.pruning if first.pruning and first.pruning.seq_num > seq_num else None
    return ChainState(
        next_seq=checkpoint.size,
        previous_hash=last.chain_hash,
        timestamp=last.timestamp,
        genesis_timestamp=record.created_at,
        instance_id=record.instance_id,
        kiak=parse_base64url(record.kiak_public),
        uak=parse_base64url(record.uak_public) if record.uak_public else None,
        pruning=pruning,
    )


async def _fault_beyond(storage: StoragePort, head: Head) -> BadEntryError | None:
    beyond = await storage.scan("audit", after=head.seq_num, limit=1)
    (again,) = await storage.read([HEAD])
    # An entry and the head that names it land together: only without a newer head is one
    # that was seen there a stranger.
    if not beyond or again is None or again.revision != head.revision:
        return None
    return BadEntryError(head.seq_num + 1, "lies beyond the log's head")


def _bad_as_a_whole(reason: str) -> Verdict:
    return Verdict(0, FIRST_PREVIOUS_HASH, BadEntryError(_WHOLE_LOG, reason))
