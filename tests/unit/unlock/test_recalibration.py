"""Key stretching that keeps up with the device, and gates that the operator takes away."""

from __future__ import annotations

import asyncio

import pytest
from authenticator import Authenticator
from enclave import CREDENTIALS, Refusal, Worker, World
from kms_enclave.unlock.passphrase import MAX_ITERATIONS, MIN_ITERATIONS
from user import User

ENROLLMENT = "enrollment:passphrase:v2"
DAY = 24 * 3_600_000


async def fast_setup(world: World) -> Worker:
    """Return a worker of an enclave that was set up on the fastest device there is."""
    worker = await world.ready()
    value = await world.value("enrollments", ENROLLMENT)
    assert value["kdf"]["iterations"] == MAX_ITERATIONS, "the fake device is as fast as can be"
    return worker


async def slow_device(*_: object) -> int:
    """Take the place of a calibration."""
    return MIN_ITERATIONS


async def test_within_a_month_nothing_is_calibrated_again(world: World) -> None:
    worker = await fast_setup(world)
    before = await world.value("enrollments", ENROLLMENT)
    world.clock.advance(30 * DAY)
    await worker.create_lease()
    assert await world.value("enrollments", ENROLLMENT) == before


async def test_a_calibration_from_the_future_is_made_again(world: World) -> None:
    worker = await fast_setup(world)
    world.clock.advance(-30 * DAY)
    await worker.create_lease()
    kdf = (await world.value("enrollments", ENROLLMENT))["kdf"]
    assert kdf["calibratedAt"] == world.clock.now_ms()


async def test_a_slower_device_lowers_nothing_and_is_not_asked_again_for_a_month(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await fast_setup(world)
    monkeypatch.setattr("kms_enclave.unlock.recalibration.calibrate_iterations", slow_device)
    world.clock.advance(30 * DAY + 1)
    await worker.create_lease()
    kdf = (await world.value("enrollments", ENROLLMENT))["kdf"]
    assert (kdf["iterations"], kdf["calibratedAt"]) == (MAX_ITERATIONS, world.clock.now_ms())


@pytest.fixture
async def slow(world: World, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A worker of an enclave that was set up on a device which was slow then."""

    monkeypatch.setattr("kms_enclave.enrollment.methods.calibrate_iterations", slow_device)
    return await world.ready()


async def recalibrations(worker: Worker) -> int:
    changes = [e["details"] for e in await worker.log() if e["op"] == "enrollment.change"]
    return [change.get("reason") for change in changes].count("recalibrated")


async def test_a_faster_device_raises_the_iterations_for_the_same_passphrase(
    world: World, slow: Worker
) -> None:
    worker = slow
    before = await world.value("enrollments", ENROLLMENT)
    assert before["kdf"]["iterations"] == MIN_ITERATIONS
    world.clock.advance(30 * DAY + 1)
    lease_id = await worker.create_lease()
    after = await world.value("enrollments", ENROLLMENT)
    assert after["kdf"]["iterations"] == MAX_ITERATIONS
    assert after["kdf"]["salt"] != before["kdf"]["salt"]
    assert after["createdAt"] == before["createdAt"]
    await worker.issue(lease_id)
    await worker.create_lease()
    assert await recalibrations(worker) == 1
    assert (await worker.call("verifyAuditChain"))["valid"]


async def test_calls_that_unlocked_before_a_recalibration_go_on_after_it(
    world: World, slow: Worker
) -> None:
    other = await world.worker()
    world.clock.advance(30 * DAY + 1)
    await asyncio.gather(*(tab.create_lease() for tab in (slow, slow, other, other)))
    assert await recalibrations(slow) == 1
    assert (await world.value("enrollments", ENROLLMENT))["kdf"]["iterations"] == MAX_ITERATIONS


async def test_a_gate_that_the_operator_took_away_neither_unlocks_nor_counts(
    world: World,
) -> None:
    worker = await world.ready()
    gate = Authenticator()
    worker.user = User(uses=gate, makes=gate)
    await worker.call("addEnrollment", method="passkey-gate", credentials=CREDENTIALS)
    later = await world.worker(config={"allowGate": False})
    later.user = User(uses=gate)
    with pytest.raises(Refusal) as asked:
        await later.call("generateVAPID", credentials={"method": "passkey-gate"})
    assert asked.value.code == "enrollment.not.found"
    with pytest.raises(Refusal) as last:
        await later.call("removeEnrollment", enrollmentId=ENROLLMENT, credentials=CREDENTIALS)
    assert last.value.code == "enrollment.last"
