"""Every request of the table is refused by name, and nothing is different afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from enclave import APP, PASSPHRASE, Worker, World
from refused_requests import ENDPOINT, REFUSED, TOO_LARGE, Refused, fill_in


async def _state(world: World, worker: Worker) -> list[Any]:
    """Return what is stored, what a page is told of it, and what it was told without asking."""
    told = [await worker.call(method) for method in ("getStatus", "getLeases", "getAuditLog")]
    unasked = [message for message in worker.sent if "ask" in message or "id" not in message]
    return [await world.records(), *told, unasked]


async def _refusal(world: World, refused: Refused, code: str) -> dict[str, Any]:
    """Send the request to an enclave with a lease; return the error of its reply."""
    worker = await world.ready()
    lease_id = await worker.create_lease(subs=[ENDPOINT])
    params = fill_in(refused.params, lease_id=lease_id, passphrase=PASSPHRASE)
    before = await _state(world, worker)
    reply = await worker.request({"method": refused.method, "params": params, "origin": APP})
    assert set(reply) == {"id", "error"}
    assert set(reply["error"]) == {"code", "message", "retryAfterMs", "details"}
    assert reply["error"]["code"] == code
    assert await _state(world, worker) == before
    return reply["error"]


def test_every_request_of_the_table_has_a_name_of_its_own() -> None:
    names = [refused.name for refused in [*REFUSED, *TOO_LARGE]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.name)
async def test_a_request_is_refused_by_name_and_nothing_is_different(
    world: World, capfd: pytest.CaptureFixture[str], refused: Refused
) -> None:
    error = await _refusal(world, refused, refused.code)
    if refused.field is not None:
        assert error["details"]["field"] == refused.field
    assert tuple(capfd.readouterr()) == ("", "")


@pytest.mark.parametrize("refused", TOO_LARGE, ids=lambda refused: refused.name)
async def test_what_is_too_large_for_the_frame_is_too_long_for_the_worker(
    world: World, refused: Refused
) -> None:
    await _refusal(world, refused, "request.invalid")
