"""Unlocking: a wrong passphrase is denied and logged, damaged data is called damaged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from enclave import APP, CREDENTIALS, PASSPHRASE, Refusal, Worker, World
from forging import b64

_ENROLLMENT = "enrollment:passphrase:v2"
_WRONG = {**CREDENTIALS, "passphrase": "wrong horse battery"}


async def _refused(worker: Worker, **changes: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.create_lease(**changes)
    return caught.value


async def test_a_wrong_passphrase_is_denied_and_logged(world: World) -> None:
    worker = await world.ready()
    assert (await _refused(worker, credentials=_WRONG)).code == "unlock.denied"
    entry = (await worker.log())[-1]
    assert (entry["op"], entry["signer"], entry["origin"]) == ("unlock.denied", "KIAK", APP)
    assert (entry["details"]["method"], entry["details"]["via"]) == ("passphrase", "page")
    assert await world.memory.count("leases") == 0


async def test_no_passphrase_is_stored_neither_the_right_one_nor_a_guess(world: World) -> None:
    worker = await world.ready()
    await worker.issue(await worker.create_lease())
    await _refused(worker, credentials=_WRONG)
    with pytest.raises(Refusal):
        await worker.call("resetKMS", credentials=_WRONG)
    stored = str(await world.records())
    assert PASSPHRASE not in stored
    assert _WRONG["passphrase"] not in stored


async def test_the_same_words_in_another_composition_unlock(world: World) -> None:
    worker = await world.worker()
    await worker.call("setupPassphrase", passphrase="pässwörter")
    credentials = {**CREDENTIALS, "passphrase": "pa\u0308sswo\u0308rter"}
    assert await worker.create_lease(credentials=credentials)


@pytest.mark.parametrize("passphrase", ["", "1234567", "x" * 1025])
async def test_a_passphrase_that_no_enrollment_can_have_is_wrong_and_no_attempt(
    world: World, passphrase: str
) -> None:
    worker = await world.ready()
    before, stretchings = world.storage.commits, world.crypto.stretchings
    refusal = await _refused(worker, credentials={**CREDENTIALS, "passphrase": passphrase})
    assert (refusal.code, refusal.message) == ("unlock.denied", "Invalid passphrase")
    assert (world.storage.commits, world.crypto.stretchings) == (before, stretchings)


async def test_nothing_unlocks_before_a_setup(world: World) -> None:
    worker = await world.worker()
    assert (await _refused(worker)).code == "setup.required"


async def test_a_page_that_may_not_give_credentials_is_refused(world: World) -> None:
    await world.ready()
    worker = await world.worker(config={"allowPageCredentials": False})
    refusal = await _refused(worker)
    assert refusal.code == "request.invalid"
    assert refusal.details["field"] == "credentials"


def _flip(text: str) -> str:
    return ("B" if text[0] != "B" else "C") + text[1:]


async def test_each_damaged_part_of_the_secret_is_called_damaged(world: World) -> None:
    worker = await world.ready()
    intact = await world.record("enrollments", _ENROLLMENT)
    value = await world.value("enrollments", _ENROLLMENT)
    for changes in (
        {"encryptedMs": _flip(value["encryptedMs"])},
        {"encryptedMs": value["encryptedMs"][:-4]},
        {"encryptedMs": "not base64url!"},
        {"msIv": _flip(value["msIv"])},
        {"msIv": b64(bytes(11))},
        {"kdf": {**value["kdf"], "salt": b64(bytes(8))}},
        {"kdf": {**value["kdf"], "kcv": b64(bytes(8))}},
        {"kdf": {**value["kdf"], "iterations": 1000}},
        {"kdf": {**value["kdf"], "more": 1}},
        {"method": "passkey"},
        {"createdAt": None},
    ):
        await world.tamper("enrollments", _ENROLLMENT, **changes)
        refusal = await _refused(worker)
        assert refusal.code == "enrollment.damaged", changes
        assert refusal.details["enrollmentId"] == _ENROLLMENT
        await world.put("enrollments", _ENROLLMENT, intact)
    assert await worker.create_lease()


@pytest.mark.parametrize("name", ["salt", "kcv"])
async def test_a_check_value_that_does_not_fit_is_a_wrong_passphrase(
    world: World, name: str
) -> None:
    # Bytes of the right length cannot be told from another passphrase's.
    worker = await world.ready()
    kdf = (await world.value("enrollments", _ENROLLMENT))["kdf"]
    await world.tamper("enrollments", _ENROLLMENT, kdf={**kdf, name: _flip(kdf[name])})
    assert (await _refused(worker)).code == "unlock.denied"


async def test_an_enrollment_of_another_instance_is_damaged_here(world: World) -> None:
    worker = await world.ready()
    elsewhere = World()
    await elsewhere.ready()
    await world.put("enrollments", _ENROLLMENT, await elsewhere.record("enrollments", _ENROLLMENT))
    assert (await _refused(worker)).code == "enrollment.damaged"


async def test_a_secret_whose_audit_key_is_not_the_stored_one_is_damaged(world: World) -> None:
    worker = await world.ready()
    await world.tamper("meta", "instance", uakPublic=b64(bytes(32)))
    assert (await _refused(worker)).code == "enrollment.damaged"


async def test_an_enrollment_that_is_gone_is_not_found(world: World) -> None:
    worker = await world.ready()
    await world.delete("enrollments", _ENROLLMENT)
    assert (await _refused(worker)).code == "enrollment.not.found"


async def test_a_denial_after_a_reset_elsewhere_is_the_new_instances_entry(world: World) -> None:
    first = await world.ready()
    second = await world.worker()
    reset = False

    async def reset_once(_: object) -> None:
        nonlocal reset
        if not reset:
            reset = True
            await second.call("resetKMS", credentials=CREDENTIALS)

    world.storage.before_commit = reset_once
    assert (await _refused(first, credentials=_WRONG)).code == "unlock.denied"
    assert [entry["op"] for entry in await first.log()] == ["instance.start", "unlock.denied"]
    await first.set_up()
    assert (await first.call("verifyAuditChain"))["valid"]


async def test_who_answers_after_a_reset_elsewhere_is_told_so(world: World) -> None:
    first = await world.ready()
    second = await world.worker()
    later = "the next instance's passphrase"

    def reset_then_answer(ask: Mapping[str, Any]) -> None:
        async def answer() -> None:
            await second.call("resetKMS", credentials=CREDENTIALS)
            await second.call("setupPassphrase", passphrase=later)
            first.receive(json.dumps({"id": ask["id"], "answer": {"passphrase": later}}))

        answering.append(asyncio.ensure_future(answer()))

    answering: list[asyncio.Future[None]] = []
    first.user = reset_then_answer
    with pytest.raises(Refusal, match="reset meanwhile") as caught:
        await first.call("generateVAPID")
    assert caught.value.code == "unlock.denied"
    assert len(answering) == 1
