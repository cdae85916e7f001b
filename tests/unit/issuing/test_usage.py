"""What a lease may still do, told exactly, and who is told."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from enclave import CONFIG, CREDENTIALS, OTHER_APP, Refusal, Worker, World

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


async def test_one_lease_takes_nothing_of_anothers_tokens(world: World) -> None:
    worker = await world.ready()
    leases = [await worker.create_lease() for _ in range(2)]
    for _ in range(3):
        await worker.issue(leases[0])
    quotas = [await worker.call("getQuota", leaseId=lease) for lease in leases]
    assert [quota["tokensPerHour"]["used"] for quota in quotas] == [3, 0]


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


@pytest.mark.parametrize("refuses", [False, True])
async def test_a_relays_cap_that_refuses_nobody_grants_now(world: World, refuses: bool) -> None:
    caps = {"perRelayPerHour": 1, "refuseRelayOverCap": refuses}
    worker = await world.ready(config={"quotas": {**CONFIG["quotas"], **caps}})
    lease_id = await worker.create_lease()
    await worker.issue(lease_id, relayId="relay-1")
    state = await worker.call("getQuota", leaseId=lease_id, relayId="relay-1")
    next_at_ms = world.clock.now_ms() + _HOUR_MS if refuses else None
    assert state["perRelayPerHour"] == {"limit": 1, "used": 1, "nextAtMs": next_at_ms}


async def test_a_suspended_users_lease_answers_as_issuing_does(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(userId="bot-1")
    pattern = {"userIdPattern": "bot-*", "credentials": CREDENTIALS}
    await worker.call("suspendPattern", **pattern)
    assert await _refusal_code(worker, leaseId=lease_id) == "lease.suspended"
    await worker.call("unsuspendPattern", **pattern)
    assert (await worker.call("getQuota", leaseId=lease_id))["tokensPerHour"]["used"] == 0


async def test_a_lease_without_its_handles_answers_as_issuing_does(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    stored = await world.record("leases", lease_id)
    await world.put("leases", lease_id, attrs.evolve(stored, handles={}))
    again = await world.worker()
    assert await _refusal_code(again, leaseId=lease_id) == "lease.needs.resume"


async def test_a_clock_far_behind_answers_as_issuing_does(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    world.clock.advance(-5 * _MINUTE_MS)
    await worker.call("getQuota", leaseId=lease_id)
    world.clock.advance(-1)
    assert await _refusal_code(worker, leaseId=lease_id) == "clock.skew"


async def test_while_a_lease_rests_no_quota_grants_before_its_end(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=24, quotas={"sendsPerMinute": 1})
    await worker.issue(lease_id)
    for _ in range(11):
        with pytest.raises(Refusal):
            await worker.issue(lease_id)
    state = await worker.call("getQuota", leaseId=lease_id, eid="one")
    ends_ms = world.clock.now_ms() + _HOUR_MS
    uses = [use for use in state.values() if isinstance(use, dict)]
    assert [use["nextAtMs"] for use in uses] == [ends_ms] * 5
    world.clock.advance(_HOUR_MS)
    state = await worker.call("getQuota", leaseId=lease_id, eid="one")
    assert [use["nextAtMs"] for use in state.values() if isinstance(use, dict)] == [None] * 5
