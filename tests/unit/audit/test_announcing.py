"""Pages are told of the log's growth with a checkpoint, and not with every commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from enclave import CREDENTIALS, Worker, World
from kms_enclave.audit.announcing import Announcer
from kms_enclave.context import Context
from kms_enclave.tlog.checkpoint import parse_signed_checkpoint


class _Counted:
    """A worker's announcer that counts its minutes, and notifies of each."""

    def __init__(self, context: Context, ended: asyncio.Condition) -> None:
        self._announcer = Announcer(context)
        self._ended = ended
        self.minutes = 0

    async def announce(self) -> None:
        await self._announcer.announce()
        self.minutes += 1
        async with self._ended:
            self._ended.notify_all()


@pytest.fixture
def minute(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[None]]:
    """Make minutes short; the function waits until one has begun and ended in every worker."""
    announcers: list[_Counted] = []
    ended = asyncio.Condition()

    def make(context: Context) -> _Counted:
        announcers.append(_Counted(context, ended))
        return announcers[-1]

    monkeypatch.setattr("kms_enclave.app.SWEEP_INTERVAL_S", 0.02)
    monkeypatch.setattr("kms_enclave.app.Announcer", make)

    async def wait() -> None:
        # One may be under way already.
        until = [(each, each.minutes + 2) for each in announcers]
        async with ended:
            await ended.wait_for(lambda: all(each.minutes >= minutes for each, minutes in until))

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
