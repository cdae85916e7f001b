"""A passkey that was made and is not enrolled: the browser is told to forget it, and no other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from authenticator import Authenticator
from doubles import CrashError
from enclave import CREDENTIALS, PASSPHRASE, Refusal, Worker, World
from forging import b64
from kms_enclave.ports.storage import StorageError
from user import User

NAMES = {"name": "Ann", "userId": "user-1"}
Asked = Mapping[str, Any]
Answer = Callable[[Asked], Mapping[str, Any]]
SETUPS = [("setupPasskeyPRF", NAMES), ("setupPasskeyGate", NAMES), ("setup", {})]


def declining(user: User, declined: str) -> Answer:
    def answer(ask: Asked) -> Mapping[str, Any]:
        return {"refused": {"code": "unlock.cancelled"}} if ask["ask"] == declined else user(ask)

    return answer


@pytest.mark.parametrize(
    ("case", "config", "passkey", "declined"),
    [
        ("the gate is declined", {}, Authenticator(prf=False), "confirm"),
        ("no gates here", {"allowGate": False}, Authenticator(prf=False), ""),
        ("does not verify", {}, Authenticator(flags=0x01), ""),
        ("not used", {}, Authenticator(prf_at_creation=False), "authenticate"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_passkey_that_is_not_enrolled_is_forgotten(
    world: World, case: str, config: Mapping[str, object], passkey: Authenticator, declined: str
) -> None:
    worker = await world.worker(config=config)
    worker.user = declining(User(uses=passkey, makes=passkey), declined)
    reply = await worker.request({"method": "setupPasskeyPRF", "params": NAMES, "origin": "o"})
    assert reply["error"]["code"] in ("unlock.cancelled", "unsupported", "unlock.denied"), case
    (discarded,) = worker.discarded
    assert discarded["rpId"] == "kms.example"
    assert not (await worker.call("isSetup"))["isSetup"]


async def test_one_that_is_enrolled_is_not(world: World) -> None:
    worker = await world.ready()
    for passkey in (Authenticator(), Authenticator(prf=False)):
        worker.user = User(uses=PASSPHRASE, makes=passkey)
        await worker.call("addEnrollment", method="passkey-prf")
    assert not worker.discarded


async def code_of(worker: Worker, method: str, /, **params: object) -> str:
    with pytest.raises(Refusal) as caught:
        await worker.call(method, **params)
    return caught.value.code


def leaving_open(worker: Worker, user: User | None = None) -> asyncio.Future[Asked]:
    """Have the user leave the making of a passkey open; return the question, to be awaited."""
    opened: asyncio.Future[Asked] = asyncio.get_running_loop().create_future()

    def answer(ask: Asked) -> Mapping[str, Any] | None:
        if user is not None and "registration" not in ask:
            return user(ask)
        opened.set_result(ask)
        return None

    worker.user = answer
    return opened


def make(worker: Worker, question: Asked, passkey: Authenticator) -> None:
    answer = User(makes=passkey)(question)
    worker.receive(json.dumps({"id": question["id"], **answer}))


def is_of(worker: Worker, passkey: Authenticator) -> bool:
    """Whether what was discarded is the one passkey of this authenticator."""
    (made,) = passkey.keys
    return worker.discarded == [{"rpId": "kms.example", "credentialId": b64(made)}]


@pytest.mark.parametrize(("method", "params"), SETUPS)
async def test_one_whose_setup_comes_second_is_forgotten(
    world: World, method: str, params: Mapping[str, str]
) -> None:
    worker, other, passkey = await world.worker(), await world.worker(), Authenticator()
    opened = leaving_open(worker)
    calling = asyncio.ensure_future(code_of(worker, method, **params))
    question = await opened
    await other.set_up()
    make(worker, question, passkey)
    assert await calling == "enrollment.exists"
    assert is_of(worker, passkey)


@pytest.mark.parametrize(("method", "params"), SETUPS)
async def test_one_whose_setup_cannot_be_stored_is_forgotten(
    world: World, method: str, params: Mapping[str, str]
) -> None:
    worker, passkey = await world.worker(), Authenticator()
    worker.user = User(makes=passkey)
    world.storage.before_commit = failing(StorageError("full", "no room"))
    assert await code_of(worker, method, **params) == "storage.full"
    assert is_of(worker, passkey)


def failing(error: Exception) -> Any:
    def fail(_: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("method", ["passkey-prf", "passkey-gate"])
async def test_one_whose_addition_cannot_be_stored_is_forgotten(world: World, method: str) -> None:
    worker, passkey = await world.ready(), Authenticator()
    worker.user = User(uses=PASSPHRASE, makes=passkey)
    world.storage.before_commit = failing(StorageError("full", "no room"))
    assert await code_of(worker, "addEnrollment", method=method) == "storage.full"
    assert is_of(worker, passkey)


async def test_one_is_forgotten_whose_user_unlocked_with_what_was_removed_meanwhile(
    world: World,
) -> None:
    worker, other, passkey = await world.ready(), await world.worker(), Authenticator()
    opened = leaving_open(worker, User(uses=PASSPHRASE))
    calling = asyncio.ensure_future(code_of(worker, "addEnrollment", method="passkey-prf"))
    question = await opened
    other.user = User(uses=PASSPHRASE, makes="another horse battery")
    await other.call("changePassphrase")
    make(worker, question, passkey)
    assert await calling == "unlock.denied"
    assert is_of(worker, passkey)


@pytest.mark.parametrize("failing_at", ["generate_wrapping_key", "generate_master_secret"])
async def test_one_whose_key_cannot_be_made_is_forgotten(world: World, failing_at: str) -> None:
    worker, passkey = await world.worker(), Authenticator()
    worker.user = User(makes=passkey)
    world.crypto.failing[failing_at] = RuntimeError("")
    assert await code_of(worker, "setupPasskeyGate", **NAMES) == "internal"
    assert is_of(worker, passkey)


async def test_one_that_is_stored_is_kept_even_if_the_commit_seems_to_have_failed(
    world: World,
) -> None:
    worker, passkey = await world.worker(), Authenticator()
    worker.user = User(makes=passkey)
    world.storage.after_commit = failing(CrashError())
    assert await code_of(worker, "setupPasskeyPRF", **NAMES) == "internal"
    assert (await worker.call("isSetup"))["isSetup"]
    assert not worker.discarded


async def test_one_is_kept_where_storage_cannot_be_asked(world: World) -> None:
    worker, passkey = await world.worker(), Authenticator()
    worker.user = User(makes=passkey)

    def fail(_: object) -> None:
        world.storage.failure = StorageError("unavailable", "gone")
        raise world.storage.failure

    world.storage.before_commit = fail
    assert await code_of(worker, "setupPasskeyPRF", **NAMES) == "storage.unavailable"
    assert not worker.discarded


async def test_a_pages_own_passkey_is_the_pages_to_forget(world: World) -> None:
    worker = await world.ready()
    given = {"credentialId": b64(bytes(16)), "prfOutput": b64(bytes(32)), "rpId": "app.example"}
    world.storage.before_commit = failing(StorageError("full", "no room"))
    params = {"method": "passkey-prf", "newCredentials": given, "credentials": CREDENTIALS}
    assert await code_of(worker, "addEnrollment", **params) == "storage.full"
    assert not worker.discarded


async def test_a_setup_that_waited_for_another_asks_the_user_nothing(world: World) -> None:
    worker = await world.worker()
    worker.user = User(makes=PASSPHRASE)
    setups = [("setupPassphrase", {}), *SETUPS]
    codes = await asyncio.gather(
        *(worker.request({"method": m, "params": p, "origin": "o"}) for m, p in setups)
    )
    refused = [reply.get("error", {}).get("code") for reply in codes]
    assert refused == [None, *["enrollment.exists"] * 3]
    assert [ask["ask"] for ask in worker.asked] == ["choosePassphrase", "introduce", "close"]
