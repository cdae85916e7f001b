"""Entries that are deleted, changed or swapped behind the enclave's back are noticed by it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from enclave import Worker, World

# Of seven entries: the start, the setup, a lease and four tokens.
_LAST = 6

Tamper = Callable[[World], Awaitable[None]]


async def _swap(world: World) -> None:
    one, two = [await world.record("audit", number) for number in (_LAST - 2, _LAST - 1)]
    await world.put("audit", _LAST - 1, one)
    await world.put("audit", _LAST - 2, two)


async def _delete_all(world: World) -> None:
    for number in range(_LAST + 1):
        await world.delete("audit", number)


async def _cut_back(world: World) -> None:
    """Delete the last entry, and let the head say that there was none."""
    before = await world.value("audit", _LAST - 1)
    kept = {name: before[name] for name in ("seqNum", "chainHash", "timestamp")}
    await world.delete("audit", _LAST)
    await world.tamper("meta", "head", **kept)


TAMPERING: dict[str, Tamper] = {
    "the first is deleted": lambda world: world.delete("audit", 0),
    "a middle one is deleted": lambda world: world.delete("audit", _LAST - 2),
    "the last is deleted": lambda world: world.delete("audit", _LAST),
    "the last is deleted, and the head cut back": _cut_back,
    "every one is deleted": _delete_all,
    "a field of a middle one is changed": lambda world: world.tamper(
        "audit", _LAST - 1, userId="mallory"
    ),
    "a field of the last is changed": lambda world: world.tamper("audit", _LAST, userId="mallory"),
    "two are swapped": _swap,
}
EVERY_TAMPERING = pytest.mark.parametrize("tamper", TAMPERING.values(), ids=TAMPERING.keys())


@pytest.fixture
async def issued(world: World) -> Worker:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    for _ in range(4):
        await worker.issue(lease_id)
    assert await world.memory.count("audit") == _LAST + 1
    return worker


async def _faults(worker: Worker) -> list[Any]:
    verdict = await worker.call("verifyAuditChain")
    assert verdict["valid"] is not bool(verdict["errors"])
    return list(verdict["errors"])


async def test_a_log_that_nobody_touched_has_no_fault(world: World, issued: Worker) -> None:
    assert await _faults(issued) == []
    again = await world.worker()
    assert again.start["type"] == "kms:ready"
    assert await _faults(again) == []


@EVERY_TAMPERING
async def test_while_the_enclave_runs_it_is_noticed_that(
    world: World, issued: Worker, tamper: Tamper
) -> None:
    await tamper(world)
    assert await _faults(issued) != []


@pytest.mark.usefixtures("issued")
@EVERY_TAMPERING
async def test_by_the_next_start_it_is_noticed_that(world: World, tamper: Tamper) -> None:
    await tamper(world)
    again = await world.worker()
    assert again.start["type"] == "kms:refused"
    assert again.start["error"]["code"] == "attestation.failed"
