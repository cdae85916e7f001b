"""Dispatch: a closed table, one reply a request, and errors that tell no more than they should."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from enclave import APP, World
from kms_enclave.context import Lock
from kms_enclave.errors import KMSError
from kms_enclave.ports.storage import StorageError
from kms_enclave.rpc.dispatch import Dispatcher
from kms_enclave.rpc.methods import METHODS
from kms_enclave.structure import FieldError

_REPORTED = list[tuple[str, BaseException]]


class _Desk:
    """A dispatcher whose one method raises or returns what a test says."""

    def __init__(self, outcome: Exception | Mapping[str, object], lock: Lock | None = None) -> None:
        self.reported: _REPORTED = []
        self.handled = 0

        async def handler(_: object, __: str) -> Mapping[str, object]:
            self.handled += 1
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        self.dispatcher = Dispatcher(
            handlers={"isSetup": handler, "getStatus": handler},
            lock=lock or Lock(),
            new_correlation_id=lambda: "correlation",
            report=lambda number, error: self.reported.append((number, error)),
        )

    async def reply(self, **request: object) -> dict[str, Any]:
        envelope = {"id": 7, "method": "isSetup", "params": {}, "origin": APP, **request}
        return json.loads(await self.dispatcher.reply(envelope))


async def test_a_result_is_returned_under_the_requests_number() -> None:
    assert await _Desk({"x": 1}).reply() == {"id": 7, "result": {"x": 1}}


@pytest.mark.parametrize(
    "method", ["nothing", "", "__init__", "reply", "constructor", "__proto__", None, 5, [], {}]
)
async def test_a_method_outside_the_table_is_unknown(method: object) -> None:
    desk = _Desk({})
    reply = await desk.reply(method=method)
    assert reply["error"]["code"] == "method.unknown"
    assert desk.handled == 0


async def test_an_unknown_methods_name_comes_back_only_in_part() -> None:
    reply = await _Desk({}).reply(method="x" * 100_000)
    assert reply["error"]["details"] == {"method": "x" * 64}


@pytest.mark.parametrize("params", [None, [], "x", 5, {"unknown": 1}])
async def test_parameters_are_checked_before_any_handler_runs(params: object) -> None:
    desk = _Desk({})
    reply = await desk.reply(params=params)
    assert reply["error"]["code"] == "request.invalid"
    assert desk.handled == 0


@pytest.mark.parametrize("depth", [33, 900])
async def test_params_nested_too_deeply_are_refused_by_name(depth: int) -> None:
    deep: object = 1
    for _ in range(depth):
        deep = [deep]
    desk = _Desk({})
    reply = await desk.reply(params={"payload": deep})
    assert (reply["error"]["code"], reply["error"]["details"]["field"]) == (
        "request.invalid",
        "params",
    )
    assert desk.handled == desk.dispatcher.internal_errors == 0


async def test_a_locked_enclave_runs_only_what_shows_the_evidence() -> None:
    desk = _Desk({}, Lock("tampered"))
    reply = await desk.reply()
    assert reply["error"]["code"] == "attestation.failed"
    assert reply["error"]["details"] == {"reason": "tampered"}
    assert (await desk.reply(method="getStatus"))["result"] == {}
    assert desk.handled == 1


async def test_a_refusal_crosses_as_it_is() -> None:
    error = KMSError("quota.exceeded.lease", "words", retry_after_ms=5, details={"used": 3})
    reply = await _Desk(error).reply()
    assert reply["error"] == {
        "code": "quota.exceeded.lease",
        "message": "words",
        "retryAfterMs": 5,
        "details": {"used": 3},
    }


async def test_a_field_that_a_handler_refuses_is_an_invalid_request() -> None:
    reply = await _Desk(FieldError("subs[0].eid", "stands twice")).reply()
    assert reply["error"]["code"] == "request.invalid"
    assert reply["error"]["details"] == {"field": "subs[0].eid", "reason": "stands twice"}


@pytest.mark.parametrize("failure", ["blocked", "unavailable", "full", "evicted", "newer"])
async def test_a_storage_failure_crosses_by_name(failure: str) -> None:
    reply = await _Desk(StorageError(failure, "")).reply()
    assert reply["error"]["code"] == f"storage.{failure}"
    assert reply["error"]["message"]


async def test_a_result_that_json_cannot_say_is_answered_as_an_error() -> None:
    reply = await _Desk({"x": float("inf")}).reply()
    assert (reply["id"], reply["error"]["code"]) == (7, "internal")


@pytest.mark.parametrize("text", ["", "passphrase: correct horse"])
async def test_an_unexpected_error_crosses_without_its_text_and_is_counted(text: str) -> None:
    error = RuntimeError(text)
    desk = _Desk(error)
    reply = await desk.reply()
    assert reply["error"] == {
        "code": "internal",
        "message": "Unexpected error",
        "retryAfterMs": None,
        "details": {"correlationId": "correlation"},
    }
    assert desk.reported == [("correlation", error)]
    assert desk.dispatcher.internal_errors == 1


async def test_what_is_reported_of_an_unexpected_error_is_its_type(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    worker = await world.ready()
    world.crypto.failing["mac"] = RuntimeError("correct horse battery")
    reply = await worker.request(
        {
            "method": "resetKMS",
            "params": {"credentials": {"method": "passphrase", "passphrase": "any passphrase"}},
            "origin": APP,
        }
    )
    assert reply["error"]["code"] == "internal"
    assert "RuntimeError" in caplog.text
    assert reply["error"]["details"]["correlationId"] in caplog.text
    assert "horse" not in caplog.text


async def test_every_method_of_the_table_has_a_handler(world: World) -> None:
    worker = await world.worker()
    for name in METHODS:
        reply = await worker.request({"method": name, "params": {"?": 1}, "origin": APP})
        assert reply["error"]["code"] == "request.invalid", f"{name} has no handler"
    reply = await worker.request({"method": "?", "params": {}, "origin": APP})
    assert reply["error"]["code"] == "method.unknown"


async def test_a_configuration_that_is_not_valid_refuses_every_request(world: World) -> None:
    worker = await world.worker(config={"parentOrigins": []})
    assert worker.start["error"]["code"] == "internal"
    assert "parentOrigins" in worker.start["error"]["message"]
    reply = await worker.request({"method": "getStatus", "params": {}, "origin": APP})
    assert reply["error"] == worker.start["error"]
