"""Refused calls: shorter tokens from the fourth on, an hour of rest after the eleventh."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from enclave import CREDENTIALS, ENDPOINT, Refusal, Worker, World
from kms_enclave.leases.standing import SPOTLESS

_HOUR_MS = 3_600_000


async def _violate(worker: Worker, lease_id: str, times: int) -> None:
    """Be refused for a quota: an endpoint that had its one send of the minute."""
    for _ in range(times):
        with pytest.raises(Refusal) as caught:
            await worker.call("recordSends", leaseId=lease_id, eid="one", count=1000)
        assert caught.value.code.startswith("quota.exceeded")


async def _lease(worker: Worker) -> str:
    return await worker.create_lease(quotas={"sendsPerMinute": 999})


async def _life_s(worker: Worker, lease_id: str) -> int:
    token = await worker.issue(lease_id)
    return int(token["exp"]) - int(token["nbf"])


async def _refused(worker: Worker, lease_id: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.issue(lease_id)
    return caught.value


async def _ops(worker: Worker) -> list[str]:
    return [entry["op"] for entry in await worker.log()]


@pytest.mark.parametrize(
    ("violations", "life_s"), [(0, 900), (3, 900), (4, 450), (5, 300), (10, 300)]
)
async def test_violations_shorten_the_tokens(world: World, violations: int, life_s: int) -> None:
    worker = await world.ready()
    lease_id = await _lease(worker)
    await _violate(worker, lease_id, violations)
    assert await _life_s(worker, lease_id) == life_s
    assert (await worker.call("getQuota", leaseId=lease_id))["tokenTtlS"] == life_s


async def test_a_batch_steps_by_60_percent_of_the_shortened_life(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease(worker)
    await _violate(worker, lease_id, 4)
    batch = await worker.call("issueVAPIDJWTs", leaseId=lease_id, endpoint=ENDPOINT, count=2)
    first, second = batch["tokens"]
    assert second["nbf"] - first["nbf"] == 270


async def test_violations_are_forgotten_after_an_hour(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease(worker)
    await _violate(worker, lease_id, 4)
    world.clock.advance(_HOUR_MS)
    assert await _life_s(worker, lease_id) == 900


async def test_the_eleventh_suspends_the_lease_for_an_hour(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease(worker)
    await _violate(worker, lease_id, 11)
    refusal = await _refused(worker, lease_id)
    assert (refusal.code, refusal.retry_after_ms) == ("quota.suspended", _HOUR_MS)
    world.clock.advance(_HOUR_MS - 1)
    assert (await _refused(worker, lease_id)).retry_after_ms == 1
    world.clock.advance(1)
    assert await _life_s(worker, lease_id) == 900


async def test_the_eleventh_waits_for_the_rest_that_it_began(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"sendsPerMinute": 1})
    await worker.issue(lease_id)
    refusals = [await _refused(worker, lease_id) for _ in range(11)]
    assert {refusal.code for refusal in refusals} == {"quota.exceeded.lease"}
    assert [refusal.retry_after_ms for refusal in refusals] == [60_000] * 10 + [_HOUR_MS]
    world.clock.advance(_HOUR_MS)
    await worker.issue(lease_id)


async def test_a_rest_is_waited_for_by_the_clock(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease(worker)
    await _violate(worker, lease_id, 11)
    world.clock.advance(-60_000)
    assert (await _refused(worker, lease_id)).retry_after_ms == _HOUR_MS + 60_000


async def test_a_call_that_never_fits_is_not_to_be_tried_again_after_the_rest(
    world: World,
) -> None:
    worker = await world.ready()
    lease_id = await _lease(worker)
    await _violate(worker, lease_id, 10)
    with pytest.raises(Refusal) as caught:
        await worker.call("recordSends", leaseId=lease_id, eid="one", count=1000)
    assert caught.value.retry_after_ms is None


async def test_a_suspension_is_one_entry_of_the_enclaves(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease(worker)
    await _violate(worker, lease_id, 11)
    for _ in range(20):
        await _refused(worker, lease_id)
    (entry,) = [entry for entry in await worker.log() if entry["op"] == "lease.suspend"]
    assert (entry["signer"], entry["leaseId"]) == ("KIAK", lease_id)
    assert entry["details"] == {
        "reason": "violations",
        "until": world.clock.now_ms() + _HOUR_MS,
    }
    assert (await worker.call("verifyAuditChain"))["valid"]


async def test_calls_while_suspended_are_no_violations(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease(worker)
    await _violate(worker, lease_id, 11)
    world.clock.advance(_HOUR_MS - 1)
    for _ in range(20):
        await _refused(worker, lease_id)
    world.clock.advance(1)
    assert await _life_s(worker, lease_id) == 900


async def test_calls_too_many_at_once_are_no_violations(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"burstSends": 1})
    await asyncio.gather(*(worker.issue(lease_id) for _ in range(20)), return_exceptions=True)
    assert await _life_s(worker, lease_id) == 900


async def test_a_suspension_holds_in_every_tab_and_after_a_restart(world: World) -> None:
    first, second = await world.ready(), await world.worker()
    lease_id = await _lease(first)
    await second.issue(lease_id)
    await _violate(first, lease_id, 11)
    third = await world.worker()
    for worker in (second, third):
        assert (await _refused(worker, lease_id)).code == "quota.suspended"


async def test_a_suspended_lease_says_so_and_still_tells_its_quotas(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease(worker)
    await _violate(worker, lease_id, 11)
    (info,) = (await worker.call("getLeases"))["leases"]
    assert info["state"] == "suspended"
    assert (await worker.call("verifyLease", leaseId=lease_id))["reason"] == "quota.suspended"
    state = await worker.call("getQuota", leaseId=lease_id)
    assert state["suspendedUntil"] == world.clock.now_ms() + _HOUR_MS


async def test_a_refresh_lifts_the_suspension_and_keeps_what_the_quotas_count(
    world: World,
) -> None:
    worker = await world.ready()
    lease_id = await _lease(worker)
    await worker.issue(lease_id)
    await _violate(worker, lease_id, 11)
    await worker.call("refreshLease", leaseId=lease_id, credentials=CREDENTIALS)
    token = await worker.issue(lease_id)
    assert token["auditEntry"]["details"]["quotas"]["tokensPerHour"]["used"] == 2
    (entry,) = [entry for entry in await worker.log() if entry["op"] == "lease.extend"]
    assert entry["details"]["liftsSuspension"] is True


async def test_the_book_of_a_refreshed_lease_is_swept_as_any_other(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease(worker)
    await _violate(worker, lease_id, 11)
    before = (await world.record("quotas", lease_id)).expires_ms
    await worker.call("refreshLease", leaseId=lease_id, credentials=CREDENTIALS)
    assert (await world.record("quotas", lease_id)).expires_ms == before


async def test_a_refresh_of_a_lease_at_its_cap_that_lifts_nothing_is_no_entry(
    world: World,
) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=24)
    await worker.call("refreshLease", leaseId=lease_id, credentials=CREDENTIALS)
    assert "lease.extend" not in await _ops(worker)


async def test_a_violation_whose_commit_failed_is_not_counted(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease(worker)

    def fail(_: object) -> None:
        raise RuntimeError

    world.storage.before_commit = fail
    for _ in range(20):
        with pytest.raises(Refusal):
            await worker.call("recordSends", leaseId=lease_id, eid="one", count=1000)
    world.storage.before_commit = None
    assert await _life_s(worker, lease_id) == 900


def test_a_rest_keeps_its_length_when_the_clock_is_set_back() -> None:
    standing: Any = SPOTLESS
    for time in range(11):
        standing = standing.violated(1_000_000 + time)
    moved = standing.restamped(last_ms=1_000_010 + 600_000, now_ms=5000)
    assert moved.suspended_until == 5000 + _HOUR_MS - 600_000
    assert moved.token_ttl_s(5000) == 300


def test_violations_that_were_forgotten_stay_so_when_the_clock_is_set_back() -> None:
    standing: Any = SPOTLESS
    for _ in range(4):
        standing = standing.violated(1_000_000)
    moved = standing.restamped(last_ms=1_000_000 + _HOUR_MS, now_ms=1_000_001)
    assert moved.token_ttl_s(1_000_001) == 900


async def _wait_of(worker: Worker, method: str, **params: Any) -> tuple[str, int | None]:
    with pytest.raises(Refusal) as caught:
        await worker.call(method, **params)
    return caught.value.code, caught.value.retry_after_ms


@pytest.mark.parametrize(
    ("life_ms", "wait_ms"),
    [
        (_HOUR_MS // 2, None),
        (_HOUR_MS, None),
        (_HOUR_MS + 59_999, None),
        (_HOUR_MS + 60_000, _HOUR_MS),
    ],
)
async def test_a_wait_that_a_lease_does_not_outlast_with_a_tokens_least_life_is_none(
    world: World, life_ms: int, wait_ms: int | None
) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=life_ms / _HOUR_MS, quotas={"tokensPerHour": 1})
    await worker.issue(lease_id)
    asked = {"leaseId": lease_id, "endpoint": ENDPOINT}
    assert await _wait_of(worker, "issueVAPIDJWT", **asked) == ("quota.exceeded.lease", wait_ms)
    if wait_ms is not None:
        world.clock.advance(wait_ms)
        await worker.issue(lease_id)


@pytest.mark.parametrize(("life_ms", "wait_ms"), [(60_000, None), (60_001, 60_000)])
async def test_a_wait_to_send_lasts_into_the_leases_last_moment(
    world: World, life_ms: int, wait_ms: int | None
) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=life_ms / _HOUR_MS, quotas={"sendsPerMinute": 1})
    asked = {"leaseId": lease_id, "eid": "one", "count": 1}
    await worker.call("recordSends", **asked)
    assert await _wait_of(worker, "recordSends", **asked) == ("quota.exceeded.lease", wait_ms)
    if wait_ms is not None:
        world.clock.advance(wait_ms)
        await worker.call("recordSends", **asked)


async def test_a_rest_that_a_lease_does_not_outlast_is_no_wait(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=1, quotas={"sendsPerMinute": 1})
    asked = {"leaseId": lease_id, "eid": "one", "count": 1}
    await worker.call("recordSends", **asked)
    waits = [await _wait_of(worker, "recordSends", **asked) for _ in range(12)]
    assert waits[9:] == [
        ("quota.exceeded.lease", 60_000),
        ("quota.exceeded.lease", None),
        ("quota.suspended", None),
    ]
