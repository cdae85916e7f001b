"""A new passkey: what does not verify enrolls nothing; PRF is asked for, a gate is offered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from authenticator import Authenticator
from enclave import CREDENTIALS, PASSPHRASE, Refusal, Worker, World
from forging import b64
from user import User, add, set_up_with, sign

NAMES = {"name": "Ann", "userId": "user-1"}
Changed = Callable[[dict[str, Any]], None]


def registering(authenticator: Authenticator, change: Changed | None = None) -> Any:
    """Return a user who registers; ``change`` is done to the answer first."""

    def answer(ask: Mapping[str, Any]) -> Mapping[str, Any]:
        if ask["ask"] != "register":
            return User(uses=authenticator)(ask)
        made = dict(authenticator.register(ask["registration"]))
        if change:
            change(made)
        return {"answer": made}

    return answer


async def refused(worker: Worker, method: str, /, **params: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.call(method, **params)
    return caught.value


def replacing(**fields: object) -> Changed:
    return lambda answer: answer.update(fields)


MALFORMED: Mapping[str, Changed] = {
    "no public key": replacing(publicKey=None),
    "an empty public key": replacing(publicKey=""),
    "a public key of another algorithm": replacing(algorithm=-257),
    "an algorithm nobody asked for": replacing(algorithm=-35),
    "no algorithm": replacing(algorithm=None),
    "another credential": replacing(credentialId=b64(bytes(16))),
    "no credential": replacing(credentialId=None),
    "no client data": lambda answer: answer.pop("clientDataJSON"),
    "client data that is no base64url": replacing(clientDataJSON="!"),
    "client data that is a number": replacing(clientDataJSON=7),
    "no authenticator data": replacing(authenticatorData=""),
    "a PRF output that is no base64url": replacing(prfOutput="!"),
}


@pytest.mark.parametrize("method", ["setupPasskeyPRF", "setupPasskeyGate"])
@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_answer_sets_nothing_up(world: World, case: str, method: str) -> None:
    worker = await world.worker()
    worker.user = registering(Authenticator(), MALFORMED[case])
    assert (await refused(worker, method, **NAMES)).code == "unlock.denied"
    assert not (await worker.call("isSetup"))["isSetup"]
    assert await world.memory.count("enrollments") == 0


HOSTILE: Mapping[str, Mapping[str, Any]] = {
    "of another origin": {"origin": "https://evil.example"},
    "under another page": {"top_origin": "https://evil.example"},
    "of another relying party": {"rp_id": "evil.example"},
    "without user verification": {"flags": 0x01},
    "without user presence": {"flags": 0x04},
    "for another challenge": {"client_data": {"challenge": "AAAA"}},
    "of another ceremony": {"client_data": {"type": "webauthn.get"}},
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_a_registration_adds_nothing(world: World, case: str) -> None:
    worker = await world.ready()
    user = User(uses=PASSPHRASE, makes=Authenticator(**HOSTILE[case]))
    worker.user = user
    refusal = await refused(worker, "addEnrollment", method="passkey-prf")
    assert (refusal.code, refusal.message) == ("unlock.denied", "The new passkey does not verify")
    assert (await worker.call("getEnrollments"))["enrollments"] == ["enrollment:passphrase:v2"]


async def test_a_registration_cannot_be_replayed(world: World) -> None:
    worker = await world.ready()
    recorded: list[Mapping[str, object]] = []
    authenticator = Authenticator()

    def replay(ask: Mapping[str, Any]) -> Mapping[str, Any]:
        if ask["ask"] == "authenticate":
            return {"answer": {"passphrase": PASSPHRASE}}
        recorded.append(authenticator.register(ask["registration"]))
        return {"answer": recorded[0]}

    worker.user = replay
    await worker.call("addEnrollment", method="passkey-prf")
    refusal = await refused(worker, "addEnrollment", method="passkey-prf")
    assert refusal.code == "unlock.denied"
    assert not worker.discarded, "that passkey is enrolled"


@pytest.mark.parametrize("method", ["passkey-prf", "passkey-gate"])
async def test_prf_is_asked_for_with_fresh_salts_and_handles(world: World, method: str) -> None:
    worker = await world.ready()
    for _ in range(2):
        await add(worker, method, uses=PASSPHRASE)
    one, other = (ask["registration"] for ask in worker.asked if ask["ask"] == "register")
    assert one["rpId"] == other["rpId"] == "kms.example"
    for field in ("appSalt", "userHandle"):
        assert one[field] != other[field]
        assert len(one[field]) == 43
    assert len(other["exclude"]) == 1


async def test_a_passkey_without_prf_is_a_gate_where_that_was_asked_for(world: World) -> None:
    worker = await world.ready()
    gate = Authenticator(prf=False)
    worker.user = User(uses=PASSPHRASE, makes=gate)
    added = await worker.call("addEnrollment", method="passkey-gate")
    assert added["enrollmentId"] == "enrollment:passkey-gate:v2"
    assert "confirm" not in [ask["ask"] for ask in worker.asked]
    await sign(worker, uses=gate, jti="with the gate")


async def test_who_declines_the_gate_has_enrolled_nothing(world: World) -> None:
    worker = await world.ready()
    user = User(uses=PASSPHRASE, makes=Authenticator(prf=False))
    worker.user = lambda ask: (
        {"refused": {"code": "unlock.cancelled"}} if ask["ask"] == "confirm" else user(ask)
    )
    refusal = await refused(worker, "addEnrollment", method="passkey-prf")
    assert refusal.code == "unlock.cancelled"
    offer = next(ask for ask in worker.asked if ask["ask"] == "confirm")
    assert "Somebody who copies this browser's files" in offer["operation"]
    assert "protects you better" in offer["operation"]
    assert (await worker.call("getEnrollments"))["enrollments"] == ["enrollment:passphrase:v2"]


@pytest.mark.parametrize("output", [b"", bytes(31), bytes(64)])
async def test_a_prf_output_of_a_wrong_length_is_no_prf(world: World, output: bytes) -> None:
    worker = await world.worker()
    worker.user = registering(Authenticator(), replacing(prfOutput=b64(output)))
    made = await worker.call("setupPasskeyPRF", **NAMES)
    assert made["enrollmentId"] == "enrollment:passkey-gate:v2"


@pytest.mark.parametrize("method", ["setupPasskeyGate", "addEnrollment"])
async def test_where_the_operator_takes_no_gates_none_is_made(world: World, method: str) -> None:
    await world.ready()
    if method == "setupPasskeyGate":
        world = World()
    worker = await world.worker(config={"allowGate": False})
    worker.user = User(uses=PASSPHRASE, makes=Authenticator())
    given = NAMES if method == "setupPasskeyGate" else {"method": "passkey-gate"}
    refusal = await refused(worker, method, **given)
    assert (refusal.code, refusal.details["capability"]) == ("unsupported", "passkey-gate")
    assert not worker.asked


async def test_a_second_ceremony_of_another_passkey_does_not_enroll(world: World) -> None:
    worker = await world.worker()
    authenticator, stranger = Authenticator(prf_at_creation=False), Authenticator()
    stranger.register({"challenge": "AAAA", "rpId": "kms.example", "appSalt": "AAAA"})

    def answer(ask: Mapping[str, Any]) -> Mapping[str, Any]:
        if ask["ask"] == "register":
            return {"answer": authenticator.register(ask["registration"])}
        (option,) = ask["ceremony"]["passkeys"]
        (own,) = stranger.keys
        ceremony = {**ask["ceremony"], "passkeys": [{**option, "credentialId": b64(own)}]}
        return {"answer": stranger.authenticate(ceremony)}

    worker.user = answer
    assert (await refused(worker, "setupPasskeyPRF", **NAMES)).code == "unlock.denied"
    assert not (await worker.call("isSetup"))["isSetup"]


async def test_no_record_holds_a_prf_output_or_a_key_that_opens_without_one(world: World) -> None:
    worker = await world.ready()
    name, passkey = await add(worker, "passkey-prf", uses=PASSPHRASE)
    assert isinstance(passkey, Authenticator)
    record = await world.record("enrollments", name)
    salt = (await world.value("enrollments", name))["passkey"]["appSalt"]
    (credential_id,) = passkey.keys
    assert passkey.evaluate(credential_id, salt) not in record.value
    assert not record.handles


async def test_a_gates_record_holds_one_handle_and_no_salt(world: World) -> None:
    worker = await world.ready()
    name, _ = await add(worker, "passkey-gate", uses=PASSPHRASE)
    assert (await world.record("enrollments", name)).handles.keys() == {"gate"}
    passkey = (await world.value("enrollments", name))["passkey"]
    assert passkey.keys() & {"appSalt", "kekSalt"} == set()


async def test_details_say_what_is_enrolled_and_nothing_that_unlocks(world: World) -> None:
    worker = await world.ready()
    world.clock.advance(5)
    await add(worker, "passkey-prf", uses=PASSPHRASE)
    world.clock.advance(5)
    await add(worker, "passkey-gate", uses=PASSPHRASE)
    world.clock.advance(5)
    output = b64(bytes(32))
    await worker.call(
        "addEnrollment",
        method="passkey-prf",
        credentials=CREDENTIALS,
        newCredentials={"credentialId": "AAAA", "prfOutput": output, "rpId": "app.example"},
    )
    found = await worker.call("getEnrollments")
    now = world.clock.now_ms()

    def info(name: str, method: str, created: int, *, via: str, **changes: object) -> object:
        return {
            "enrollmentId": name,
            "method": method,
            "createdAt": created,
            "via": via,
            "assurance": "high",
            "pageOnly": False,
            "damaged": False,
        } | changes

    assert found["details"] == [
        info("enrollment:passphrase:v2", "passphrase", now - 15, via="page"),
        info("enrollment:passkey-prf:v2", "passkey-prf", now - 10, via="enclave"),
        info("enrollment:passkey-gate:v2", "passkey-gate", now - 5, via="enclave", assurance="low"),
        info("enrollment:passkey-prf:v2:2", "passkey-prf", now, via="page", pageOnly=True),
    ]
    assert found["enrollments"] == [one["enrollmentId"] for one in found["details"]]


@pytest.mark.parametrize("first", ["passphrase", "passkey-prf"])
async def test_the_passphrase_is_the_first_of_the_methods_whenever_it_was_enrolled(
    world: World, first: str
) -> None:
    worker = await world.worker()
    secret = await set_up_with(worker, first)
    await add(worker, "passkey-gate" if first == "passphrase" else "passphrase", uses=secret)
    assert (await worker.call("isSetup"))["methods"] == ["passphrase", "passkey"]
