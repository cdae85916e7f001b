"""The journal: one change, one commit; conflicts are retried, failures write nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import attrs
import pytest
from doubles import CrashError, FakeClock, FaultyCrypto, FaultyStorage
from kms_enclave.adapters.native.locks import AsyncioLocks
from kms_enclave.adapters.native.memory import MemoryStorage
from kms_enclave.errors import KMSError
from kms_enclave.log.entry import EntryDraft
from kms_enclave.log.head import HEAD, Head
from kms_enclave.log.journal import Change, Journal, SignedDraft
from kms_enclave.log.stored_tree import read_tiles
from kms_enclave.ports.crypto import AuditSigningKey
from kms_enclave.ports.storage import Address, Delete, Expectation, Put, Record, StorageError
from kms_enclave.tlog.tree import EMPTY_FRONTIER, append

_THING = Address("meta", "thing")


@attrs.define
class Desk:
    """Two journals over one storage, as two tabs have them; its log has one entry."""

    memory: MemoryStorage
    storage: FaultyStorage
    crypto: FaultyCrypto
    clock: FakeClock
    key: AuditSigningKey
    one: Journal
    two: Journal

    def draft(self, op: str = "unlock.denied") -> SignedDraft:
        draft = EntryDraft(op=op, request_id="r", signer="KIAK", signer_id="s")
        return SignedDraft(draft, self.key)

    async def plain(self, now_ms: int) -> Change:
        return Change(drafts=[self.draft()])

    async def thing(self) -> Record | None:
        return (await self.memory.read([_THING]))[0]


@pytest.fixture
async def desk() -> Desk:
    memory, crypto, clock, locks = MemoryStorage(), FaultyCrypto(), FakeClock(), AsyncioLocks()
    storage = FaultyStorage(memory)
    ports = {"storage": storage, "crypto": crypto, "clock": clock, "locks": locks}
    key = (await crypto.generate_audit_key()).private
    desk = Desk(memory, storage, crypto, clock, key, Journal(**ports), Journal(**ports))
    await desk.one.commit(desk.plain, begins_log=True)
    storage.commits = 0
    return desk


async def test_entries_are_numbered_and_linked_from_nothing(desk: Desk) -> None:
    (second,) = await desk.one.commit(desk.plain)
    (third,) = await desk.two.commit(desk.plain)
    (record,) = await desk.memory.read([Address("audit", 0)])
    first = json.loads(record.value)
    assert [entry["seqNum"] for entry in (first, second, third)] == [0, 1, 2]
    assert first["previousHash"] == "0" * 64
    assert second["previousHash"] == first["chainHash"]
    assert third["previousHash"] == second["chainHash"]


async def test_several_entries_of_a_change_are_linked_in_order(desk: Desk) -> None:
    async def plan(_: int) -> Change:
        return Change(drafts=[desk.draft(), desk.draft("lease.expire")])

    first, second = await desk.one.commit(plan)
    assert (first["seqNum"], second["seqNum"]) == (1, 2)
    assert second["previousHash"] == first["chainHash"]


async def test_a_commit_is_durable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, asked = desk.memory.commit, []

    async def note(*, durable: bool, **change: Any) -> None:
        asked.append(durable)
        await commit(durable=durable, **change)

    monkeypatch.setattr(desk.memory, "commit", note)
    await desk.one.commit(desk.plain)
    await desk.two.commit(desk.plain)
    assert asked == [True, True]


async def test_time_goes_back_to_where_a_change_adjusts_the_clock(desk: Desk) -> None:
    adjusted_ms = desk.clock.now_ms() - 1000

    async def adjust(_: int) -> Change:
        draft = EntryDraft(op="clock.adjust", request_id="r", signer="UAK", signer_id="s")
        drafts = [SignedDraft(draft, desk.key), desk.draft()]
        return Change(drafts=drafts, adjusts_clock_to_ms=adjusted_ms)

    entries = await desk.one.commit(adjust)
    assert [entry["timestamp"] for entry in entries] == [adjusted_ms] * 2
    desk.clock.advance(-2000)
    assert await desk.two.read_time() == adjusted_ms


async def test_no_change_goes_back_without_saying_so_first(desk: Desk) -> None:
    async def sneak(_: int) -> Change:
        return Change(drafts=[desk.draft()], adjusts_clock_to_ms=0)

    with pytest.raises(ValueError, match="adjusts the clock"):
        await desk.one.commit(sneak)
    assert desk.storage.commits == 0


async def test_nothing_is_written_over_a_log_whose_head_is_gone(desk: Desk) -> None:
    await desk.memory.commit(expectations=(), puts=(), deletes=[Delete(HEAD)])
    with pytest.raises(KMSError) as caught:
        await desk.one.commit(desk.plain)
    assert caught.value.code == "storage.evicted"
    assert desk.storage.commits == 0


async def test_a_change_lands_with_its_entry(desk: Desk) -> None:
    async def plan(_: int) -> Change:
        return Change(
            drafts=[desk.draft()],
            expectations=[Expectation(_THING, 0)],
            puts=[Put(_THING, Record(1, "1"))],
        )

    await desk.one.commit(plan)
    assert await desk.thing() == Record(1, "1", {})
    assert await desk.memory.count("audit") == 2

    async def undo(_: int) -> Change:
        return Change(drafts=[desk.draft()], deletes=[Delete(_THING)])

    await desk.one.commit(undo)
    assert await desk.thing() is None


async def test_a_change_without_an_entry_moves_the_heads_revision_and_time_alone(
    desk: Desk,
) -> None:
    before = await desk.one.read_head()
    desk.clock.advance(1000)

    async def plan(_: int) -> Change:
        return Change(puts=[Put(_THING, Record(1, "1"))])

    assert list(await desk.one.commit(plan)) == []
    assert await desk.thing() is not None
    after = await desk.one.read_head()
    assert after.revision == before.revision + 1
    assert after.timestamp_ms == desk.clock.now_ms()
    assert (after.seq_num, after.chain_hash) == (before.seq_num, before.chain_hash)


async def test_an_empty_change_commits_nothing(desk: Desk) -> None:
    async def plan(_: int) -> Change:
        return Change()

    commits = desk.storage.commits
    assert await desk.one.commit(plan) == ()
    assert desk.storage.commits == commits


async def test_what_a_plan_raises_passes_through_with_nothing_written(desk: Desk) -> None:
    async def plan(_: int) -> Change:
        raise KMSError("lease.expired")

    with pytest.raises(KMSError, match="Lease expired"):
        await desk.one.commit(plan)
    assert desk.storage.commits == 0
    assert len(await desk.one.commit(desk.plain)) == 1


async def test_a_conflict_is_planned_again_on_what_is_stored_now(desk: Desk) -> None:
    await desk.one.commit(desk.plain)
    await desk.two.commit(desk.plain)
    generation = desk.one.generation
    planned = 0

    async def plan(now_ms: int) -> Change:
        nonlocal planned
        planned += 1
        return await desk.plain(now_ms)

    (entry,) = await desk.one.commit(plan)
    assert (planned, entry["seqNum"]) == (2, 3)
    assert desk.one.generation > generation, "caches must learn that somebody else wrote"


async def test_a_conflict_on_a_record_of_the_change_is_planned_again(desk: Desk) -> None:
    await desk.one.commit(desk.plain)
    seen: list[int] = []

    async def plan(_: int) -> Change:
        record = await desk.thing()
        seen.append(record.revision if record else 0)
        if len(seen) == 1:
            await desk.two.commit(write)
        return Change(
            drafts=[desk.draft()],
            expectations=[Expectation(_THING, seen[-1])],
            puts=[Put(_THING, Record(seen[-1] + 1, "mine"))],
        )

    async def write(_: int) -> Change:
        return Change(drafts=[desk.draft()], puts=[Put(_THING, Record(1, "theirs"))])

    await desk.one.commit(plan)
    assert seen == [0, 1]
    assert await desk.thing() == Record(2, "mine", {})


async def test_many_writers_lose_no_entry_and_number_none_twice(desk: Desk) -> None:
    await asyncio.gather(
        *(journal.commit(desk.plain) for journal in (desk.one, desk.two) for _ in range(20))
    )
    assert await desk.memory.count("audit") == 41
    assert (await desk.one.read_head()).seq_num == 40


async def test_a_token_id_that_exists_is_a_collision_not_a_retry(desk: Desk) -> None:
    taken = Address("tokens", "jti")
    planned = 0

    async def plan(_: int) -> Change:
        nonlocal planned
        planned += 1
        return Change(
            drafts=[desk.draft()],
            expectations=[Expectation(taken, 0)],
            puts=[Put(taken, Record(1, "{}"))],
        )

    await desk.one.commit(plan)
    with pytest.raises(KMSError) as caught:
        await desk.one.commit(plan)
    assert caught.value.code == "jti.collision"
    assert planned == 2
    assert await desk.memory.count("audit") == 2


async def test_a_change_that_always_conflicts_ends(desk: Desk) -> None:
    async def plan(_: int) -> Change:
        return Change(drafts=[desk.draft()], expectations=[Expectation(_THING, 7)])

    with pytest.raises(KMSError) as caught:
        await desk.one.commit(plan)
    assert caught.value.code == "internal"
    assert desk.storage.commits == 0


async def test_time_never_goes_back(desk: Desk) -> None:
    (first,) = await desk.one.commit(desk.plain)
    desk.clock.advance(-60_000)
    (second,) = await desk.one.commit(desk.plain)
    (third,) = await desk.two.commit(desk.plain)
    assert first["timestamp"] == second["timestamp"] == third["timestamp"]
    desk.clock.advance(60_001)
    (fourth,) = await desk.one.commit(desk.plain)
    assert fourth["timestamp"] == int(str(first["timestamp"])) + 1


@pytest.mark.parametrize("failure", ["full", "unavailable", "evicted", "blocked", "newer"])
async def test_a_storage_failure_passes_through_and_the_next_commit_works(
    desk: Desk, failure: str
) -> None:
    await desk.one.commit(desk.plain)
    desk.storage.failure = StorageError(failure, "no")
    with pytest.raises(StorageError):
        await desk.one.commit(desk.plain)
    desk.storage.failure = None
    (entry,) = await desk.one.commit(desk.plain)
    assert entry["seqNum"] == 2


async def test_a_commit_whose_reply_was_lost_is_seen_by_the_next(desk: Desk) -> None:
    def crash(_: object) -> None:
        raise CrashError

    desk.storage.after_commit = crash
    with pytest.raises(CrashError):
        await desk.one.commit(desk.plain)
    desk.storage.after_commit = None
    (entry,) = await desk.one.commit(desk.plain)
    assert entry["seqNum"] == 2


async def test_nothing_is_written_when_signing_fails(desk: Desk) -> None:
    desk.crypto.failing["sign_ed25519_chain"] = ValueError("no")
    with pytest.raises(ValueError, match="no"):
        await desk.one.commit(desk.plain)
    assert desk.storage.commits == 0


async def test_a_damaged_head_stops_every_change(desk: Desk) -> None:
    await desk.memory.commit(expectations=(), puts=[Put(HEAD, Record(9, "[]"))])
    with pytest.raises(KMSError) as caught:
        await desk.one.commit(desk.plain)
    assert caught.value.code == "attestation.failed"


async def test_the_tree_grows_with_the_entries_in_the_same_commit(desk: Desk) -> None:
    async def many(_: int) -> Change:
        return Change(drafts=[desk.draft()] * 40)

    await desk.one.commit(many)
    await desk.two.commit(desk.plain)
    found = await desk.memory.scan("audit", after=None, limit=100)
    leaves = [hashlib.sha256(b"\0" + record.value.encode()).digest() for _, record in found]
    expected, tiles = append(EMPTY_FRONTIER, leaves)
    head = await desk.one.read_head()
    assert (head.size, head.frontier) == (42, expected)
    stored = await read_tiles(desk.memory, [tile.name for tile in tiles])
    assert list(stored.values()) == [tile.hashes for tile in tiles]
    assert await desk.memory.count("tree") == len(tiles) == 2
    assert desk.storage.commits == 2


async def test_a_restart_ends_one_log_and_begins_another_at_once(desk: Desk) -> None:
    await desk.one.commit(desk.plain)
    await desk.memory.commit(expectations=(), puts=[Put(_THING, Record(1, "1"))])
    revision = (await desk.one.read_head()).revision

    async def opening(last: Any, end: Head) -> tuple[Change, str]:
        assert (last["op"], last["seqNum"]) == ("reset", end.seq_num) == ("reset", 2)
        assert last["chainHash"] == end.chain_hash
        return Change(drafts=[desk.draft("instance.start")]), "closed"

    closing = desk.draft("reset")
    result = await desk.one.restart(closing=closing, expectations=(), opening=opening)
    assert result == "closed"
    head = await desk.one.read_head()
    assert (head.seq_num, await desk.memory.count("audit")) == (0, 1)
    assert head.revision > revision, "an old memory of the head must not fit the new one"
    assert await desk.thing() is None


async def test_a_worker_that_remembers_the_old_log_writes_to_the_new_one(desk: Desk) -> None:
    await desk.one.commit(desk.plain)
    await desk.two.commit(desk.plain)

    async def opening(last: object, end: object) -> tuple[Change, None]:
        return Change(drafts=[desk.draft("instance.start")]), None

    await desk.one.restart(closing=desk.draft("reset"), expectations=(), opening=opening)
    desk.clock.advance(1)
    (entry,) = await desk.two.commit(desk.plain)
    assert entry["seqNum"] == 1


@pytest.mark.parametrize("damage", [Delete(HEAD), Put(HEAD, Record(7, "nonsense"))])
async def test_a_log_without_a_usable_head_can_be_abandoned(
    desk: Desk, damage: Put | Delete
) -> None:
    puts, deletes = ([damage], []) if isinstance(damage, Put) else ([], [damage])
    await desk.memory.commit(expectations=(), puts=puts, deletes=deletes)

    async def opening(now_ms: int) -> Change:
        return Change(drafts=[desk.draft("instance.start")])

    await desk.one.abandon(opening)
    assert await desk.memory.count("audit") == 1
    (entry,) = await desk.one.commit(desk.plain)
    assert entry["seqNum"] == 1
