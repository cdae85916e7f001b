"""Passkeys: registration, unlocking, and every answer that must not unlock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from authenticator import Authenticator
from enclave import APP, CREDENTIALS, ENDPOINT, PASSPHRASE, Refusal, Worker, World
from kms_enclave.encoding import format_base64url

NAMES = {"name": "Ann", "userId": "user-1"}


def user_with(authenticator: Authenticator, passphrase: str | None = None) -> Any:
    """Return what a user does who has this authenticator, and knows a passphrase or not."""

    def answer(ask: Mapping[str, Any]) -> Mapping[str, Any]:
        if ask["ask"] in ("register", "setUp"):
            return {"answer": authenticator.register(ask["registration"])}
        if ask["ask"] == "authenticate" and passphrase and "passphrase" in ask["methods"]:
            return {"answer": {"method": "passphrase", "passphrase": passphrase}}
        if ask["ask"] == "authenticate":
            return {"answer": authenticator.authenticate(ask["ceremony"])}
        if ask["ask"] == "choosePassphrase":
            return {"answer": {"method": "passphrase", "passphrase": PASSPHRASE}}
        return {"answer": {"word": ask["word"]}}

    return answer


def once(first: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Any:
    """Answer the first question, cancel every later one."""
    asked: list[object] = []

    def answer(ask: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(ask)
        return first(ask) if len(asked) == 1 else {"refused": {"code": "unlock.cancelled"}}

    return answer


async def lease(worker: Worker, **params: object) -> Any:
    return await worker.call(
        "createLease", **{"userId": "u", "subs": [ENDPOINT], "ttlHours": 1, **params}
    )


async def set_up(world: World, authenticator: Authenticator, method: str) -> Worker:
    worker = await world.worker()
    worker.user = user_with(authenticator)
    await worker.call(method, **NAMES)
    return worker


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
@pytest.mark.parametrize("method", ["setupPasskeyPRF", "setupPasskeyGate"])
async def test_a_passkey_sets_up_and_unlocks(world: World, method: str, algorithm: str) -> None:
    worker = await set_up(world, Authenticator(algorithm), method)
    assert (await lease(worker))["leaseId"].startswith("lease-")
    assert (await worker.call("isSetup"))["methods"] == ["passkey"]


async def test_prf_only_at_an_assertion_is_fetched_by_a_second_ceremony(world: World) -> None:
    worker = await set_up(world, Authenticator(prf_at_creation=False), "setupPasskeyPRF")
    enrolled = await worker.call("getEnrollments")
    assert enrolled["enrollments"] == ["enrollment:passkey-prf:v2"]
    await lease(worker)


async def test_without_prf_the_user_is_offered_the_gate(world: World) -> None:
    worker = await set_up(world, Authenticator(prf=False), "setupPasskeyPRF")
    (info,) = (await worker.call("getEnrollments"))["details"]
    assert (info["method"], info["assurance"]) == ("passkey-gate", "low")
    asked = [ask["ask"] for ask in worker.asked]
    assert asked == ["register", "confirm", "introduce", "close"]
    await lease(worker, credentials={"method": "passkey-gate"})


async def test_without_prf_and_gates_a_passkey_is_unsupported(world: World) -> None:
    worker = await world.worker(config={"allowGate": False})
    worker.user = user_with(Authenticator(prf=False))
    with pytest.raises(Refusal) as refusal:
        await worker.call("setupPasskeyPRF", **NAMES)
    assert (refusal.value.code, refusal.value.details["capability"]) == ("unsupported", "prf")
    assert not (await worker.call("isSetup"))["isSetup"]


async def test_the_wizard_takes_a_passkey_or_a_passphrase(world: World) -> None:
    worker = await world.worker()
    worker.user = user_with(Authenticator())
    result = await worker.call("setup")
    assert result["enrollmentId"] == "enrollment:passkey-prf:v2"


async def test_another_rp_id_is_refused(world: World) -> None:
    worker = await world.worker()
    with pytest.raises(Refusal) as refusal:
        await worker.call("setupPasskeyPRF", **NAMES, rpId="app.example")
    assert (refusal.value.code, refusal.value.details["field"]) == ("request.invalid", "rpId")


HOSTILE: dict[str, Callable[[Authenticator], None]] = {
    "of another origin": lambda a: setattr(a, "origin", "https://evil.example"),
    "under another page": lambda a: setattr(a, "top_origin", "https://evil.example"),
    "of another relying party": lambda a: setattr(a, "rp_id", "evil.example"),
    "without user verification": lambda a: setattr(a, "flags", 0x01),
    "without user presence": lambda a: setattr(a, "flags", 0x04),
    "for another challenge": lambda a: a.client_data.update(challenge="AAAA"),
    "of another ceremony": lambda a: a.client_data.update(type="webauthn.create"),
    "with a counter that stands still": lambda a: setattr(a, "counter", -1),
}


@pytest.mark.parametrize("method", ["setupPasskeyPRF", "setupPasskeyGate"])
@pytest.mark.parametrize("case", HOSTILE)
async def test_an_assertion_does_not_unlock(world: World, case: str, method: str) -> None:
    authenticator = Authenticator(counter=5)
    worker = await set_up(world, authenticator, method)
    before = await worker.log()
    HOSTILE[case](authenticator)
    answer = user_with(authenticator)
    worker.user = once(answer)
    with pytest.raises(Refusal) as refusal:
        await lease(worker)
    assert refusal.value.code == "unlock.cancelled"
    assert worker.asked[-1]["error"]["code"] == "unlock.denied"
    assert [entry["op"] for entry in (await worker.log())[len(before) :]] == ["unlock.denied"]


OUTER = "https://outer.example"


@pytest.mark.parametrize("method", ["setupPasskeyPRF", "setupPasskeyGate"])
async def test_within_another_page_the_outermost_is_the_top(world: World, method: str) -> None:
    """The page that asks stands between the two; WebAuthn does not name it."""
    worker = await world.worker(top_origin=OUTER)
    worker.user = user_with(Authenticator(top_origin=OUTER))
    await worker.call(method, **NAMES)
    assert (await lease(worker))["leaseId"].startswith("lease-")


@pytest.mark.parametrize("method", ["setupPasskeyPRF", "setupPasskeyGate"])
async def test_within_another_page_the_one_that_asks_is_not_the_top(
    world: World, method: str
) -> None:
    authenticator = Authenticator(top_origin=OUTER)
    worker = await world.worker(top_origin=OUTER)
    worker.user = user_with(authenticator)
    await worker.call(method, **NAMES)
    authenticator.top_origin = APP
    worker.user = once(user_with(authenticator))
    with pytest.raises(Refusal):
        await lease(worker)
    assert worker.asked[-1]["error"]["code"] == "unlock.denied"


async def test_an_assertion_cannot_be_replayed(world: World) -> None:
    authenticator = Authenticator()
    worker = await set_up(world, authenticator, "setupPasskeyGate")
    recorded: list[Mapping[str, Any]] = []

    def record(ask: Mapping[str, Any]) -> Mapping[str, Any]:
        recorded.append(authenticator.authenticate(ask["ceremony"]))
        return {"answer": recorded[0]}

    worker.user = record
    await lease(worker)
    worker.user = once(lambda _: {"answer": recorded[0]})
    with pytest.raises(Refusal):
        await lease(worker)
    assert worker.asked[-1]["error"]["code"] == "unlock.denied"


async def test_an_assertion_of_another_passkey_does_not_unlock(world: World) -> None:
    worker = await set_up(world, Authenticator(), "setupPasskeyPRF")
    stranger = Authenticator()
    stranger.register({"challenge": "AAAA", "rpId": "kms.example", "appSalt": "AAAA"})
    (credential_id,) = stranger.keys

    def answer(ask: Mapping[str, Any]) -> Mapping[str, Any]:
        option = {**ask["ceremony"]["passkeys"][0], "credentialId": format_base64url(credential_id)}
        return {"answer": stranger.authenticate({**ask["ceremony"], "passkeys": [option]})}

    worker.user = once(answer)
    with pytest.raises(Refusal):
        await lease(worker)
    assert worker.asked[-1]["error"]["code"] == "unlock.denied"


async def test_every_prompt_shows_the_recognition_of_the_setup(world: World) -> None:
    worker = await set_up(world, Authenticator(), "setupPasskeyPRF")
    await lease(worker)
    record = await world.value("meta", "instance")
    shown = {ask["ask"]: ask["recognition"] for ask in worker.asked if ask["ask"] != "close"}
    chosen = {"phrase": record["recognitionPhrase"], "colour": record["recognitionColour"]}
    assert shown == {"register": None, "introduce": chosen, "authenticate": chosen}


async def test_a_page_passkey_unlocks_by_its_output_only_and_need_not_remain(
    world: World,
) -> None:
    worker = await world.ready()
    output = format_base64url(b"\x07" * 32)
    added = await worker.call(
        "addEnrollment",
        method="passkey-prf",
        credentials=CREDENTIALS,
        newCredentials={"credentialId": "AAAA", "prfOutput": output, "rpId": "app.example"},
    )
    await lease(worker, credentials={"method": "passkey-prf", "prfOutput": output})
    wrong = format_base64url(b"\x08" * 32)
    with pytest.raises(Refusal) as denied:
        await lease(worker, credentials={"method": "passkey-prf", "prfOutput": wrong})
    assert (denied.value.code, denied.value.message) == ("unlock.denied", "Decryption failed")
    with pytest.raises(Refusal) as last:
        await worker.call(
            "removeEnrollment", enrollmentId="enrollment:passphrase:v2", credentials=CREDENTIALS
        )
    assert last.value.code == "enrollment.last"
    assert last.value.message == "Cannot remove the last enrollment (would lock user out)"
    await worker.call(
        "removeEnrollment", enrollmentId=added["enrollmentId"], credentials=CREDENTIALS
    )


@pytest.mark.parametrize("output", ["", "AAAA", format_base64url(bytes(33)), "not base64url!"])
async def test_a_prf_output_of_a_wrong_length_is_refused(world: World, output: str) -> None:
    worker = await world.ready()
    with pytest.raises(Refusal) as refusal:
        await lease(worker, credentials={"method": "passkey-prf", "prfOutput": output})
    assert refusal.value.code == "request.invalid"
    assert refusal.value.details["field"] == "credentials.prfOutput"


async def test_a_gate_that_the_page_created_is_refused(world: World) -> None:
    worker = await world.ready()
    with pytest.raises(Refusal) as refusal:
        await worker.call(
            "addEnrollment",
            method="passkey-gate",
            credentials=CREDENTIALS,
            newCredentials={"credentialId": "AAAA", "rpId": "app.example"},
        )
    assert refusal.value.code == "request.invalid"
