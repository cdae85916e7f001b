"""What time ends: a lease loses its keys, and what remains of it goes a month later."""

from __future__ import annotations

import asyncio

import pytest
from enclave import Refusal, Worker, World

HOUR = 3_600_000


async def started(world: World) -> Worker:
    """Return a worker that has swept."""
    worker = await world.worker()
    for _ in range(200):
        await asyncio.sleep(0)
    return worker


async def ops(worker: Worker) -> list[str]:
    return [entry["op"] for entry in await worker.log()]


async def test_an_expired_lease_loses_its_keys_at_the_next_start(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=1)
    world.clock.advance(HOUR)
    again = await started(world)
    assert (await ops(again)).count("lease.expire") == 1
    assert (await world.record("leases", lease_id)).handles == {}
    remains = await world.value("leases", lease_id)
    key_copy = ("wrappedLeaseKey", "wrappedLeaseKeyIv", "leaseSalt")
    assert [remains[field] for field in key_copy] == ["", "", ""]
    with pytest.raises(Refusal) as refused:
        await again.issue(lease_id)
    assert refused.value.code == "lease.expired"
    third = await started(world)
    assert (await ops(third)).count("lease.expire") == 1
    assert (await third.call("verifyAuditChain"))["valid"] is True


async def test_what_remains_of_a_lease_goes_after_32_days(world: World) -> None:
    worker = await world.ready()
    await worker.create_lease(ttlHours=1)
    world.clock.advance(HOUR)
    await started(world)
    world.clock.advance(32 * 24 * HOUR - 1)
    await started(world)
    assert await world.memory.count("leases") == 1
    world.clock.advance(1)
    await started(world)
    assert await world.memory.count("leases") == 0
    assert await world.memory.count("quotas") == 0


async def test_tokens_of_a_revoked_lease_go_when_it_goes(world: World) -> None:
    worker = await world.ready()
    revoked, other = await worker.create_lease(ttlHours=1), await worker.create_lease(ttlHours=1)
    token = await worker.issue(revoked)
    await worker.issue(other)
    await worker.call("revokeLease", leaseId=revoked)
    world.clock.advance(2 * HOUR)
    await started(world)
    await started(world)
    tokens = [key for key, _ in await world.memory.scan("tokens", after=None, limit=9)]
    assert tokens == [token["jti"]]
    world.clock.advance(33 * 24 * HOUR)
    for _ in range(2):
        await worker.call("revokeLease", leaseId=await worker.create_lease(ttlHours=1))
        await started(world)
    assert await world.memory.count("tokens") == 0
