"""Pages are told of the log's growth with a checkpoint, and not with every commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from enclave import CREDENTIALS, Worker, World
from kms_enclave.audit.checkpoint import parse_signed_checkpoint


@pytest.fixture
def minute(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[None]]:
    """Make a minute so short that a test can wait for it, twice."""
    monkeypatch.setattr("kms_enclave.app.SWEEP_INTERVAL_S", 0.02)

    async def wait() -> None:
        await asyncio.sleep(0.1)

    return wait


def _told(worker: Worker) -> list[dict[str, Any]]:
    return [message for message in worker.sent if message.get("event") == "audit.checkpoint"]


async def test_what_a_start_finds_is_no_news(world: World, minute: Any) -> None:
    await world.ready()
    worker = await world.worker()
    await minute()
    assert _told(worker) == []


async def test_growth_is_told_once_with_a_checkpoint(world: World, minute: Any) -> None:
    worker = await world.ready()
    lease = await worker.create_lease()
    await minute()
    already = len(_told(worker))
    for _ in range(3):
        await worker.issue(lease)
    await minute()
    told = _told(worker)[already:]
    assert 1 <= len(told) <= 3
    last = told[-1]
    assert last["origin"] is None
    assert last["data"]["size"] == len(await worker.log())
    note = parse_signed_checkpoint(last["data"]["checkpoint"])
    assert note.checkpoint.size == last["data"]["size"]
    await minute()
    assert _told(worker)[already:] == told


async def test_what_another_tab_wrote_is_told_too(world: World, minute: Any) -> None:
    first = await world.ready()
    second = await world.worker()
    await minute()
    await first.create_lease()
    await minute()
    assert _told(second)[-1]["data"]["size"] == len(await second.log())


async def test_the_end_of_a_log_is_told(world: World, minute: Any) -> None:
    first = await world.ready()
    second = await world.worker()
    await minute()
    await first.call("resetKMS", credentials=CREDENTIALS)
    await minute()
    assert _told(second)[-1]["data"]["size"] == 1
