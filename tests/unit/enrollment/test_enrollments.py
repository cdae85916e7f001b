"""Adding, removing and changing ways to unlock: the same Master Secret throughout."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from authenticator import Authenticator
from doubles import CrashError, FaultyStorage
from enclave import CREDENTIALS, PASSPHRASE, Refusal, Worker, World
from kms_enclave.encoding import format_base64url
from user import METHODS, User, add, set_up_with, sign

PAIRS = [(first, second) for first in METHODS for second in METHODS]
ADDABLE = [pair for pair in PAIRS if pair != ("passphrase", "passphrase")]
PASSPHRASE_ID = "enrollment:passphrase:v2"


async def refused(worker: Worker, method: str, /, **params: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.call(method, **params)
    return caught.value


def once_with(removed: Authenticator) -> Any:
    """Return a user who answers with a passkey that is not offered, then gives up."""
    (credential_id,) = removed.keys
    option = {"credentialId": format_base64url(credential_id), "appSalt": "AAAA"}
    offered = {"challenge": "AAAA", "rpId": "kms.example"}

    def answer(ask: Mapping[str, Any]) -> Mapping[str, Any]:
        if ask["error"] is not None:
            return {"refused": {"code": "unlock.cancelled"}}
        ceremony = {**offered, **(ask["ceremony"] or {}), "passkeys": [option]}
        return {"answer": removed.authenticate(ceremony)}

    return answer


async def enrolled(worker: Worker) -> list[str]:
    found: list[str] = (await worker.call("getEnrollments"))["enrollments"]
    return found


@pytest.mark.parametrize(("first", "second"), ADDABLE)
async def test_both_methods_of_a_pair_unlock_the_same_master_secret(
    world: World, first: str, second: str
) -> None:
    worker = await world.worker()
    one = await set_up_with(worker, first)
    audit_key = (await world.value("meta", "instance"))["uakPublic"]
    _, other = await add(worker, second, uses=one)
    await sign(worker, uses=one, jti="with the first")
    await sign(worker, uses=other, jti="with the second")
    assert (await world.value("meta", "instance"))["uakPublic"] == audit_key
    assert (await worker.call("verifyAuditChain"))["valid"]


@pytest.mark.parametrize(("first", "second"), ADDABLE)
async def test_of_a_pair_the_one_that_remains_unlocks_and_the_removed_one_does_not(
    world: World, first: str, second: str
) -> None:
    worker = await world.worker()
    one = await set_up_with(worker, first)
    (first_id,) = await enrolled(worker)
    second_id, other = await add(worker, second, uses=one)
    worker.user = User(uses=other)
    await worker.call("removeEnrollment", enrollmentId=first_id)
    assert await enrolled(worker) == [second_id]
    await sign(worker, uses=other, jti="with the second")
    offered = next(ask for ask in reversed(worker.asked) if ask["ask"] == "authenticate")
    assert offered["methods"] == [second]
    if isinstance(one, Authenticator):
        worker.user = once_with(one)
        assert (await refused(worker, "generateVAPID")).code == "unlock.cancelled"
    else:
        credentials = {"method": "passphrase", "passphrase": one}
        gone = await refused(worker, "generateVAPID", credentials=credentials)
        assert gone.code == "enrollment.not.found"


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_a_second_setup_of_any_method_replaces_nothing(
    world: World, first: str, second: str
) -> None:
    worker = await world.worker()
    one = await set_up_with(worker, first)
    (name,) = await enrolled(worker)
    before = await world.record("enrollments", name)
    with pytest.raises(Refusal) as caught:
        await set_up_with(worker, second)
    assert caught.value.code == "enrollment.exists"
    assert await enrolled(worker) == [name]
    assert await world.record("enrollments", name) == before
    await sign(worker, uses=one, jti="still")


@pytest.mark.parametrize("first", METHODS)
async def test_the_wizard_is_refused_after_a_setup_without_asking(world: World, first: str) -> None:
    worker = await world.worker()
    await set_up_with(worker, first)
    asked = len(worker.asked)
    assert (await refused(worker, "setup")).code == "enrollment.exists"
    assert len(worker.asked) == asked


async def test_a_second_passphrase_is_refused_without_asking(world: World) -> None:
    worker = await world.ready()
    assert (await refused(worker, "addEnrollment", method="passphrase")).code == "enrollment.exists"
    assert not worker.asked


async def test_passkeys_of_a_kind_are_numbered_and_a_gap_is_filled(world: World) -> None:
    worker = await world.ready()
    for number in ("", ":2", ":3"):
        name, _ = await add(worker, "passkey-prf", uses=PASSPHRASE)
        assert name == f"enrollment:passkey-prf:v2{number}"
    await worker.call(
        "removeEnrollment", enrollmentId="enrollment:passkey-prf:v2:2", credentials=CREDENTIALS
    )
    name, passkey = await add(worker, "passkey-prf", uses=PASSPHRASE)
    assert name == "enrollment:passkey-prf:v2:2"
    await sign(worker, uses=passkey, jti="with the one in the gap")


async def test_a_ninth_passkey_of_a_kind_is_refused(world: World) -> None:
    worker = await world.ready()
    for _ in range(8):
        await add(worker, "passkey-gate", uses=PASSPHRASE)
    with pytest.raises(Refusal) as caught:
        await add(worker, "passkey-gate", uses=PASSPHRASE)
    assert caught.value.code == "enrollment.exists"
    await add(worker, "passkey-prf", uses=PASSPHRASE)


async def test_additions_at_the_same_time_in_two_tabs_are_both_kept(world: World) -> None:
    tabs = [await world.ready(), await world.worker()]
    made = await asyncio.gather(*(add(tab, "passkey-prf", uses=PASSPHRASE) for tab in tabs))
    assert {name for name, _ in made} == {
        "enrollment:passkey-prf:v2",
        "enrollment:passkey-prf:v2:2",
    }
    for number, (_, passkey) in enumerate(made):
        await sign(tabs[0], uses=passkey, jti=str(number))


async def test_a_changed_passphrase_unlocks_and_the_old_one_does_not(world: World) -> None:
    worker = await world.ready()
    await worker.call(
        "changePassphrase", credentials=CREDENTIALS, newPassphrase="another passphrase"
    )
    await sign(worker, uses="another passphrase", jti="new")
    assert (await refused(worker, "generateVAPID", credentials=CREDENTIALS)).code == "unlock.denied"
    assert await enrolled(worker) == [PASSPHRASE_ID]


async def test_the_user_changes_the_passphrase_in_the_enclaves_dialog(world: World) -> None:
    worker = await world.ready(config={"allowPageCredentials": True})
    worker.user = User(uses=PASSPHRASE, makes="typed in the dialog")
    await worker.call("changePassphrase")
    assert [ask["ask"] for ask in worker.asked] == ["authenticate", "choosePassphrase", "close"]
    await sign(worker, uses="typed in the dialog", jti="new")


async def test_a_passphrase_is_changed_by_a_passkey(world: World) -> None:
    worker = await world.ready()
    _, passkey = await add(worker, "passkey-prf", uses=PASSPHRASE)
    worker.user = User(uses=passkey, makes="changed by a passkey")
    await worker.call("changePassphrase")
    await sign(worker, uses="changed by a passkey", jti="new")
    await sign(worker, uses=passkey, jti="the passkey is what it was")


async def test_where_no_passphrase_is_enrolled_none_is_changed(world: World) -> None:
    worker = await world.worker()
    await set_up_with(worker, "passkey-prf")
    asked = len(worker.asked)
    assert (await refused(worker, "changePassphrase")).code == "enrollment.not.found"
    assert len(worker.asked) == asked


@pytest.mark.parametrize("passphrase", ["", "1234567", "x" * 1025, "correct\thorse"])
async def test_a_new_passphrase_of_a_wrong_form_is_refused_before_anybody_is_asked(
    world: World, passphrase: str
) -> None:
    worker = await world.ready()
    refusal = await refused(worker, "changePassphrase", newPassphrase=passphrase)
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", "newPassphrase")
    elsewhere = await World().worker()
    await set_up_with(elsewhere, "passkey-prf")
    asked = len(elsewhere.asked)
    given = {"method": "passphrase", "newCredentials": {"passphrase": passphrase}}
    refusal = await refused(elsewhere, "addEnrollment", **given)
    assert refusal.code == "request.invalid"
    assert refusal.details["field"] == "newCredentials.passphrase"
    assert (len(worker.asked), len(elsewhere.asked)) == (0, asked)


async def test_a_passphrase_too_short_is_asked_for_again_in_the_dialog(world: World) -> None:
    worker = await world.ready()
    worker.user = User(uses=PASSPHRASE, makes="short")
    assert (await refused(worker, "changePassphrase")).code == "unlock.cancelled"
    assert worker.asked[-1]["error"]["code"] == "request.invalid"
    await sign(worker, uses=PASSPHRASE, jti="unchanged")


async def test_wrong_credentials_add_and_change_nothing(world: World) -> None:
    worker = await world.ready()
    wrong = {**CREDENTIALS, "passphrase": "wrong horse battery"}
    page_passkey = {
        "credentialId": "AAAA",
        "prfOutput": format_base64url(bytes(32)),
        "rpId": "app.example",
    }
    before = await world.record("enrollments", PASSPHRASE_ID)
    for method, params in (
        ("addEnrollment", {"method": "passkey-prf", "newCredentials": page_passkey}),
        ("changePassphrase", {"newPassphrase": "another passphrase"}),
    ):
        assert (await refused(worker, method, credentials=wrong, **params)).code == "unlock.denied"
    assert await enrolled(worker) == [PASSPHRASE_ID]
    assert await world.record("enrollments", PASSPHRASE_ID) == before


async def test_a_user_who_cancels_the_new_passkey_has_changed_nothing(world: World) -> None:
    worker = await world.ready()
    user = User(uses=PASSPHRASE)
    worker.user = lambda ask: (
        user(ask) if ask["ask"] == "authenticate" else {"refused": {"code": "unlock.cancelled"}}
    )
    assert (await refused(worker, "addEnrollment", method="passkey-prf")).code == "unlock.cancelled"
    assert await enrolled(worker) == [PASSPHRASE_ID]
    assert worker.asked[-1]["ask"] != "close", "the frame closed it when the user refused"


@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
@pytest.mark.parametrize("change", ["addEnrollment", "removeEnrollment", "changePassphrase"])
async def test_a_crash_leaves_a_change_whole_or_undone(
    world: World, change: str, moment: str
) -> None:
    worker = await world.ready()
    name, passkey = await add(worker, "passkey-prf", uses=PASSPHRASE)
    params: dict[str, Any] = {
        "addEnrollment": {"method": "passkey-gate"},
        "removeEnrollment": {"enrollmentId": PASSPHRASE_ID},
        "changePassphrase": {},
    }[change]
    storage = FaultyStorage(world.memory)
    dying = await world.worker(storage=storage)
    gate = Authenticator()
    makes = gate if change == "addEnrollment" else "after the crash"
    dying.user = User(uses=passkey, makes=makes)

    def crash(_: object) -> None:
        raise CrashError

    setattr(storage, moment, crash)
    assert (await refused(dying, change, **params)).code == "internal"
    again = await world.worker()
    assert again.start["type"] == "kms:ready"
    done = moment == "after_commit"
    await sign(again, uses=passkey, jti="what was not touched")
    if change == "addEnrollment":
        assert len(await enrolled(again)) == 2 + done
        if done:
            await sign(again, uses=gate, jti="added")
    elif change == "removeEnrollment":
        assert await enrolled(again) == ([name] if done else sorted([name, PASSPHRASE_ID]))
    else:
        await sign(again, uses="after the crash" if done else PASSPHRASE, jti="changed")
    assert (await again.call("verifyAuditChain"))["valid"]


async def test_a_passkey_that_was_removed_meanwhile_does_not_come_back(world: World) -> None:
    first = await world.ready()
    name, passkey = await add(first, "passkey-prf", uses=PASSPHRASE)
    second_storage = FaultyStorage(world.memory)
    second = await world.worker(storage=second_storage)
    second.user = User(uses=passkey)

    async def remove_first(_: object) -> None:
        second_storage.before_commit = None
        await first.call("removeEnrollment", enrollmentId=name, credentials=CREDENTIALS)

    second_storage.before_commit = remove_first
    assert (await refused(second, "generateVAPID")).code == "unlock.denied"
    assert await enrolled(first) == [PASSPHRASE_ID]
    assert await world.memory.count("keys") == 1


async def test_a_passphrase_that_was_changed_meanwhile_authorises_nothing(world: World) -> None:
    first = await world.ready()
    storage = FaultyStorage(world.memory)
    second = await world.worker(storage=storage)

    async def change_first(_: object) -> None:
        storage.before_commit = None
        await first.call(
            "changePassphrase", credentials=CREDENTIALS, newPassphrase="another passphrase"
        )

    storage.before_commit = change_first
    refusal = await refused(
        second, "changePassphrase", credentials=CREDENTIALS, newPassphrase="a third passphrase"
    )
    assert refusal.code == "unlock.denied"
    await sign(second, uses="another passphrase", jti="what was changed first holds")


async def test_the_counter_of_a_passkey_never_goes_back(world: World) -> None:
    first = await world.ready()
    name, passkey = await add(first, "passkey-prf", uses=PASSPHRASE)
    assert isinstance(passkey, Authenticator)
    storage = FaultyStorage(world.memory)
    second = await world.worker(storage=storage)
    second.user = User(uses=passkey)

    async def use_first(_: object) -> None:
        storage.before_commit = None
        first.user = User(uses=passkey)
        await first.call("generateVAPID")

    storage.before_commit = use_first
    await second.call("generateVAPID")
    assert (await world.value("enrollments", name))["passkey"]["signCount"] == passkey.counter
