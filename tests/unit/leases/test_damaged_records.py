"""What is damaged in storage issues nothing, and is refused by name."""

from __future__ import annotations

import pytest
from enclave import Refusal, Worker, World
from kms_enclave.ports.storage import Record


async def _refusal_code(worker: Worker, lease_id: str) -> str:
    with pytest.raises(Refusal) as caught:
        await worker.issue(lease_id)
    return caught.value.code


async def test_a_lost_signing_handle_needs_a_resume(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    lease = await world.record("leases", lease_id)
    await world.put("leases", lease_id, Record(lease.revision, lease.value, {}, lease.expires_ms))
    assert await _refusal_code(worker, lease_id) == "lease.needs.resume"


@pytest.mark.parametrize("text", ["nonsense", "{}", "[]"])
async def test_a_damaged_lease_issues_nothing(world: World, text: str) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    lease = await world.record("leases", lease_id)
    await world.put("leases", lease_id, Record(lease.revision, text, lease.handles))
    assert await _refusal_code(worker, lease_id) == "lease.not.found"


async def test_a_lease_moved_to_another_name_issues_nothing(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    await world.put("leases", "lease-other", await world.record("leases", lease_id))
    assert await _refusal_code(worker, "lease-other") == "lease.not.found"


@pytest.mark.parametrize("text", ["nonsense", "{}", '{"tokensPerHour":{"granted":"1","tail":[]}}'])
async def test_a_damaged_quota_record_issues_nothing(world: World, text: str) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    await worker.issue(lease_id)
    quota = await world.record("quotas", lease_id)
    await world.put("quotas", lease_id, Record(quota.revision, text))
    again = await world.worker()
    assert await _refusal_code(again, lease_id) == "lease.not.found"
