"""Refusals in the log: the first at once, then one entry a minute with a count."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from enclave import ENDPOINT, OTHER_APP, Refusal, Worker, World
from kms_enclave.issuing.refusals import RefusalLog


async def _refusals(worker: Worker) -> list[dict[str, Any]]:
    return [entry for entry in await worker.log() if entry["op"] == "issue.refused"]


async def _exhausted(world: World) -> tuple[Worker, str]:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 1})
    await worker.issue(lease_id)
    return worker, lease_id


async def _refuse(worker: Worker, lease_id: str, times: int) -> None:
    results = await asyncio.gather(
        *(worker.issue(lease_id) for _ in range(times)), return_exceptions=True
    )
    assert all(isinstance(result, Refusal) for result in results)


async def _swept(world: World) -> Worker:
    """Start another worker, and let it sweep."""
    worker = await world.worker()
    for _ in range(200):
        await asyncio.sleep(0)
    return worker


async def test_the_first_refusal_is_logged_at_once(world: World) -> None:
    worker, lease_id = await _exhausted(world)
    await _refuse(worker, lease_id, 1)
    (entry,) = await _refusals(worker)
    assert (entry["leaseId"], entry["signer"]) == (lease_id, "KIAK")
    assert entry["details"] == {"code": "quota.exceeded.lease", "count": 1}
    assert (await worker.call("verifyAuditChain"))["valid"]


async def test_a_flood_of_refusals_is_one_entry_a_minute_with_their_number(world: World) -> None:
    worker, lease_id = await _exhausted(world)
    await _refuse(worker, lease_id, 1)
    await _refuse(worker, lease_id, 8)
    assert len(await _refusals(worker)) == 1
    world.clock.advance(60_000)
    await _refuse(worker, lease_id, 1)
    entries = await _refusals(worker)
    assert len(entries) == 2
    assert entries[1]["details"] == {"code": "quota.exceeded.lease", "count": 9}


async def test_reasons_and_leases_are_counted_apart(world: World) -> None:
    worker, lease_id = await _exhausted(world)
    await _refuse(worker, lease_id, 2)
    with pytest.raises(Refusal):
        await worker.call("issueVAPIDJWT", origin=OTHER_APP, leaseId=lease_id, endpoint=ENDPOINT)
    codes = [entry["details"]["code"] for entry in await _refusals(worker)]
    assert codes == ["quota.exceeded.lease", "origin.denied"]


async def test_guessed_lease_ids_leave_no_entry(world: World) -> None:
    worker = await world.ready()
    before = world.storage.commits
    for number in range(20):
        with pytest.raises(Refusal):
            await worker.issue(f"lease-{number}")
    assert world.storage.commits == before


async def test_a_count_whose_commit_failed_is_not_lost(world: World) -> None:
    worker, lease_id = await _exhausted(world)

    def fail(_: object) -> None:
        raise RuntimeError

    world.storage.before_commit = fail
    with pytest.raises(Refusal):
        await worker.issue(lease_id)
    world.storage.before_commit = None
    await _refuse(worker, lease_id, 1)
    assert len(await _refusals(worker)) == 1


async def test_a_count_that_fails_keeps_no_call_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, lease_id = await _exhausted(world)
    await _refuse(worker, lease_id, 1)

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(RefusalLog, "count", fail)
    # More than share a commit: those of the second wait for what becomes of the first.
    await _refuse(worker, lease_id, 100)


async def test_a_restart_loses_no_count_and_makes_no_first(world: World) -> None:
    worker, lease_id = await _exhausted(world)
    await _refuse(worker, lease_id, 5)
    await _refuse(await world.worker(), lease_id, 3)
    again = await _swept(world)
    world.clock.advance(60_000)
    await _refuse(again, lease_id, 1)
    counts = [entry["details"]["count"] for entry in await _refusals(again)]
    assert counts == [5, 4]


async def test_tabs_count_together(world: World) -> None:
    one, lease_id = await _exhausted(world)
    two = await world.worker()
    await asyncio.gather(_refuse(one, lease_id, 4), _refuse(two, lease_id, 4))
    world.clock.advance(60_000)
    await _refuse(one, lease_id, 1)
    counts = [entry["details"]["count"] for entry in await _refusals(two)]
    assert (len(counts), sum(counts)) == (2, 9)


async def test_the_sweep_logs_what_nobody_asks_about_again(world: World) -> None:
    worker, lease_id = await _exhausted(world)
    await _refuse(worker, lease_id, 1)
    await _refuse(worker, lease_id, 3)
    world.clock.advance(60_000)
    worker = await _swept(world)
    entry = (await _refusals(worker))[-1]
    assert (entry["leaseId"], entry["details"]["count"]) == (lease_id, 3)
    assert (await worker.call("verifyAuditChain"))["valid"]


async def test_what_stands_at_zero_is_swept_without_an_entry(world: World) -> None:
    worker, lease_id = await _exhausted(world)
    await _refuse(worker, lease_id, 1)
    world.clock.advance(60_000)
    worker = await _swept(world)
    assert len(await _refusals(worker)) == 1
    left = await world.memory.scan_prefix("meta", prefix="refused:", after=None, limit=1)
    assert not left


async def test_a_flood_of_refusals_and_revocations_leaves_the_log_bounded(world: World) -> None:
    worker = await world.ready()
    leases = [await worker.create_lease(quotas={"tokensPerHour": 1}) for _ in range(3)]
    before = len(await worker.log())
    for _ in range(10):
        for lease_id in leases:
            await asyncio.gather(
                *(worker.issue(lease_id) for _ in range(10)),
                *(worker.call("revokeLease", leaseId=lease_id) for _ in range(5)),
                worker.call("revokeAllLeases"),
                return_exceptions=True,
            )
    added = [entry["op"] for entry in (await worker.log())[before:]]
    assert added.count("lease.revoke") == 3
    # One a lease and reason: it was revoked, or its quota was used up before.
    assert added.count("issue.refused") <= 6
    assert len(added) <= 3 + 6 + 3
    records = await world.memory.scan_prefix("meta", prefix="refused:", after=None, limit=100)
    assert len(records) <= 6


async def test_a_clock_that_was_ahead_does_not_silence_refusals(world: World) -> None:
    worker, lease_id = await _exhausted(world)
    world.clock.advance(200_000)
    await _refuse(worker, lease_id, 1)
    world.clock.advance(-100_000)
    await _refuse(worker, lease_id, 1)
    world.clock.advance(160_000)
    await _refuse(worker, lease_id, 1)
    assert [entry["details"]["count"] for entry in await _refusals(worker)] == [1, 2]
