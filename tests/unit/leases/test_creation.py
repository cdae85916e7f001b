"""Creating a lease: keys of its own, one commit, and an entry by the user."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from doubles import CrashError
from enclave import APP, CREDENTIALS, ENDPOINT, ENDPOINT_2, Refusal, Worker, World
from kms_enclave.ports.crypto import AuditSigningKey, VapidSigningKey
from kms_enclave.ports.storage import StorageError


async def _refused(worker: Worker, **changes: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.create_lease(**changes)
    return caught.value


async def test_a_lease_is_granted_with_quotas_end_and_key(world: World) -> None:
    worker = await world.worker()
    kid = (await worker.set_up())["vapidKid"]
    result = await worker.call(
        "createLease",
        userId="u",
        subs=[ENDPOINT],
        ttlHours=2,
        quotas={"tokensPerHour": 7},
        credentials=CREDENTIALS,
    )
    assert result["leaseId"].startswith("lease-")
    assert result["exp"] == world.clock.now_ms() + 2 * 3_600_000
    assert result["kid"] == kid
    assert result["quotas"] == {
        "tokensPerHour": 7,
        "sendsPerMinute": 1000,
        "burstSends": 1000,
        "sendsPerMinutePerEid": 1000,
    }


async def test_its_entry_is_the_users_and_names_no_url(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    entry = (await worker.log())[-1]
    assert (entry["op"], entry["signer"], entry["leaseId"]) == ("lease.create", "UAK", lease_id)
    assert (entry["userId"], entry["origin"]) == ("user-1", APP)
    assert entry["details"]["endpoints"] == [
        {"aud": "https://push.example", "eid": "one"},
        {"aud": "https://push.example", "eid": "two"},
    ]
    assert "/send/" not in json.dumps(entry)


async def test_it_stores_handles_and_a_wrapped_copy_under_a_salt_of_its_own(world: World) -> None:
    worker = await world.ready()
    one, two = await worker.create_lease(), await worker.create_lease()
    record = await world.record("leases", one)
    assert {name: type(handle) for name, handle in record.handles.items()} == {
        "signing": VapidSigningKey,
        "lak": AuditSigningKey,
    }
    first, second = await world.value("leases", one), await world.value("leases", two)
    for name in ("leaseSalt", "wrappedLeaseKey", "wrappedLeaseKeyIv", "lakPublic"):
        assert first[name] != second[name]


async def test_its_certificate_covers_it_from_its_first_entry_to_its_end(world: World) -> None:
    worker = await world.ready()
    lease = await world.value("leases", await worker.create_lease(ttlHours=1))
    certificate = lease["lakDelegationCert"]
    created = (await worker.log())[-1]["timestamp"]
    assert certificate["scope"] == ["sign"]
    assert certificate["leaseId"] == lease["leaseId"]
    assert certificate["notBefore"] <= created
    assert certificate["notAfter"] == lease["exp"]


async def test_a_clock_that_steps_back_meanwhile_leaves_a_log_that_verifies(world: World) -> None:
    worker = await world.ready()
    other = await world.worker()
    earlier = await other.create_lease()
    world.clock.advance(10_000)

    async def step_back_and_issue(_: object) -> None:
        world.storage.before_commit = None
        world.clock.advance(-5_000)
        await other.issue(earlier)

    world.storage.before_commit = step_back_and_issue
    await worker.issue(await worker.create_lease())
    verdict = await worker.call("verifyAuditChain")
    assert verdict["errors"] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ttlHours": 0}, "lease.limit"),
        ({"ttlHours": -1}, "lease.limit"),
        ({"ttlHours": 1e-9}, "lease.limit"),
        ({"userId": "ada\n"}, "request.invalid"),
        ({"label": "\x1b[2J"}, "request.invalid"),
        ({"ttlHours": 25}, "lease.limit"),
        ({"subs": []}, "request.invalid"),
        ({"subs": [{**ENDPOINT, "eid": str(n)} for n in range(65)]}, "lease.limit"),
        ({"subs": [ENDPOINT, ENDPOINT]}, "request.invalid"),
        ({"subs": [{**ENDPOINT, "aud": "https://x.example"}]}, "aud.mismatch"),
        ({"subs": [{**ENDPOINT, "url": "http://push.example/"}]}, "request.invalid"),
        ({"quotas": {"tokensPerHour": 1001}}, "request.invalid"),
        ({"quotas": {"burstSends": 0}}, "request.invalid"),
    ],
)
async def test_a_lease_that_may_not_be_is_refused_before_anybody_unlocks(
    world: World, changes: dict[str, Any], code: str
) -> None:
    worker = await world.ready()
    before, stretchings = world.storage.commits, world.crypto.stretchings
    assert (await _refused(worker, **changes)).code == code
    assert (world.storage.commits, world.crypto.stretchings) == (before, stretchings)


async def test_a_quota_above_the_ceiling_is_named_as_the_page_named_it(world: World) -> None:
    worker = await world.ready()
    refusal = await _refused(worker, quotas={"sendsPerMinutePerEid": 1001})
    assert refusal.details["field"].endswith("quotas.sendsPerMinutePerEid")


@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
async def test_a_crash_leaves_a_lease_with_its_entry_or_neither(world: World, moment: str) -> None:
    worker = await world.ready()

    def crash(_: object) -> None:
        raise CrashError

    setattr(world.storage, moment, crash)
    await _refused(worker)
    setattr(world.storage, moment, None)
    again = await world.worker()
    entries = [entry["op"] for entry in await again.log()]
    assert entries.count("lease.create") == await world.memory.count("leases")
    assert await world.memory.count("leases") == (moment == "after_commit")


@pytest.mark.parametrize("failure", ["full", "unavailable"])
async def test_a_storage_failure_makes_no_lease(world: World, failure: str) -> None:
    worker = await world.ready()

    def fail(_: object) -> None:
        raise StorageError(failure, "")

    world.storage.before_commit = fail
    assert (await _refused(worker)).code == f"storage.{failure}"
    world.storage.before_commit = None
    assert await world.memory.count("leases") == 0
    assert await worker.create_lease()


async def test_leases_made_at_the_same_time_in_two_tabs_all_exist(world: World) -> None:
    first = await world.ready()
    second = await world.worker()
    made = await asyncio.gather(
        *(worker.create_lease(subs=[ENDPOINT_2]) for worker in (first, second) for _ in range(3))
    )
    assert len(set(made)) == await world.memory.count("leases") == 6
    assert (await first.call("verifyAuditChain"))["valid"]


async def test_a_tab_whose_instance_was_reset_meanwhile_makes_no_lease(world: World) -> None:
    first = await world.ready()
    second = await world.worker()
    reset = False

    async def reset_once(_: object) -> None:
        nonlocal reset
        if not reset:
            reset = True
            await second.call("resetKMS", credentials=CREDENTIALS)

    world.storage.before_commit = reset_once
    refusal = await _refused(first)
    assert refusal.code == "unlock.denied"
    assert await world.memory.count("leases") == 0


@pytest.mark.parametrize(
    ("preset", "limits"),
    [("conservative", (120, 60, 100, 30)), ("aggressive", (240, 120, 200, 60))],
)
async def test_quotas_may_be_asked_for_by_name(
    world: World, preset: str, limits: tuple[int, ...]
) -> None:
    worker = await world.ready()
    record = await world.value("leases", await worker.create_lease(quotas=preset))
    names = ("tokensPerHour", "sendsPerMinute", "burstSends", "sendsPerMinutePerEid")
    assert tuple(record["quotas"][name] for name in names) == limits


async def test_a_preset_beyond_the_operators_ceiling_is_refused(world: World) -> None:
    ceiling = {
        "tokensPerHour": 200,
        "sendsPerMinute": 600,
        "burstSends": 200,
        "sendsPerMinutePerEid": 300,
    }
    worker = await world.ready(config={"quotas": {"ceiling": ceiling}})
    assert await worker.create_lease(quotas="conservative")
    refusal = await _refused(worker, quotas="aggressive")
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", "quotas.tokensPerHour")


async def test_a_preset_that_does_not_exist_is_refused(world: World) -> None:
    refusal = await _refused(await world.ready(), quotas="unlimited")
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", "quotas")
