"""The first enrollment: once, whole, and never in the place of another."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from doubles import CrashError
from enclave import APP, PASSPHRASE, Refusal, Worker, World
from kms_enclave.ports.storage import StorageError

_ENROLLMENT = "enrollment:passphrase:v2"


async def _refused(worker: Worker, **params: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.call("setupPassphrase", **params)
    return caught.value


async def test_a_setup_makes_enrollment_key_and_entry_in_one_commit(world: World) -> None:
    worker = await world.worker()
    before = world.storage.commits
    made = await worker.set_up()
    assert world.storage.commits == before + 1
    assert made["success"] is True
    assert made["enrollmentId"] == _ENROLLMENT
    assert await worker.call("isSetup") == {"isSetup": True, "methods": ["passphrase"]}
    entry = (await worker.log())[-1]
    assert (entry["op"], entry["signer"], entry["origin"]) == ("setup", "UAK", APP)
    assert entry["kid"] == made["vapidKid"]
    assert entry["details"]["vapidPublicKey"] == made["vapidPublicKey"]
    assert entry["details"]["via"] == "page"


async def test_a_passphrase_that_no_keyboard_gives_is_refused(world: World) -> None:
    worker = await world.worker()
    refusal = await _refused(worker, passphrase="\0" * 8)
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", "passphrase")
    assert await worker.call("isSetup") == {"isSetup": False, "methods": []}


async def test_to_unlock_it_is_a_passphrase_like_any_other(world: World) -> None:
    worker = await world.ready()
    with pytest.raises(Refusal) as caught:
        await worker.create_lease(credentials={"method": "passphrase", "passphrase": "\0" * 8})
    assert caught.value.code == "unlock.denied"


async def test_turning_away_from_the_recognition_does_not_undo_a_setup(world: World) -> None:
    worker = await world.worker()
    worker.user = lambda ask: {"answer": {"passphrase": PASSPHRASE}}
    worker.introduced = {"refused": {"code": "unlock.cancelled"}}
    assert (await worker.call("setupPassphrase"))["success"] is True
    assert [ask["ask"] for ask in worker.asked] == ["choosePassphrase", "introduce"]


@pytest.mark.parametrize("passphrase", ["", "1234567", "x" * 1025])
async def test_a_passphrase_of_a_wrong_length_sets_nothing_up(
    world: World, passphrase: str
) -> None:
    worker = await world.worker()
    before = world.storage.commits
    refusal = await _refused(worker, passphrase=passphrase)
    assert refusal.code == "request.invalid"
    assert refusal.details["field"] == "passphrase"
    assert world.storage.commits == before
    assert not (await worker.call("isSetup"))["isSetup"]


async def test_a_page_that_may_not_give_credentials_is_refused(world: World) -> None:
    worker = await world.worker(config={"allowPageCredentials": False})
    refusal = await _refused(worker, passphrase=PASSPHRASE)
    assert refusal.code == "request.invalid"
    assert not worker.asked


async def test_without_a_passphrase_the_user_chooses_one_in_the_enclaves_dialog(
    world: World,
) -> None:
    worker = await world.worker(config={"allowPageCredentials": False})
    worker.user = lambda ask: {"answer": {"passphrase": PASSPHRASE}}
    await worker.call("setupPassphrase")
    assert worker.asked[-1]["ask"] == "close"
    assert (await worker.log())[-1]["details"]["via"] == "enclave"


async def test_a_second_setup_is_refused_and_replaces_nothing(world: World) -> None:
    worker = await world.ready()
    enrollment = await world.record("enrollments", _ENROLLMENT)
    public = await worker.call("getPublicKey")
    refusal = await _refused(worker, passphrase="another passphrase")
    assert refusal.code == "enrollment.exists"
    assert await world.record("enrollments", _ENROLLMENT) == enrollment
    assert await worker.call("getPublicKey") == public
    assert await worker.create_lease()


async def test_a_weak_passphrase_is_called_so_where_the_enclave_is_set_up_already(
    world: World,
) -> None:
    worker = await world.ready()
    refusal = await _refused(worker, passphrase="weak")
    assert refusal.code == "request.invalid"
    assert refusal.message == "Passphrase must be at least 8 characters"


@pytest.mark.parametrize("tabs", [1, 2])
async def test_of_setups_at_the_same_time_exactly_one_wins(world: World, tabs: int) -> None:
    workers = [await world.worker() for _ in range(tabs)]
    passphrases = [f"passphrase {number}" for number in range(4)]
    results = await asyncio.gather(
        *(
            workers[number % tabs].call("setupPassphrase", passphrase=passphrase)
            for number, passphrase in enumerate(passphrases)
        ),
        return_exceptions=True,
    )
    won = [number for number, result in enumerate(results) if isinstance(result, dict)]
    codes = {result.code for result in results if isinstance(result, Refusal)}
    assert (len(won), codes) == (1, {"enrollment.exists"})
    credentials = {"method": "passphrase", "passphrase": passphrases[won[0]]}
    assert await workers[0].create_lease(credentials=credentials)
    assert [entry["op"] for entry in await workers[0].log()].count("setup") == 1
    assert await world.memory.count("keys") == 1


@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
async def test_a_crash_leaves_a_whole_setup_or_none(world: World, moment: str) -> None:
    worker = await world.worker()

    def crash(_: object) -> None:
        raise CrashError

    setattr(world.storage, moment, crash)
    await _refused(worker, passphrase=PASSPHRASE)
    setattr(world.storage, moment, None)
    again = await world.worker()
    assert again.start["type"] == "kms:ready"
    is_setup = (await again.call("isSetup"))["isSetup"]
    assert is_setup == (moment == "after_commit")
    if not is_setup:
        await again.set_up()
    assert await again.create_lease()
    assert (await again.call("verifyAuditChain"))["valid"]


@pytest.mark.parametrize("failure", ["full", "unavailable", "evicted"])
async def test_a_storage_failure_is_named_and_sets_nothing_up(world: World, failure: str) -> None:
    worker = await world.worker()

    def fail(_: object) -> None:
        raise StorageError(failure, "")

    world.storage.before_commit = fail
    assert (await _refused(worker, passphrase=PASSPHRASE)).code == f"storage.{failure}"
    world.storage.before_commit = None
    assert not (await worker.call("isSetup"))["isSetup"]
    assert await worker.set_up()


async def test_no_record_holds_the_passphrase_or_a_handle_that_opens_without_it(
    world: World,
) -> None:
    await world.ready()
    record = await world.record("enrollments", _ENROLLMENT)
    assert PASSPHRASE not in record.value
    assert not record.handles
