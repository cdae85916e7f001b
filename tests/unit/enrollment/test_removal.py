"""removeEnrollment against whoever wants to lock the user out: refused, throttled, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from enclave import CREDENTIALS, PASSPHRASE, Refusal, Worker, World
from kms_enclave.encoding import format_base64url
from kms_enclave.unlock.record import in_words
from user import METHODS, User, add, set_up_with, sign

PASSPHRASE_ID = "enrollment:passphrase:v2"
WRONG = {**CREDENTIALS, "passphrase": "wrong horse battery"}


async def refused(worker: Worker, enrollment_id: str, **params: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.call("removeEnrollment", enrollmentId=enrollment_id, **params)
    return caught.value


async def enrolled(worker: Worker) -> list[str]:
    found: list[str] = (await worker.call("getEnrollments"))["enrollments"]
    return found


@pytest.mark.parametrize(
    "made_up",
    [
        "enrollment:passphrase:v2:2",
        "enrollment:passphrase:v1",
        "enrollment:passkey-prf:v2:1",
        "enrollment:passkey-prf:v2:9",
        "enrollment:passkey-prf:v2\n",
        "instance",
        "nothing at all. Press Continue",
        "../enrollments",
        "__proto__",
    ],
)
async def test_an_id_that_no_enrollment_can_have_is_not_shown_to_the_user(
    world: World, made_up: str
) -> None:
    worker = await world.ready()
    refusal = await refused(worker, made_up)
    assert (refusal.code, refusal.details["enrollmentId"]) == ("enrollment.not.found", made_up)
    assert not worker.asked


async def test_an_id_that_is_not_enrolled_is_not_found(world: World) -> None:
    worker = await world.ready()
    before = await world.memory.scan("enrollments", after=None, limit=99)
    refusal = await refused(worker, "enrollment:passkey-gate:v2", credentials=CREDENTIALS)
    assert refusal.code == "enrollment.not.found"
    assert await world.memory.scan("enrollments", after=None, limit=99) == before


@pytest.mark.parametrize("method", METHODS)
async def test_the_last_enrollment_stays(world: World, method: str) -> None:
    worker = await world.worker()
    secret = await set_up_with(worker, method)
    (name,) = await enrolled(worker)
    worker.user = User(uses=secret)
    assert (await refused(worker, name)).code == "enrollment.last"
    assert await enrolled(worker) == [name]
    await sign(worker, uses=secret, jti="still")


async def test_a_refused_removal_writes_no_entry(world: World) -> None:
    worker = await world.ready()
    before = len(await worker.log())
    await refused(worker, PASSPHRASE_ID, credentials=CREDENTIALS)
    assert len(await worker.log()) == before


async def test_wrong_credentials_remove_nothing(world: World) -> None:
    worker = await world.ready()
    name, passkey = await add(worker, "passkey-prf", uses=PASSPHRASE)
    assert (await refused(worker, name, credentials=WRONG)).code == "unlock.denied"
    await sign(worker, uses=passkey, jti="still")


@pytest.mark.parametrize("tabs", [1, 2])
async def test_a_thousand_removals_at_once_by_guessing_lose_nothing(
    world: World, tabs: int
) -> None:
    workers = [await world.ready(), *[await world.worker() for _ in range(tabs - 1)]]
    name, passkey = await add(workers[0], "passkey-prf", uses=PASSPHRASE)
    before = world.crypto.stretchings
    refusals = await asyncio.gather(
        *(
            refused(
                workers[number % tabs],
                (name, PASSPHRASE_ID, "enrollment:passkey-gate:v2", "made up")[number % 4],
                credentials=WRONG,
            )
            for number in range(1000)
        )
    )
    codes = [refusal.code for refusal in refusals]
    assert set(codes) == {"unlock.denied", "unlock.throttled", "enrollment.not.found"}
    assert codes.count("unlock.denied") == 5
    assert codes.count("enrollment.not.found") == 250
    assert world.crypto.stretchings - before == 5
    assert await enrolled(workers[0]) == sorted([name, PASSPHRASE_ID])
    await sign(workers[0], uses=passkey, jti="the dialog is not throttled")
    await sign(workers[-1], uses=PASSPHRASE, jti="nor for the passphrase")


@pytest.mark.parametrize("tabs", [1, 2])
async def test_of_two_that_remove_each_other_at_the_same_time_one_stays(
    world: World, tabs: int
) -> None:
    workers = [await world.ready(), *[await world.worker() for _ in range(tabs - 1)]]
    name, _ = await add(workers[0], "passkey-prf", uses=PASSPHRASE)
    results = await asyncio.gather(
        *(
            workers[number % tabs].call(
                "removeEnrollment", enrollmentId=target, credentials=CREDENTIALS
            )
            for number, target in enumerate((name, PASSPHRASE_ID))
        ),
        return_exceptions=True,
    )
    assert len(await enrolled(workers[0])) == 1
    assert sum(isinstance(result, Refusal) for result in results) == 1


async def test_a_pages_passkey_is_not_the_one_that_remains(world: World) -> None:
    worker = await world.ready()
    output = format_base64url(bytes(32))
    await worker.call(
        "addEnrollment",
        method="passkey-prf",
        credentials=CREDENTIALS,
        newCredentials={"credentialId": "AAAA", "prfOutput": output, "rpId": "app.example"},
    )
    by_page = {"method": "passkey-prf", "prfOutput": output}
    assert (await refused(worker, PASSPHRASE_ID, credentials=by_page)).code == "enrollment.last"


@pytest.mark.parametrize(
    ("field", "new"),
    [
        ("method", "telepathy"),
        ("encryptedMs", "AAAA"),
        ("msIv", ""),
        ("passkey.credentialId", "!"),
        ("passkey.credentialId", ""),
        ("passkey.credentialId", "A" * 1368),
        ("passkey.kekSalt", "AAAA"),
        ("passkey.appSalt", "A" * 300),
    ],
)
async def test_a_damaged_enrollment_is_not_the_one_that_remains(
    world: World, field: str, new: str
) -> None:
    worker = await world.ready()
    name, _ = await add(worker, "passkey-prf", uses=PASSPHRASE)
    outer, _, inner = field.partition(".")
    passkey = (await world.value("enrollments", name))["passkey"]
    await world.tamper("enrollments", name, **{outer: {**passkey, inner: new} if inner else new})
    assert (await refused(worker, PASSPHRASE_ID, credentials=CREDENTIALS)).code == "enrollment.last"


@pytest.mark.parametrize("change", [{"iterations": 1}, {"salt": "AAAA"}, {"kcv": "!"}])
async def test_a_damaged_passphrase_is_not_the_one_that_remains(
    world: World, change: Mapping[str, object]
) -> None:
    worker = await world.ready()
    name, passkey = await add(worker, "passkey-prf", uses=PASSPHRASE)
    kdf = (await world.value("enrollments", PASSPHRASE_ID))["kdf"]
    await world.tamper("enrollments", PASSPHRASE_ID, kdf={**kdf, **change})
    worker.user = User(uses=passkey)
    assert (await refused(worker, name)).code == "enrollment.last"


async def test_a_damaged_enrollment_can_be_removed(world: World) -> None:
    worker = await world.ready()
    name, passkey = await add(worker, "passkey-prf", uses=PASSPHRASE)
    await world.tamper("enrollments", PASSPHRASE_ID, encryptedMs="AAAA", kdf=None)
    worker.user = User(uses=passkey)
    await worker.call("removeEnrollment", enrollmentId=PASSPHRASE_ID)
    assert await enrolled(worker) == [name]
    _, passphrase = await add(worker, "passphrase", uses=passkey)
    await sign(worker, uses=passphrase, jti="enrolled anew")


async def test_the_user_is_told_what_goes(world: World) -> None:
    worker = await world.ready()
    name, _ = await add(worker, "passkey-prf", uses=PASSPHRASE)
    worker.user = User(uses=PASSPHRASE)
    await worker.call("removeEnrollment", enrollmentId=name)
    assert worker.asked[-2]["operation"] == f"Remove a way to unlock: {in_words(name)}"
    assert (await worker.log())[-1]["details"]["enrollmentId"] == name
