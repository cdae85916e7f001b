"""What issuing writes and reads: constant work a token, and nothing believed unread."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from enclave import Refusal, Worker, World
from kms_enclave.leases.quota import CHUNK
from kms_enclave.ports.storage import Address, Put, Record

_HOUR_MS = 3_600_000


async def _issue(worker: Worker, lease_id: str, count: int) -> None:
    await asyncio.gather(*(worker.issue(lease_id) for _ in range(count)))


def _chunk(lease_id: str, index: int) -> str:
    return f"{lease_id}/tokens/{index:012d}"


async def test_a_full_chunk_is_a_record_that_ends_with_its_last_grant(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 200})
    await _issue(worker, lease_id, CHUNK)
    record = await world.record("grants", _chunk(lease_id, 0))
    assert record.expires_ms == world.clock.now_ms() + _HOUR_MS
    assert await world.memory.count("grants") == 1


async def test_a_token_writes_the_same_amount_however_many_there_are(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 1000})
    written: list[int] = []

    def count(puts: Sequence[Put]) -> None:
        written.append(len([put for put in puts if put.address.store != "tree"]))

    world.storage.before_commit = count
    for _ in range(3 * CHUNK):
        await worker.issue(lease_id)
    # Quota, token id, entry and head; and a chunk when one is full. The log's tree has its
    # own rule (property tests of it).
    assert set(written) == {4, 5}
    assert written.count(5) == 3


async def test_a_token_reads_nothing_that_the_worker_remembers(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    await worker.issue(lease_id)
    reads: list[Sequence[Address]] = []
    world.storage.after_read = reads.append
    await worker.issue(lease_id)
    assert reads == []


async def test_only_chunks_that_can_still_count_are_read(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 70})
    for _ in range(4):
        await _issue(worker, lease_id, 70)
        world.clock.advance(_HOUR_MS)
    again = await world.worker()
    reads: list[Address] = []
    world.storage.after_read = reads.extend
    await again.issue(lease_id)
    chunks = [address.key for address in reads if address.store == "grants"]
    assert chunks == [_chunk(lease_id, 3)]


@pytest.mark.parametrize("text", ["nonsense", "{}", '["1"]', "[true]", "[1.5]"])
async def test_a_damaged_chunk_issues_nothing_and_disturbs_no_other_lease(
    world: World, text: str
) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 200})
    other = await worker.create_lease()
    await _issue(worker, lease_id, CHUNK)
    await world.put("grants", _chunk(lease_id, 0), Record(1, text))
    again = await world.worker()
    damaged, fine = await asyncio.gather(
        again.issue(lease_id), again.issue(other), return_exceptions=True
    )
    assert isinstance(damaged, Refusal)
    assert damaged.code == "lease.not.found"
    assert isinstance(fine, dict)
