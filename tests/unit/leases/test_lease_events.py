"""Pages are told once of a lease that is near its end, and once that it is over."""

from __future__ import annotations

import asyncio
from typing import Any

from enclave import APP, CREDENTIALS, Worker, World
from kms_enclave.leases.sweep import EXPIRING_MS

_HOUR_MS = 3_600_000


def _events(worker: Worker) -> list[dict[str, Any]]:
    return [message for message in worker.sent if message.get("type") == "kms:event"]


async def _swept(world: World) -> Worker:
    """Start a worker, whose first sweep is at its start."""
    worker = await world.worker()
    for _ in range(200):
        await asyncio.sleep(0)
    return worker


async def test_a_lease_near_its_end_is_announced_to_its_origin(world: World) -> None:
    first = await world.ready()
    lease_id = await first.create_lease(ttlHours=1)
    world.clock.advance(_HOUR_MS - EXPIRING_MS)
    (event,) = _events(await _swept(world))
    assert (event["event"], event["origin"]) == ("lease.expiring", APP)
    assert event["data"] == {
        "leaseId": lease_id,
        "userId": "user-1",
        "exp": world.clock.now_ms() + EXPIRING_MS,
    }


async def test_a_lease_with_time_left_is_not_announced(world: World) -> None:
    first = await world.ready()
    await first.create_lease(ttlHours=1)
    world.clock.advance(_HOUR_MS - EXPIRING_MS - 1)
    assert _events(await _swept(world)) == []


async def test_a_revoked_lease_is_not_announced(world: World) -> None:
    first = await world.ready()
    lease_id = await first.create_lease(ttlHours=1)
    await first.call("revokeLease", leaseId=lease_id)
    world.clock.advance(_HOUR_MS)
    assert _events(await _swept(world)) == []


async def test_an_expired_lease_is_announced_by_who_ends_it(world: World) -> None:
    first = await world.ready()
    lease_id = await first.create_lease(ttlHours=1)
    world.clock.advance(_HOUR_MS)
    (event,) = _events(await _swept(world))
    assert (event["event"], event["data"]["leaseId"]) == ("lease.expired", lease_id)


async def test_an_extended_lease_is_announced_again_at_its_new_end(world: World) -> None:
    first = await world.ready()
    lease_id = await first.create_lease(ttlHours=1)
    world.clock.advance(_HOUR_MS - EXPIRING_MS)
    assert len(_events(await _swept(world))) == 1
    await first.call("extendLease", leaseId=lease_id, addHours=1, credentials=CREDENTIALS)
    assert _events(await _swept(world)) == []
    world.clock.advance(_HOUR_MS)
    assert len(_events(await _swept(world))) == 1
