"""What issuing writes and reads: constant work a token, and nothing believed unread."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from doubles import CrashError
from enclave import APP, Refusal, Worker, World
from kms_enclave.leases.book import parse_book
from kms_enclave.leases.quota import CHUNK
from kms_enclave.leases.standing import SPOTLESS
from kms_enclave.log.head import HEAD
from kms_enclave.ports.storage import Address, Put, Record

_HOUR_MS = 3_600_000


async def _issue(world: World, worker: Worker, lease_id: str, count: int) -> None:
    """Issue at as many moments: each is an entry of the windows."""
    for _ in range(count):
        await worker.issue(lease_id)
        world.clock.advance(1)


async def _chunks_read(world: World, lease_id: str) -> dict[str, int]:
    """Issue in a new worker; return how many chunks of which book it read."""
    again = await world.worker()
    reads: list[Address] = []
    world.storage.after_read = reads.extend
    await again.issue(lease_id)
    world.storage.after_read = None
    keys = [str(address.key) for address in reads if address.store == "grants"]
    return dict(Counter(key.rsplit("/", 2)[0].removesuffix("/eid") for key in keys))


def _chunk(lease_id: str, index: int) -> str:
    return f"{lease_id}/tokens/{index:012d}"


async def test_a_full_chunk_is_a_record_until_all_of_it_has_left(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 200})
    await _issue(world, worker, lease_id, CHUNK)
    chunks = {key for key, _ in await world.memory.scan("grants", after=None, limit=100)}
    assert _chunk(lease_id, 0) in chunks
    world.clock.advance(_HOUR_MS)
    await worker.issue(lease_id)
    left = {key for key, _ in await world.memory.scan("grants", after=None, limit=100)}
    assert not any(str(key).startswith(lease_id) for key in left)


async def test_a_token_writes_the_same_amount_however_many_there_are(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 1000})
    written: list[int] = []

    def count(puts: Sequence[Put]) -> None:
        written.append(len([put for put in puts if put.address.store != "tree"]))

    world.storage.before_commit = count
    await _issue(world, worker, lease_id, 3 * CHUNK)
    # Two books, token id, entry and head; and a chunk of each window when they are full. The
    # log's tree has its own rule (property tests of it).
    assert set(written) == {5, 9}
    assert written.count(9) == 3


async def test_a_token_reads_nothing_that_the_worker_remembers(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    await worker.issue(lease_id)
    reads: list[Sequence[Address]] = []
    world.storage.after_read = reads.append
    await worker.issue(lease_id)
    assert reads == []


@pytest.mark.parametrize("method", ["getQuota", "verifyLease"])
async def test_a_question_reads_the_head_and_nothing_else(world: World, method: str) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 1000})
    await _issue(world, worker, lease_id, 3 * CHUNK)
    reads: list[Address] = []
    world.storage.after_read = reads.extend
    await worker.call(method, leaseId=lease_id)
    assert reads == [HEAD]


async def test_a_question_during_a_commit_counts_what_was_committed(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    await worker.issue(lease_id)
    asked: list[asyncio.Task[Mapping[str, Any]]] = []

    async def ask_and_fail(_: Sequence[Put]) -> None:
        asked.append(asyncio.create_task(worker.call("getQuota", leaseId=lease_id)))
        for _ in range(100):
            await asyncio.sleep(0)
        raise CrashError

    world.storage.before_commit = ask_and_fail
    with pytest.raises(Refusal):
        await worker.issue(lease_id)
    world.storage.before_commit = None
    (answer,) = await asyncio.gather(*asked)
    assert answer["tokensPerHour"]["used"] == 1


async def test_only_chunks_that_can_still_count_are_read(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 3 * CHUNK})
    for _ in range(3):
        await _issue(world, worker, lease_id, 2 * CHUNK)
        world.clock.advance(_HOUR_MS)
    # Of the user's day everything counts still: six chunks, read at once.
    assert await _chunks_read(world, lease_id) == {f"user/{APP}/user-1": 6}
    await _issue(world, worker, lease_id, CHUNK)
    world.clock.advance(1000)
    assert await _chunks_read(world, lease_id) == {
        lease_id: 3,
        f"user/{APP}/user-1": 7,
    }


@pytest.mark.parametrize("text", ["nonsense", "{}", '["1"]', "[true]", "[1.5]"])
async def test_a_damaged_chunk_issues_nothing_and_disturbs_no_other_lease(
    world: World, text: str
) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 200})
    other = await worker.create_lease()
    await _issue(world, worker, lease_id, CHUNK)
    await world.put("grants", _chunk(lease_id, 0), Record(1, text))
    again = await world.worker()
    damaged, fine = await asyncio.gather(
        again.issue(lease_id), again.issue(other), return_exceptions=True
    )
    assert isinstance(damaged, Refusal)
    assert damaged.code == "lease.not.found"
    assert isinstance(fine, dict)


async def test_a_book_is_read_back_as_it_was_written(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    await _issue(world, worker, lease_id, 3)
    record = parse_book(await world.record("quotas", lease_id))
    assert {window.name: window.used for window in record.windows} == {
        "tokens": 3,
        "sends": 3,
        "eid/one": 3,
    }
    assert record.standing == SPOTLESS


async def test_chunks_that_a_long_rest_has_left_go_with_the_next_commits(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=24, quotas={"tokensPerHour": 1000})
    full = 40
    await _issue(world, worker, lease_id, full * CHUNK)

    async def chunks() -> int:
        found = await world.memory.scan_prefix(
            "grants", prefix=f"{lease_id}/tokens/", after=None, limit=1000
        )
        return len(found)

    assert await chunks() == full
    world.clock.advance(_HOUR_MS)
    await worker.issue(lease_id)
    assert 0 < await chunks() < full
    again = await world.worker()
    await again.issue(lease_id)
    assert await chunks() == 0


async def test_books_of_which_nothing_counts_any_more_are_closed(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 1000})
    await worker.issue(lease_id, relayId="relay-1")
    await _issue(world, worker, lease_id, 2 * CHUNK)
    assert await world.memory.count("quotas") == 3
    assert await world.memory.count("grants")
    world.clock.advance(32 * 24 * _HOUR_MS)
    await world.worker()
    for _ in range(1000):
        await asyncio.sleep(0)
    assert not await world.memory.count("quotas")
    assert not await world.memory.count("grants")


async def test_closing_a_book_leaves_those_whose_names_begin_like_it(world: World) -> None:
    worker = await world.ready()
    await worker.issue(await worker.create_lease(userId="ada"))
    world.clock.advance(12 * _HOUR_MS)
    longer = await worker.create_lease(userId="ada/phone", quotas={"tokensPerHour": 200})
    await _issue(world, worker, longer, CHUNK)
    world.clock.advance(32 * 24 * _HOUR_MS - 12 * _HOUR_MS - CHUNK)
    await world.worker()
    for _ in range(1000):
        await asyncio.sleep(0)
    books = [key for key, _ in await world.memory.scan("quotas", after=None, limit=10)]
    assert f"user/{APP}/ada" not in books
    await world.record("grants", f"user/{APP}/ada/phone/sends/{0:012d}")
