"""What a lease may still do, told exactly, and who is told."""

from __future__ import annotations

from typing import Any

import pytest
from enclave import OTHER_APP, Refusal, Worker, World

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000


async def _refusal_code(worker: Worker, **params: Any) -> str:
    with pytest.raises(Refusal) as caught:
        await worker.call("getQuota", **params)
    return caught.value.code


async def test_every_quota_that_applies_is_told(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 2, "sendsPerMinute": 1})
    await worker.issue(lease_id, relayId="relay-1")
    now_ms = world.clock.now_ms()
    state = await worker.call("getQuota", leaseId=lease_id, eid="one", relayId="relay-1")
    assert state == {
        "tokensPerHour": {"limit": 2, "used": 1, "nextAtMs": None},
        "sendsPerMinute": {"limit": 1, "used": 1, "nextAtMs": now_ms + _MINUTE_MS},
        "burstSends": {"limit": 1000, "used": 0, "nextAtMs": None},
        "sendsPerMinutePerEid": {"limit": 1000, "used": 1, "nextAtMs": None},
        "perUserPerDay": {"limit": 100_000, "used": 1, "nextAtMs": None},
        "perRelayPerHour": {"limit": 100_000, "used": 1, "nextAtMs": None},
        "tokenTtlS": 900,
        "suspendedUntil": None,
    }


async def test_without_an_endpoint_and_a_relay_theirs_are_left_out(world: World) -> None:
    worker = await world.ready()
    state = await worker.call("getQuota", leaseId=await worker.create_lease())
    assert not {"sendsPerMinutePerEid", "perRelayPerHour"} & state.keys()


async def test_what_another_tab_used_is_counted(world: World) -> None:
    first, second = await world.ready(), await world.worker()
    lease_id = await first.create_lease()
    await second.issue(lease_id)
    assert (await first.call("getQuota", leaseId=lease_id))["tokensPerHour"]["used"] == 1


async def test_what_another_tab_ended_is_told(world: World) -> None:
    first, second = await world.ready(), await world.worker()
    lease_id = await first.create_lease()
    await first.issue(lease_id)
    await second.call("revokeLease", leaseId=lease_id)
    assert await _refusal_code(first, leaseId=lease_id) == "lease.revoked"
    verdict = await first.call("verifyLease", leaseId=lease_id)
    assert (verdict["valid"], verdict["reason"]) == (False, "lease.revoked")


async def test_asking_changes_nothing(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    before = world.storage.commits
    await worker.call("getQuota", leaseId=lease_id)
    assert world.storage.commits == before


async def test_it_is_told_to_the_leases_origin_while_the_lease_lives(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=1)
    assert await _refusal_code(worker, leaseId="lease-x") == "lease.not.found"
    assert await _refusal_code(worker, leaseId=lease_id, eid="three") == "eid.unknown"
    assert await _refusal_code(worker, leaseId=lease_id, origin=OTHER_APP) == "origin.denied"
    world.clock.advance(_HOUR_MS)
    assert await _refusal_code(worker, leaseId=lease_id) == "lease.expired"
