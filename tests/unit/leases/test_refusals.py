"""Refusals in the log: the first at once, then one entry a minute with a count."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from enclave import ENDPOINT, OTHER_APP, Refusal, Worker, World


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
