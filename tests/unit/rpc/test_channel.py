"""The channel: one reply a request, and one dialog at a time in front of the user."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from enclave import APP, CREDENTIALS, PASSPHRASE, Refusal, Worker, World
from kms_enclave.ports.storage import StorageError
from kms_enclave.rpc.channel import Channel
from user import User

from tools.patience import patient

_WITHOUT_CREDENTIALS: dict[str, Any] = {"credentials": None}


def _type(passphrase: str) -> dict[str, Any]:
    return {"answer": {"passphrase": passphrase}}


async def test_before_the_start_every_request_is_refused() -> None:
    sent: list[dict[str, Any]] = []
    channel = Channel(send=lambda text: sent.append(json.loads(text)))
    channel.receive('{"id":3,"method":"isSetup","params":{},"origin":"https://app.example"}')
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [(m["id"], m["error"]["code"]) for m in sent] == [(3, "channel.not.initialized")]


def test_a_request_that_cannot_be_read_is_refused_by_name() -> None:
    sent: list[dict[str, Any]] = []
    channel = Channel(send=lambda text: sent.append(json.loads(text)))
    deep = "[" * 100_000 + "]" * 100_000
    channel.receive(f'{{"id":77,"method":"isSetup","params":{deep},"origin":"{APP}"}}')
    ((number, error),) = [(message["id"], message["error"]) for message in sent]
    assert (number, error["code"]) == (77, "request.invalid")
    assert error["details"]["field"] == "params"


async def test_what_cannot_be_read_and_has_no_number_is_nothing(world: World) -> None:
    worker = await world.ready()
    before = len(worker.sent)
    worker.receive("[" * 100_000)
    worker.receive('{"method":"isSetup"')
    assert len(worker.sent) == before
    assert (await worker.call("isSetup"))["isSetup"]


async def test_requests_in_flight_are_answered_each_by_its_number(world: World) -> None:
    worker = await world.worker()
    replies = await asyncio.gather(
        *(worker.request({"method": "isSetup", "params": {}, "origin": APP}) for _ in range(20))
    )
    assert [reply["id"] for reply in replies] == list(range(1, 21))


async def test_the_user_is_asked_in_words_for_whom(world: World) -> None:
    worker = await world.ready()
    worker.user = lambda ask: _type(PASSPHRASE)
    await worker.create_lease(**_WITHOUT_CREDENTIALS)
    ask = worker.asked[0]
    assert ask["ask"] == "authenticate"
    assert ask["operation"] == "Create a lease of 12 hours for 2 endpoints"
    assert ask["origin"] == APP
    assert ask["attempt"] == 1
    assert worker.asked[-1]["ask"] == "close"


async def test_each_question_names_the_call_that_it_is_for(world: World) -> None:
    worker = await world.ready()
    worker.user = lambda ask: _type(PASSPHRASE)
    request = {"method": "generateVAPID", "params": {}, "origin": APP}
    replies = await asyncio.gather(*(worker.request(request) for _ in range(3)))
    calls = [ask["call"] for ask in worker.asked if ask["ask"] != "close"]
    assert calls == [reply["id"] for reply in replies]


async def test_a_later_question_in_the_same_dialog_names_it_too(world: World) -> None:
    worker = await world.ready()
    worker.user = User(uses=PASSPHRASE, makes="another horse battery")
    reply = await worker.request({"method": "changePassphrase", "params": {}, "origin": APP})
    asked = [(ask["ask"], ask["call"]) for ask in worker.asked if ask["ask"] != "close"]
    assert asked == [("authenticate", reply["id"]), ("choosePassphrase", reply["id"])]


async def test_after_a_wrong_passphrase_the_dialog_stays_and_says_so(world: World) -> None:
    worker = await world.ready()
    typed = iter(["wrong horse battery", "short", PASSPHRASE])
    worker.user = lambda ask: _type(next(typed))
    await worker.create_lease(**_WITHOUT_CREDENTIALS)
    first, second, third, close = worker.asked
    assert first["error"] is None
    assert (second["attempt"], second["error"]["code"]) == (2, "unlock.denied")
    assert (third["attempt"], third["error"]["code"]) == (3, "unlock.denied")
    assert close["ask"] == "close"
    assert [entry["op"] for entry in await worker.log()] == [
        "instance.start", "setup", "unlock.denied", "lease.create",
    ]  # fmt: skip


async def test_what_the_user_cancels_is_cancelled_and_changes_nothing(world: World) -> None:
    worker = await world.ready()
    before = world.storage.commits
    worker.user = lambda ask: {"refused": {"code": "unlock.cancelled"}}
    with pytest.raises(Refusal) as caught:
        await worker.create_lease(**_WITHOUT_CREDENTIALS)
    assert caught.value.code == "unlock.cancelled"
    assert world.storage.commits == before


async def test_a_pause_that_the_frame_imposes_reaches_the_page(world: World) -> None:
    worker = await world.ready()
    refused = {"code": "unlock.throttled", "message": "Wait", "retryAfterMs": 1500, "details": {}}
    worker.user = lambda ask: {"refused": refused}
    with pytest.raises(Refusal) as caught:
        await worker.create_lease(**_WITHOUT_CREDENTIALS)
    assert (caught.value.code, caught.value.retry_after_ms) == ("unlock.throttled", 1500)


async def _dialog_is_free(worker: Worker) -> None:
    worker.user = lambda ask: _type(PASSPHRASE)
    await asyncio.wait_for(worker.create_lease(**_WITHOUT_CREDENTIALS), timeout=patient(2))


async def test_a_cancelled_dialog_makes_way_for_the_next(world: World) -> None:
    worker = await world.ready()
    worker.user = lambda ask: {"refused": {"code": "unlock.cancelled"}}
    with pytest.raises(Refusal):
        await worker.create_lease(**_WITHOUT_CREDENTIALS)
    await _dialog_is_free(worker)


async def test_a_dialog_whose_operation_fails_is_closed_and_makes_way(world: World) -> None:
    worker = await world.ready()

    def answer(ask: object) -> dict[str, Any]:
        world.storage.failure = StorageError("unavailable", "no")
        return _type("wrong horse battery")

    worker.user = answer
    with pytest.raises(Refusal) as caught:
        await worker.create_lease(**_WITHOUT_CREDENTIALS)
    assert caught.value.code == "storage.unavailable"
    assert worker.asked[-1]["ask"] == "close"
    world.storage.failure = None
    await _dialog_is_free(worker)


async def test_two_operations_ask_one_after_the_other(world: World) -> None:
    worker = await world.ready()
    open_dialogs = most = 0

    def count(ask: dict[str, Any]) -> dict[str, Any]:
        nonlocal open_dialogs, most
        open_dialogs = len([a for a in worker.asked if a["ask"] != "close"]) - len(
            [a for a in worker.asked if a["ask"] == "close"]
        )
        most = max(most, open_dialogs)
        return _type(PASSPHRASE)

    worker.user = count
    await asyncio.gather(*(worker.create_lease(**_WITHOUT_CREDENTIALS) for _ in range(3)))
    assert most == 1


async def test_other_requests_are_answered_while_a_dialog_is_open(world: World) -> None:
    worker = await world.ready()
    lease = await worker.create_lease()
    asked = asyncio.Event()
    worker.user = lambda ask: asked.set()
    waiting = asyncio.create_task(worker.create_lease(**_WITHOUT_CREDENTIALS))
    await asked.wait()
    assert (await worker.issue(lease))["jwt"]
    assert not waiting.done()
    number = worker.asked[0]["id"]
    worker.receive(json.dumps({"id": number, **_type(PASSPHRASE)}))
    assert (await waiting).startswith("lease-")


async def test_an_answer_that_nobody_waits_for_is_nothing(world: World) -> None:
    worker = await world.ready()
    worker.receive(json.dumps({"id": 99, **_type(PASSPHRASE)}))
    assert await worker.create_lease(credentials=CREDENTIALS)
