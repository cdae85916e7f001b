"""What a handler is given: no more than its row of the method table allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from enclave import APP, CREDENTIALS, Worker, World
from kms_enclave.context import Context
from kms_enclave.log.journal import Journal
from kms_enclave.ports.storage import Address, Put, Record
from kms_enclave.rpc.access import (
    ByUser,
    ByUserOperation,
    ByUserOrLease,
    FirstUse,
    GivesUp,
    Reads,
    UnderLease,
)
from kms_enclave.rpc.grants import Operation, ReadOnlyStorage, Step
from kms_enclave.rpc.method import Access, Enclave, Severity
from kms_enclave.rpc.methods import METHODS
from kms_enclave.unlock.session import Session

POWERS = (
    "context", "storage", "journal", "crypto", "prompt", "unit", "session", "secret", "audit_key",
    "signer", "opened", "ledger", "issuer", "events", "locks", "lock", "commit", "enclave",
)  # fmt: skip
WRONG = {**CREDENTIALS, "passphrase": "not the passphrase"}


async def with_access(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, access: Access
) -> Worker:
    """Start an enclave in which a method has another access, and with it another handler."""
    await world.ready()
    table = {**METHODS, name: attrs.evolve(METHODS[name], access=access)}
    monkeypatch.setattr("kms_enclave.app.METHODS", table)
    return await world.worker()


async def called(worker: Worker, method: str, **params: object) -> dict[str, Any]:
    return await worker.request({"method": method, "params": params, "origin": APP})


def reachable(given: object) -> list[object]:
    """Return what public attributes lead to, from ``given`` on, each object once."""
    found: list[object] = []
    waiting = [given]
    while waiting:
        each = waiting.pop()
        if any(each is known for known in found):
            continue
        found.append(each)
        if isinstance(each, Mapping):
            waiting += each.values()
        elif type(each).__module__.startswith("kms_enclave"):
            names = [name for name in dir(each) if not name.startswith("_")]
            waiting += [getattr(each, name) for name in names]
    return found


async def test_a_plan_has_nothing_to_act_with_before_the_user_authenticates(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[list[str]] = []
    acted: list[Session] = []

    def hostile(view: Any, _: object) -> Step:
        held.append([name for name in POWERS if hasattr(view, name)])

        async def run(session: Session) -> Mapping[str, object]:
            acted.append(session)
            return {"kid": "", "publicKey": ""}

        return Step("Do no harm", run)

    worker = await with_access(world, monkeypatch, "generateVAPID", ByUser(hostile))
    before = len(await worker.log())
    reply = await called(worker, "generateVAPID", credentials=WRONG)
    assert (reply["error"]["code"], acted) == ("unlock.denied", [])
    assert [entry["op"] for entry in (await worker.log())[before:]] == ["unlock.denied"]
    assert "result" in await called(worker, "generateVAPID", credentials=CREDENTIALS)
    assert held == [[], []]
    assert [session.origin for session in acted] == [APP]


async def test_an_operation_is_not_run_before_the_user_authenticates(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[list[str]] = []
    acted: list[object] = []

    async def verify(reader: Any) -> None:
        held.append([name for name in POWERS if hasattr(reader, name)])

    def hostile(view: Any, _: object) -> Operation:
        async def run(operation: object) -> Mapping[str, object]:
            acted.append(operation)
            return {"success": True}

        held.append([name for name in POWERS if hasattr(view, name)])
        return Operation("Do no harm", run, verify)

    access = ByUserOperation(hostile)
    worker = await with_access(world, monkeypatch, "changePassphrase", access)
    reply = await called(worker, "changePassphrase", credentials=WRONG)
    assert (reply["error"]["code"], acted) == ("unlock.denied", [])
    assert "result" in await called(worker, "changePassphrase", credentials=CREDENTIALS)
    assert len(acted) == 1
    # Of the reader, the storage that refuses to write.
    assert held == [[], ["storage"]] * 2


async def test_what_only_reads_is_given_storage_that_refuses_to_write(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    async def hostile(reader: Any, _: object) -> Mapping[str, object]:
        for write in (
            reader.storage.commit(
                expectations=[], puts=[Put(Address("meta", "x"), Record(1, "{}"))]
            ),
            reader.storage.replace_all(expectations=[], puts=[]),
        ):
            try:
                await write
            except PermissionError as error:
                refused.append(str(error))
        return {}

    worker = await with_access(world, monkeypatch, "isSetup", Reads(hostile))
    before = world.storage.commits
    await called(worker, "isSetup")
    assert refused == ["this method only reads"] * 2
    assert world.storage.commits == before


def _kinds(handler: Any, plan: Any) -> list[tuple[str, Access, Mapping[str, object]]]:
    return [
        ("isSetup", Reads(handler), {}),
        ("revokeAllLeases", GivesUp(handler), {}),
        ("getQuota", UnderLease(handler), {"leaseId": "lease-x"}),
        ("setup", FirstUse(handler), {}),
        ("generateVAPID", ByUser(plan), {}),
        ("removePushSubscription", ByUserOrLease(plan, handler), {}),
        ("removePushSubscription", ByUserOrLease(plan, handler), {"leaseId": "lease-x"}),
        ("changePassphrase", ByUserOperation(plan), {}),
    ]


@pytest.mark.parametrize("number", range(len(_kinds(None, None))))
async def test_nothing_that_a_handler_is_given_leads_to_the_context_or_a_port_that_writes(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    given: list[object] = []

    async def handler(grant: object, _: object) -> Mapping[str, object]:
        given.append(grant)
        return {}

    def plan(view: object, _: object) -> Step:
        given.append(view)
        raise RuntimeError("seen enough")

    name, access, params = _kinds(handler, plan)[number]
    worker = await with_access(world, monkeypatch, name, access)
    await called(worker, name, **params)
    (grant,) = given
    for each in reachable(grant):
        assert not isinstance(each, Context | Enclave | Journal | Session)
        assert each is not world.crypto
        assert isinstance(each, ReadOnlyStorage) or not hasattr(each, "replace_all")


def test_only_what_reads_has_no_entry() -> None:
    for name, method in METHODS.items():
        if isinstance(method.access, Reads):
            assert method.severity is Severity.NONE, name
