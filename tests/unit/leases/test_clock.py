"""A clock that is set back: what is refused, the way out, and that nothing is granted twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from doubles import START_MS, FakeClock
from enclave import CONFIG, CREDENTIALS, ENDPOINT, Refusal, Worker, World

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_MONTH_MS = 30 * 24 * _HOUR_MS
_ROOMY = {"sendsPerMinute": 600, "sendsPerMinutePerEid": 300}


async def _refused(worker: Worker, lease_id: str, method: str = "issueVAPIDJWT") -> Refusal:
    asked = {
        "issueVAPIDJWT": {"endpoint": ENDPOINT},
        "issueVAPIDJWTs": {"endpoint": ENDPOINT, "count": 2},
        "recordSends": {"eid": "one", "count": 1},
    }[method]
    with pytest.raises(Refusal) as caught:
        await worker.call(method, leaseId=lease_id, **asked)
    return caught.value


async def _authenticate(worker: Worker) -> None:
    """Do something that the user authenticates, whatever it is."""
    await worker.call("generateVAPID", credentials=CREDENTIALS)


async def _lease_of(worker: Worker, tokens: int, **changes: Any) -> str:
    return await worker.create_lease(quotas={"tokensPerHour": tokens, **_ROOMY}, **changes)


async def _sweep(world: World, **options: Any) -> None:
    """Start another worker, and let it sweep."""
    await world.worker(**options)
    for _ in range(200):
        await asyncio.sleep(0)


async def _valid(worker: Worker) -> bool:
    return bool((await worker.call("verifyAuditChain"))["valid"])


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("method", ["issueVAPIDJWT", "issueVAPIDJWTs", "recordSends"])
async def test_a_clock_more_than_five_minutes_behind_grants_nothing(
    world: World, method: str, restarts: bool
) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 10)
    world.clock.advance(-5 * _MINUTE_MS)
    await worker.issue(lease_id)
    world.clock.advance(-1)
    worker = await world.worker() if restarts else worker
    before = await world.records()
    refusal = await _refused(worker, lease_id, method)
    assert (refusal.code, refusal.retry_after_ms) == ("clock.skew", 1)
    assert refusal.details["behindMs"] == 5 * _MINUTE_MS + 1
    assert await world.records() == before
    world.clock.advance(1)
    await worker.issue(lease_id)


async def test_what_the_user_authenticates_moves_the_logs_time_back(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 10)
    world.clock.advance(_HOUR_MS)
    await worker.issue(lease_id)
    world.clock.advance(-_HOUR_MS)
    await _authenticate(worker)
    before, adjust, generate = (await worker.log())[-3:]
    assert (adjust["op"], adjust["signer"]) == ("clock.adjust", "UAK")
    assert adjust["timestamp"] == generate["timestamp"] == world.clock.now_ms()
    assert adjust["details"]["from"] == before["timestamp"] == world.clock.now_ms() + _HOUR_MS
    await worker.issue(lease_id)
    assert await _valid(worker)


async def test_a_clock_a_little_behind_is_not_adjusted(world: World) -> None:
    worker = await world.ready()
    world.clock.advance(-5 * _MINUTE_MS)
    await _authenticate(worker)
    operations = [entry["op"] for entry in await worker.log()]
    assert "clock.adjust" not in operations


async def test_grants_of_a_clock_a_little_ahead_count_as_they_were_made(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 2)
    world.clock.advance(4 * _MINUTE_MS)
    await worker.issue(lease_id)
    world.clock.advance(-4 * _MINUTE_MS)
    await worker.issue(lease_id)
    assert (await _refused(worker, lease_id)).retry_after_ms == _HOUR_MS + 4 * _MINUTE_MS


async def test_other_tabs_go_on_from_the_adjusted_time(world: World) -> None:
    one, two = await world.ready(), await world.worker()
    lease_id = await _lease_of(one, 10)
    await two.issue(lease_id)
    world.clock.advance(-_HOUR_MS)
    await _authenticate(one)
    lease_id = await _lease_of(one, 10)
    assert (await two.issue(lease_id))["auditEntry"]["timestamp"] == world.clock.now_ms()
    assert await _valid(two)


async def test_grants_that_still_count_were_made_when_the_clock_was_adjusted(
    world: World,
) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 3)
    world.clock.advance(_HOUR_MS)
    for _ in range(3):
        await worker.issue(lease_id)
    world.clock.advance(-_HOUR_MS)
    await _authenticate(worker)
    refusal = await _refused(worker, lease_id)
    assert (refusal.code, refusal.retry_after_ms) == ("quota.exceeded.lease", _HOUR_MS)
    world.clock.advance(_HOUR_MS)
    await worker.issue(lease_id)


async def test_full_chunks_of_grants_are_restamped_too(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 130)
    world.clock.advance(_HOUR_MS)
    for _ in range(130):
        world.clock.advance(1000)
        await worker.issue(lease_id)
    world.clock.advance(-2 * _HOUR_MS)
    lease_2 = await _lease_of(worker, 1)
    assert (await worker.issue(lease_2))["jwt"]
    # Created later than the clock now says, the first lease has ended.
    assert (await _refused(worker, lease_id)).code == "lease.revoked"


async def test_grants_from_before_the_jump_keep_their_time(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 1)
    other = await _lease_of(worker, 5, ttlHours=24)
    await worker.issue(lease_id)
    world.clock.advance(_HOUR_MS)
    await worker.issue(other)
    world.clock.advance(-_HOUR_MS // 2)
    await _authenticate(worker)
    assert (await _refused(worker, lease_id)).retry_after_ms == _HOUR_MS // 2


async def test_a_month_ahead_and_back_grants_nothing_twice_and_holds_nothing_up(
    world: World,
) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 2, ttlHours=24)
    await worker.issue(lease_id)
    await worker.issue(lease_id)
    world.clock.advance(_MONTH_MS)
    assert (await _refused(worker, lease_id)).code == "lease.expired"
    ahead = await _lease_of(worker, 2, ttlHours=24)
    await worker.issue(ahead)
    world.clock.advance(-_MONTH_MS)
    back = await _lease_of(worker, 2, ttlHours=24)
    assert (await _refused(worker, ahead)).code == "lease.revoked"
    assert (await _refused(worker, lease_id)).code == "quota.exceeded.lease"
    await worker.issue(back)
    await worker.issue(back)
    assert (await _refused(worker, back)).retry_after_ms == _HOUR_MS
    assert await _valid(worker)


async def test_what_a_clock_ahead_swept_still_counts(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 70, ttlHours=24)
    for _ in range(70):
        world.clock.advance(10)
        await worker.issue(lease_id)
    world.clock.advance(12 * _HOUR_MS)
    await _sweep(world)  # No lease is due: nothing is committed.
    world.clock.advance(-12 * _HOUR_MS)
    again = await world.worker()
    assert (await _refused(again, lease_id)).code == "quota.exceeded.lease"


@pytest.mark.parametrize("question", ["getQuota", "issueVAPIDJWT"])
async def test_what_is_asked_while_the_clock_is_ahead_takes_nothing_from_a_window(
    world: World, question: str
) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 1, ttlHours=1 + 30 / 3600)
    await worker.issue(lease_id)
    world.clock.advance(_HOUR_MS)
    if question == "getQuota":
        assert (await worker.call("getQuota", leaseId=lease_id))["tokensPerHour"]["used"] == 0
    else:
        # The quota has room; the lease has not, so nothing is committed.
        assert (await _refused(worker, lease_id)).code == "lease.limit"
    world.clock.advance(-_HOUR_MS + 1000)
    refusal = await _refused(worker, lease_id)
    # The lease is over half a minute after that moment: too soon for a token.
    assert (refusal.code, refusal.retry_after_ms) == ("quota.exceeded.lease", None)


async def test_full_chunks_are_kept_by_a_clock_ahead_and_leave_in_their_own_time(
    world: World,
) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 70, ttlHours=24)
    other = await _lease_of(worker, 1, ttlHours=24)
    for _ in range(70):
        await worker.issue(lease_id)
        world.clock.advance(10)
    world.clock.advance(12 * _HOUR_MS)
    await worker.issue(other)  # With this the log's time is ahead too.
    await _sweep(world)
    world.clock.advance(-12 * _HOUR_MS)
    again = await world.worker()
    await _authenticate(again)
    refusal = await _refused(again, lease_id)
    assert (refusal.code, refusal.retry_after_ms) == ("quota.exceeded.lease", _HOUR_MS - 700)
    assert (refusal.details["used"], refusal.details["limit"]) == (70, 70)
    world.clock.advance(_HOUR_MS - 700)
    await again.issue(lease_id)


async def test_chunks_that_are_gone_count_as_granted_with_the_newest(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 70)
    for _ in range(70):
        await worker.issue(lease_id)
        world.clock.advance(10)
    for key, _ in await world.memory.scan_prefix("grants", prefix=lease_id, after=None, limit=99):
        await world.delete("grants", key)
    again = await world.worker()
    refusal = await _refused(again, lease_id)
    assert (refusal.code, refusal.retry_after_ms) == ("quota.exceeded.lease", _HOUR_MS - 10)
    assert refusal.details["used"] == 70


@pytest.mark.parametrize("ahead_ms", [25 * _HOUR_MS, _MONTH_MS - _HOUR_MS])
async def test_the_hour_of_a_long_lease_is_not_granted_again_after_a_clock_ahead(
    world: World, ahead_ms: int
) -> None:
    config = {"maxLeaseHours": 720}
    worker = await world.ready(config=config)
    lease_id = await _lease_of(worker, 2, ttlHours=720)
    other = await _lease_of(worker, 2, ttlHours=720, userId="bob")
    await worker.issue(lease_id)
    await worker.issue(lease_id)
    world.clock.advance(ahead_ms)
    await worker.issue(other)  # With this the log's time is ahead too.
    await _sweep(world, config=config)
    world.clock.advance(-ahead_ms)
    await _sweep(world, config=config)
    again = await world.worker(config=config)
    await _authenticate(again)
    assert (await _refused(again, lease_id)).code == "quota.exceeded.lease"


@pytest.mark.parametrize("ahead_ms", [25 * _HOUR_MS, 31 * 24 * _HOUR_MS])
@pytest.mark.parametrize("whose", ["user", "relay"])
async def test_a_users_day_and_a_relays_hour_are_not_granted_again_after_a_clock_ahead(
    world: World, whose: str, ahead_ms: int
) -> None:
    caps = {"perUserPerDay": 2, "perRelayPerHour": 2, "refuseRelayOverCap": True}
    config = {"quotas": {**CONFIG["quotas"], **caps}}
    worker = await world.ready(config=config)
    lease_id = await _lease_of(worker, 10, ttlHours=24)
    await worker.issue(lease_id, relayId="relay-1")
    await worker.issue(lease_id, relayId="relay-1")
    world.clock.advance(ahead_ms)
    await _lease_of(worker, 10)  # With this the log's time is ahead too.
    await _sweep(world, config=config)
    world.clock.advance(-ahead_ms)
    await _sweep(world, config=config)
    again = await world.worker(config=config)
    asks = {"user": {}, "relay": {"relayId": "relay-1"}}[whose]
    users = {"user": {}, "relay": {"userId": "bob"}}[whose]
    back = await _lease_of(again, 10, **users)
    with pytest.raises(Refusal) as caught:
        await again.issue(back, **asks)
    assert caught.value.code == f"quota.exceeded.{whose}"


async def test_nothing_is_swept_while_the_clock_is_behind(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 10, ttlHours=2)
    other = await _lease_of(worker, 10, ttlHours=24)
    world.clock.advance(2 * _HOUR_MS)
    await worker.issue(other)
    world.clock.advance(-2 * _HOUR_MS)
    await _sweep(world)
    await _authenticate(worker)
    await worker.issue(lease_id)


async def test_a_lease_created_in_the_future_ends_with_its_tokens_listed(world: World) -> None:
    worker = await world.ready()
    world.clock.advance(_HOUR_MS)
    lease_id = await _lease_of(worker, 10)
    token = await worker.issue(lease_id)
    world.clock.advance(-_HOUR_MS)
    await _authenticate(worker)
    assert (await worker.call("isTokenRevoked", jti=token["jti"]))["revoked"]
    (entry,) = [entry for entry in await worker.log() if entry["op"] == "lease.revoke"]
    assert (entry["leaseId"], entry["details"]["reason"]) == (lease_id, "clock.adjusted")
    assert await _valid(worker)


async def test_a_lease_that_a_clock_ahead_has_ended_stays_ended(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 10, ttlHours=1)
    world.clock.advance(_HOUR_MS)
    await _sweep(world)
    world.clock.advance(-_HOUR_MS)
    await _authenticate(worker)
    assert (await _refused(worker, lease_id)).code == "lease.expired"


@pytest.mark.parametrize("ahead_ms", [_HOUR_MS, 12 * _HOUR_MS, _MONTH_MS])
async def test_a_clock_ahead_takes_no_token_off_the_emergency_list(
    world: World, ahead_ms: int
) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 10, ttlHours=10)
    await _lease_of(worker, 10, ttlHours=0.25)  # Due by then: its end moves the log's time.
    token = await worker.issue(lease_id)
    await worker.call("revokeLease", leaseId=lease_id)
    world.clock.advance(ahead_ms)
    for _ in range(3):
        await _sweep(world)
    assert (await worker.call("revokedTokens"))["tokens"] == []
    world.clock.advance(-ahead_ms)
    assert (await worker.call("isTokenRevoked", jti=token["jti"]))["revoked"]
    (listed,) = (await worker.call("revokedTokens"))["tokens"]
    assert listed["jti"] == token["jti"]
    await _authenticate(worker)
    assert (await _refused(worker, lease_id)).code == "lease.revoked"


async def test_an_instance_that_began_in_the_future_certifies_its_key_anew() -> None:
    world = World(clock=FakeClock(START_MS + _MONTH_MS))
    worker = await world.ready()
    world.clock.advance(-_MONTH_MS)
    lease_id = await _lease_of(worker, 1)
    await worker.issue(lease_id)
    await _refused(worker, lease_id)
    await worker.call("revokeLease", leaseId=lease_id)
    assert await _valid(worker)


async def test_a_suspension_lasts_as_long_as_it_had_left(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 1, ttlHours=24)
    await worker.issue(lease_id)
    world.clock.advance(_HOUR_MS // 2)
    for _ in range(11):
        await _refused(worker, lease_id)
    world.clock.advance(-10 * _MINUTE_MS)
    await _authenticate(worker)
    refusal = await _refused(worker, lease_id)
    assert (refusal.code, refusal.retry_after_ms) == ("quota.suspended", _HOUR_MS)


async def test_verifying_a_lease_says_that_the_clock_is_behind(world: World) -> None:
    worker = await world.ready()
    lease_id = await _lease_of(worker, 1)
    world.clock.advance(-_HOUR_MS)
    verdict = await worker.call("verifyLease", leaseId=lease_id)
    assert (verdict["valid"], verdict["reason"]) == (False, "clock.skew")


async def test_a_conflict_while_the_clock_is_adjusted_restamps_once(world: World) -> None:
    one, two = await world.ready(), await world.worker()
    lease_id = await _lease_of(one, 5, ttlHours=24)
    world.clock.advance(_HOUR_MS)
    await one.issue(lease_id)
    world.clock.advance(-_HOUR_MS)

    async def interfere(_: object) -> None:
        world.storage.before_commit = None
        await _authenticate(two)

    world.storage.before_commit = interfere
    await _authenticate(one)
    operations = [entry["op"] for entry in await one.log()]
    assert operations.count("clock.adjust") == 1
    assert await _valid(one)
    assert ENDPOINT["eid"] == (await one.issue(lease_id))["auditEntry"]["details"]["eid"]
