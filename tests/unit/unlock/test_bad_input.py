"""Bad credentials: the named error, nothing changed, and every enrollment still unlocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from authenticator import Authenticator
from enclave import APP, CREDENTIALS, OTHER_APP, PASSPHRASE, Refusal, Worker, World
from forging import b64
from user import add, sign

Asked = Mapping[str, Any]
CANCEL: Mapping[str, Any] = {"refused": {"code": "unlock.cancelled"}}


@attrs.frozen
class Enrolled:
    """An enclave that a passphrase, a PRF passkey and a gate unlock."""

    world: World
    worker: Worker
    prf: Authenticator
    gate: Authenticator

    async def records(self) -> object:
        """Return what must not change: everything but the log and the count of attempts."""
        stores = ("enrollments", "keys", "leases")
        found = [await self.world.memory.scan(s, after=None, limit=99) for s in stores]
        return found, (await self.world.value("meta", "instance"))

    async def refuse(self, **params: object) -> Refusal:
        with pytest.raises(Refusal) as caught:
            await self.worker.call("regenerateVAPID", **params)
        return caught.value

    async def verify_all_unlock(self, when: str = "after") -> None:
        for number, secret in enumerate((PASSPHRASE, self.prf, self.gate)):
            await sign(self.worker, uses=secret, jti=f"token {number} {when}")


@pytest.fixture
async def enrolled(world: World) -> Enrolled:
    worker = await world.ready()
    _, prf = await add(worker, "passkey-prf", uses=PASSPHRASE)
    _, gate = await add(worker, "passkey-gate", uses=PASSPHRASE)
    assert isinstance(prf, Authenticator)
    assert isinstance(gate, Authenticator)
    ready = Enrolled(world, worker, prf, gate)
    await ready.verify_all_unlock("before")  # Counters stand above zero from now on.
    return ready


def of_page(**credentials: object) -> Mapping[str, object]:
    return {"method": "passkey-prf", **credentials}


GIVEN: Mapping[str, tuple[Mapping[str, object], str]] = {
    "a wrong passphrase": ({**CREDENTIALS, "passphrase": "wrong horse battery"}, "unlock.denied"),
    "an empty passphrase": ({**CREDENTIALS, "passphrase": ""}, "unlock.denied"),
    "a short passphrase": ({**CREDENTIALS, "passphrase": "1234567"}, "unlock.denied"),
    "a long passphrase": ({**CREDENTIALS, "passphrase": "x" * 1025}, "unlock.denied"),
    "no PRF output": (of_page(prfOutput=""), "request.invalid"),
    "a short PRF output": (of_page(prfOutput=b64(bytes(31))), "request.invalid"),
    "a long PRF output": (of_page(prfOutput=b64(bytes(33))), "request.invalid"),
    "an output of no page's passkey": (of_page(prfOutput=b64(bytes(32))), "enrollment.not.found"),
}


@pytest.mark.parametrize("case", GIVEN)
async def test_what_a_page_passes(enrolled: Enrolled, case: str) -> None:
    credentials, code = GIVEN[case]
    before = await enrolled.records()
    assert (await enrolled.refuse(credentials=credentials)).code == code
    assert await enrolled.records() == before
    await enrolled.verify_all_unlock()


Answer = Callable[[Authenticator, Asked], Mapping[str, object]]


def changed(**fields: object) -> Answer:
    """Return how an authenticator answers that is hostile in these fields."""

    def answer(passkey: Authenticator, ask: Asked) -> Mapping[str, object]:
        kept = {name: getattr(passkey, name) for name in fields}
        for name, value in fields.items():
            setattr(passkey, name, value)
        given = passkey.authenticate(ask["ceremony"])
        for name, value in kept.items():
            setattr(passkey, name, value)
        return given

    return answer


def replaced(field: str, value: object) -> Answer:
    return lambda passkey, ask: {**passkey.authenticate(ask["ceremony"]), field: value}


ANSWERS: Mapping[str, Answer] = {
    "of another relying party": changed(rp_id="evil.example"),
    "of another origin": changed(origin="https://evil.example"),
    "under another page": changed(top_origin=OTHER_APP),
    "without user verification": changed(flags=0x01),
    "without user presence": changed(flags=0x04),
    "with a counter that goes back": changed(counter=-1),
    "of another ceremony": changed(client_data={"type": "webauthn.create"}),
    "for a challenge of its own": changed(client_data={"challenge": b64(bytes(32))}),
    "with another signature": replaced("signature", b64(bytes(70))),
    "of a passkey that is not enrolled": replaced("credentialId", b64(bytes(16))),
}


@pytest.mark.parametrize("method", ["prf", "gate"])
@pytest.mark.parametrize("case", ANSWERS)
async def test_an_assertion(enrolled: Enrolled, case: str, method: str) -> None:
    await _verify_denied(enrolled, getattr(enrolled, method), ANSWERS[case])


async def test_an_answer_of_another_shape(enrolled: Enrolled) -> None:
    before = await enrolled.records()
    enrolled.worker.user = lambda _: {"answer": {"credentialId": "AAAA"}}
    assert (await enrolled.refuse()).code == "unlock.denied"
    assert await enrolled.records() == before
    await enrolled.verify_all_unlock()


@pytest.mark.parametrize("output", [None, "", b64(bytes(31)), b64(bytes(64))])
async def test_a_prf_output_of_a_wrong_length(enrolled: Enrolled, output: str | None) -> None:
    await _verify_denied(enrolled, enrolled.prf, replaced("prfOutput", output))


@pytest.mark.parametrize("method", ["prf", "gate"])
@pytest.mark.parametrize("other", ["another operation", "the same one, cancelled", "used already"])
async def test_an_assertion_for_another_question(
    enrolled: Enrolled, other: str, method: str
) -> None:
    passkey: Authenticator = getattr(enrolled, method)
    kept: list[Mapping[str, object]] = []

    def keep(ask: Asked) -> Mapping[str, Any]:
        kept.append(passkey.authenticate(ask["ceremony"]))
        return {"answer": kept[0]} if other == "used already" else CANCEL

    enrolled.worker.user = keep
    name = "generateVAPID" if other == "another operation" else "regenerateVAPID"
    await enrolled.worker.request({"method": name, "params": {}, "origin": APP})
    await _verify_denied(enrolled, passkey, lambda _, __: kept[0])


async def _verify_denied(enrolled: Enrolled, passkey: Authenticator, answer: Answer) -> None:
    before, entries = await enrolled.records(), len(await enrolled.worker.log())

    def once(ask: Asked) -> Mapping[str, Any]:
        return CANCEL if ask["error"] else {"answer": answer(passkey, ask)}

    enrolled.worker.user = once
    assert (await enrolled.refuse()).code == "unlock.cancelled"
    assert enrolled.worker.asked[-1]["error"]["code"] == "unlock.denied"
    assert await enrolled.records() == before
    added = (await enrolled.worker.log())[entries:]
    assert [entry["op"] for entry in added] == ["unlock.denied"]
    await enrolled.verify_all_unlock()
