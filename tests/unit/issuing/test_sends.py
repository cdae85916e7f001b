"""Quotas of sends, by lease, endpoint, user and relay: what counts, and the wait of a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from enclave import APP, CONFIG, ENDPOINT, ENDPOINT_2, OTHER_APP, Refusal, Worker, World

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_ERRORS_PAGE = (Path(__file__).parents[3] / "docs" / "errors.md").read_text("utf-8")


def _quotas(**changes: object) -> Mapping[str, object]:
    base = CONFIG["quotas"]
    assert isinstance(base, dict)
    return {"quotas": {**base, **changes}}


async def _batch(worker: Worker, lease_id: str, count: int, **more: object) -> Any:
    return await worker.call(
        "issueVAPIDJWTs", leaseId=lease_id, endpoint=ENDPOINT, count=count, **more
    )


async def _record(worker: Worker, lease_id: str, count: int, **changes: object) -> Any:
    params: dict[str, object] = {"leaseId": lease_id, "eid": "one", "count": count, **changes}
    return await worker.call("recordSends", **params)


async def _refused(coroutine: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await coroutine
    return caught.value


async def _alerts(worker: Worker) -> list[dict[str, Any]]:
    return [message["data"] for message in worker.sent if message.get("event") == "quota.alert"]


async def test_a_single_token_is_one_send_of_its_lease(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"sendsPerMinute": 2})
    await worker.issue(lease_id)
    world.clock.advance(1000)
    await worker.issue(lease_id, endpoint=ENDPOINT_2)
    refusal = await _refused(worker.issue(lease_id))
    assert (refusal.code, refusal.retry_after_ms) == ("quota.exceeded.lease", _MINUTE_MS - 1000)
    assert refusal.details == {
        "scope": "sendsPerMinute",
        "used": 2,
        "limit": 2,
        "fits": 0,
        "leaseId": lease_id,
    }
    world.clock.advance(_MINUTE_MS - 1000)
    await worker.issue(lease_id)


async def test_sends_to_one_endpoint_leave_room_for_another(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"sendsPerMinutePerEid": 1})
    await worker.issue(lease_id)
    refusal = await _refused(worker.issue(lease_id))
    assert (refusal.code, refusal.retry_after_ms) == ("quota.exceeded.endpoint", _MINUTE_MS)
    assert refusal.details["scope"] == "sendsPerMinutePerEid"
    await worker.issue(lease_id, endpoint=ENDPOINT_2)


async def test_tokens_of_a_batch_are_no_sends_until_they_are_recorded(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"sendsPerMinute": 3})
    await _batch(worker, lease_id, 10)
    assert await _record(worker, lease_id, 3) == {"accepted": 3}
    assert (await _refused(_record(worker, lease_id, 1))).code == "quota.exceeded.lease"
    await _batch(worker, lease_id, 10)


async def test_recorded_sends_are_granted_whole_or_not_at_all(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"sendsPerMinute": 3})
    await _record(worker, lease_id, 2)
    refusal = await _refused(_record(worker, lease_id, 2))
    assert refusal.details["fits"] == 1
    await _record(worker, lease_id, 1)


async def test_recorded_sends_are_no_entry_of_the_log(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    before = len(await worker.log())
    await _record(worker, lease_id, 5)
    assert len(await worker.log()) == before
    assert (await worker.call("verifyAuditChain"))["valid"]


async def test_recorded_sends_count_in_every_tab_and_after_a_restart(world: World) -> None:
    first, second = await world.ready(), await world.worker()
    lease_id = await first.create_lease(quotas={"sendsPerMinute": 4})
    await _record(first, lease_id, 2)
    await _record(second, lease_id, 2)
    third = await world.worker()
    for worker in (first, second, third):
        assert (await _refused(_record(worker, lease_id, 1))).code == "quota.exceeded.lease"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"eid": "three"}, "eid.unknown"),
        ({"leaseId": "lease-unknown"}, "lease.not.found"),
        ({"count": 0}, "request.invalid"),
        ({"count": -1}, "request.invalid"),
        ({"count": 1.5}, "request.invalid"),
        ({"count": 1_000_001}, "request.invalid"),
        ({"relayId": "ünder"}, "request.invalid"),
    ],
)
async def test_what_cannot_be_recorded_is_refused_and_counts_nothing(
    world: World, changes: dict[str, Any], code: str
) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    before = world.storage.commits
    params: dict[str, Any] = {"leaseId": lease_id, "eid": "one", "count": 1, **changes}
    assert (await _refused(worker.call("recordSends", **params))).code == code
    assert world.storage.commits == before


async def test_another_origin_records_nothing(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    refusal = await _refused(
        worker.call("recordSends", origin=OTHER_APP, leaseId=lease_id, eid="one", count=1)
    )
    assert refusal.code == "origin.denied"


async def test_more_sends_than_the_limit_never_fit(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"sendsPerMinute": 3})
    assert (await _refused(_record(worker, lease_id, 4))).retry_after_ms is None


async def test_a_users_day_is_counted_over_all_leases(world: World) -> None:
    worker = await world.ready(config={**_quotas(perUserPerDay=3), "maxLeaseHours": 48})
    one, two = await worker.create_lease(), await worker.create_lease(ttlHours=48)
    await worker.issue(one)
    await _record(worker, two, 2)
    refusal = await _refused(worker.issue(two))
    assert (refusal.code, refusal.details["scope"]) == ("quota.exceeded.user", "perUserPerDay")
    assert refusal.retry_after_ms == _DAY_MS
    other = await worker.create_lease(userId="user-2")
    await worker.issue(other)


async def test_a_user_of_another_origin_is_another_user(world: World) -> None:
    worker = await world.ready(config=_quotas(perUserPerDay=1))
    await worker.issue(await worker.create_lease())
    theirs = await worker.create_lease(origin=OTHER_APP)
    await worker.call("issueVAPIDJWT", origin=OTHER_APP, leaseId=theirs, endpoint=ENDPOINT)


async def test_a_users_day_is_announced_at_80_percent_once(world: World) -> None:
    worker = await world.ready(config=_quotas(perUserPerDay=5))
    lease_id = await worker.create_lease()
    for _ in range(5):
        await worker.issue(lease_id)
    (alert,) = await _alerts(worker)
    assert alert == {
        "scope": "perUserPerDay",
        "percent": 80,
        "used": 4,
        "limit": 5,
        "leaseId": lease_id,
        "userId": "user-1",
        "relayId": None,
    }


async def test_an_alert_goes_to_the_leases_origin_alone(world: World) -> None:
    worker = await world.ready(config=_quotas(perUserPerDay=1))
    await worker.issue(await worker.create_lease())
    (event,) = [message for message in worker.sent if message.get("type") == "kms:event"]
    assert event["origin"] == APP


async def test_a_relays_hour_is_announced_and_not_refused(world: World) -> None:
    worker = await world.ready(config=_quotas(perRelayPerHour=5))
    lease_id = await worker.create_lease()
    for _ in range(7):
        await worker.issue(lease_id, relayId="relay-1")
    assert [(alert["percent"], alert["used"]) for alert in await _alerts(worker)] == [
        (80, 4),
        (100, 5),
    ]


async def test_a_relays_hour_is_refused_where_the_operator_says_so(world: World) -> None:
    worker = await world.ready(config=_quotas(perRelayPerHour=2, refuseRelayOverCap=True))
    lease_id = await worker.create_lease()
    await worker.issue(lease_id, relayId="relay-1")
    await _record(worker, lease_id, 1, relayId="relay-1")
    refusal = await _refused(worker.issue(lease_id, relayId="relay-1"))
    assert (refusal.code, refusal.retry_after_ms) == ("quota.exceeded.relay", _HOUR_MS)
    await worker.issue(lease_id, relayId="relay-2")
    await worker.issue(lease_id)


REFUSALS: Mapping[str, tuple[Mapping[str, int], Mapping[str, object], Mapping[str, str], str]] = {
    # asked of the lease, configured, named in the details, in the message
    "tokensPerHour": ({"tokensPerHour": 1}, {}, {}, "tokens per hour"),
    "sendsPerMinute": ({"sendsPerMinute": 1}, {}, {}, "sends per minute"),
    "sendsPerMinutePerEid": (
        {"sendsPerMinutePerEid": 1},
        {},
        {"eid": "one"},
        "sends per minute of this endpoint",
    ),
    "perUserPerDay": (
        {},
        _quotas(perUserPerDay=1),
        {"userId": "user-1"},
        "sends per day of this user",
    ),
    "perRelayPerHour": (
        {},
        _quotas(perRelayPerHour=1, refuseRelayOverCap=True),
        {"relayId": "relay-1"},
        "sends per hour of this relay",
    ),
}


@pytest.mark.parametrize("scope", REFUSALS)
async def test_a_refusal_says_which_quota_and_whose_in_the_words_of_the_documentation(
    world: World, scope: str
) -> None:
    asked, config, named, words = REFUSALS[scope]
    worker = await world.ready(config=config)
    lease_id = await worker.create_lease(quotas=asked)
    await worker.issue(lease_id, relayId="relay-1")
    refusal = await _refused(worker.issue(lease_id, relayId="relay-1"))
    assert refusal.message == f"Quota exceeded: {words}"
    counted = {"scope": scope, "used": 1, "limit": 1, "fits": 0}
    assert refusal.details == {**counted, "leaseId": lease_id, **named}
    assert refusal.message in _ERRORS_PAGE


async def test_of_several_quotas_the_wait_is_the_longest(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 1, "sendsPerMinute": 1})
    await worker.issue(lease_id)
    refusal = await _refused(worker.issue(lease_id))
    assert (refusal.details["scope"], refusal.retry_after_ms) == ("tokensPerHour", _HOUR_MS)


async def test_a_refused_call_counts_in_no_window(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"sendsPerMinutePerEid": 1})
    await worker.issue(lease_id)
    await _refused(worker.issue(lease_id))
    state = await worker.call("getQuota", leaseId=lease_id, eid="one")
    assert (state["tokensPerHour"]["used"], state["sendsPerMinute"]["used"]) == (1, 1)


async def test_one_call_too_many_at_once_is_refused_and_not_queued(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"burstSends": 2})
    results = await asyncio.gather(
        *(worker.issue(lease_id) for _ in range(3)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, Refusal)]
    (refusal,) = refused
    assert (refusal.code, refusal.message) == (
        "quota.exceeded.lease",
        "Quota exceeded: calls at once",
    )
    assert (refusal.details["scope"], refusal.details["leaseId"]) == ("burstSends", lease_id)
    assert refusal.message in _ERRORS_PAGE
    await worker.issue(lease_id)


async def test_calls_refused_for_their_number_take_no_place(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"burstSends": 2})
    calls = [asyncio.create_task(worker.issue(lease_id)) for _ in range(400)]
    await asyncio.wait(calls[:2])
    assert sum(not call.done() for call in calls) > 300
    assert (await worker.issue(lease_id))["jwt"]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, Refusal)]
    assert len(refused) == 398
    assert {(each.details["used"], each.details["limit"]) for each in refused} == {(2, 2)}


async def test_calls_at_once_are_told_without_those_that_are_refused(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"burstSends": 2})
    calls = [asyncio.create_task(worker.issue(lease_id)) for _ in range(400)]
    at_first = await worker.call("getQuota", leaseId=lease_id)
    await asyncio.wait(calls[:2])
    then = await worker.call("getQuota", leaseId=lease_id)
    assert (at_first["burstSends"]["used"], then["burstSends"]["used"]) == (2, 0)
    assert not all(call.done() for call in calls)
    await asyncio.gather(*calls, return_exceptions=True)


async def test_calls_refused_for_something_else_take_no_place(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"burstSends": 1})
    strange = {**ENDPOINT, "eid": "three"}
    *refused, token = await asyncio.gather(
        *(worker.issue(lease_id, endpoint=strange) for _ in range(5)),
        worker.issue(lease_id),
        return_exceptions=True,
    )
    codes = {each.code for each in refused if isinstance(each, Refusal)}
    assert codes == {"endpoint.not.in.lease"}
    assert isinstance(token, dict)


async def test_calls_decided_anew_after_another_tabs_commit_take_one_place_each(
    world: World,
) -> None:
    first, second = await world.ready(), await world.worker()
    lease_id = await first.create_lease(quotas={"burstSends": 2})

    async def commit_in_another_tab(_: object) -> None:
        world.storage.before_commit = None
        await second.issue(lease_id)

    world.storage.before_commit = commit_in_another_tab
    outcomes = await asyncio.gather(
        *(first.issue(lease_id) for _ in range(3)), return_exceptions=True
    )
    assert [isinstance(each, Refusal) for each in outcomes] == [False, False, True]


async def test_calls_of_another_origin_take_no_place_of_the_leases(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"burstSends": 1})
    foreign = [
        worker.call("issueVAPIDJWT", origin=OTHER_APP, leaseId=lease_id, endpoint=ENDPOINT)
        for _ in range(5)
    ]
    *refused, token = await asyncio.gather(*foreign, worker.issue(lease_id), return_exceptions=True)
    assert {result.code for result in refused if isinstance(result, Refusal)} == {"origin.denied"}
    assert isinstance(token, dict)


async def test_a_lease_whose_key_fails_to_sign_fails_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await world.ready()
    broken, fine = await worker.create_lease(), await worker.create_lease()
    broken_key = (await world.record("leases", broken)).handles["signing"]
    sign = world.crypto.sign_es256_many

    async def sign_unless_broken(key: object, messages: Sequence[bytes]) -> object:
        if key is broken_key:
            raise RuntimeError
        return await sign(key, messages)

    monkeypatch.setattr(world.crypto, "sign_es256_many", sign_unless_broken, raising=False)
    results = await asyncio.gather(worker.issue(broken), worker.issue(fine), return_exceptions=True)
    assert isinstance(results[0], Refusal)
    assert results[0].code == "internal"
    assert isinstance(results[1], dict)
    assert results[1]["auditEntry"]["details"]["quotas"]["tokensPerHour"]["used"] == 1
    state = await worker.call("getQuota", leaseId=broken)
    assert state["tokensPerHour"]["used"] == state["perUserPerDay"]["used"] - 1 == 0
