"""What is kept of refused starts, beside a log that nothing may be added to."""

from __future__ import annotations

from collections.abc import Sequence

from doubles import FaultyStorage
from enclave import World
from kms_enclave.boot.refusal import REFUSAL
from kms_enclave.ports.storage import Address, StorageError


async def test_refusals_are_recorded_beside_the_log_and_named_by_the_next_one(
    world: World,
) -> None:
    await world.ready()
    await world.delete("audit", 1)
    entries = await world.memory.count("audit")
    since = world.clock.now_ms()
    for _ in range(3):
        world.clock.advance(1000)
        worker = await world.worker()
    assert await world.memory.count("audit") == entries
    worker.user = lambda ask: {"answer": {"word": ask["word"]}}
    await worker.call("resetKMS")
    (genesis,) = await worker.log()
    assert genesis["details"]["previousLog"] == {
        "abandoned": "the log does not end where its head says",
        "since": since + 1000,
        "count": 3,
    }


async def test_a_refusal_that_cannot_be_recorded_is_the_same_refusal(world: World) -> None:
    await world.ready()
    await world.delete("audit", 1)

    def fail(addresses: Sequence[Address]) -> None:
        if REFUSAL in addresses:
            raise StorageError("unavailable", "the disk is gone")

    worker = await world.worker(storage=FaultyStorage(world.memory, after_read=fail))
    assert worker.start["error"]["code"] == "attestation.failed"
    assert [entry["seqNum"] for entry in await worker.log()] == [0]
