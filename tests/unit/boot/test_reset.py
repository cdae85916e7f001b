"""Reset: by credentials or by the user's word, all or nothing, and the next log says so."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import rfc8785
from authenticator import Authenticator
from doubles import CrashError
from enclave import CREDENTIALS, PASSPHRASE, Refusal, World
from forging import unb64, verify_signature
from kms_enclave.boot import reset
from kms_enclave.context import Context
from kms_enclave.ports.prompt import Dialog
from kms_enclave.ports.storage import STORE_NAMES
from kms_enclave.unlock.session import AuthorisationRequest
from kms_enclave.unlock.unlocking import Unlocked
from user import User


async def _counts(world: World) -> dict[str, int]:
    return {store: await world.memory.count(store) for store in STORE_NAMES}


async def test_a_reset_deletes_everything_and_begins_a_log(world: World) -> None:
    worker = await world.ready()
    await worker.issue(await worker.create_lease())
    await worker.call("resetKMS", credentials=CREDENTIALS)
    counts = await _counts(world)
    assert {store for store, count in counts.items() if count} == {"meta", "audit"}
    assert counts["audit"] == 1
    assert await worker.call("isSetup") == {"isSetup": False, "methods": []}


async def test_the_closing_entry_is_the_users_and_verifies(world: World) -> None:
    worker = await world.ready()
    before = await worker.log()
    result = await worker.call("resetKMS", credentials=CREDENTIALS)
    (genesis,) = await worker.log()
    closing: dict[str, Any] = genesis["details"]["previousLog"]["closing"]
    assert (closing["op"], closing["signer"], closing["details"]) == (
        "reset",
        "UAK",
        {"via": "page"},
    )
    assert closing["previousHash"] == before[-1]["chainHash"]
    assert result["checkpoint"] == {
        "seqNum": 2,
        "chainHash": closing["chainHash"],
        "checkpoint": genesis["details"]["previousLog"]["checkpoint"],
    }
    covered = {name: closing[name] for name in closing if name not in ("chainHash", "sig")}
    digest = hashlib.sha256(rfc8785.dumps(covered)).digest()
    assert closing["chainHash"] == digest.hex()
    uak = unb64(before[1]["details"]["auditPublicKey"])
    assert verify_signature(uak, unb64(closing["sig"]), digest)


async def test_the_new_log_names_the_old_instance_and_verifies(world: World) -> None:
    worker = await world.ready()
    old = (await worker.call("getStatus"))["instanceId"]
    await worker.call("resetKMS", credentials=CREDENTIALS)
    (genesis,) = await worker.log()
    assert genesis["details"]["previousLog"]["instanceId"] == old
    assert genesis["details"]["instanceId"] != old
    await worker.set_up()
    assert (await worker.call("verifyAuditChain"))["valid"]


async def test_a_wrong_passphrase_resets_nothing_and_is_logged(world: World) -> None:
    worker = await world.ready()
    before = await _counts(world)
    wrong = {**CREDENTIALS, "passphrase": "wrong horse battery"}
    with pytest.raises(Refusal) as caught:
        await worker.call("resetKMS", credentials=wrong)
    assert caught.value.code == "unlock.denied"
    counted = {**before, "audit": before["audit"] + 1, "meta": before["meta"] + 1}
    assert await _counts(world) == counted, "the entry and the count of attempts, nothing else"
    assert (await worker.log())[-1]["op"] == "unlock.denied"


async def test_without_credentials_the_user_types_the_word(world: World) -> None:
    worker = await world.ready()
    worker.user = lambda ask: {"answer": {"word": "RESET"}}
    result = await worker.call("resetKMS")
    (ask, _) = worker.asked
    assert (ask["ask"], ask["word"]) == ("confirm", "RESET")
    (genesis,) = await worker.log()
    closing = genesis["details"]["previousLog"]["closing"]
    assert closing["signer"] == "KIAK"
    assert result["checkpoint"]["chainHash"] == closing["chainHash"]


@pytest.mark.parametrize(
    "user", [{"answer": {"word": "reset"}}, {"answer": {}}, {"refused": {"code": "x"}}]
)
async def test_another_word_or_none_resets_nothing(world: World, user: dict[str, Any]) -> None:
    worker = await world.ready()
    before = await _counts(world)
    worker.user = lambda ask: user
    with pytest.raises(Refusal) as caught:
        await worker.call("resetKMS")
    assert caught.value.code == "unlock.cancelled"
    assert await _counts(world) == before
    worker.user = lambda ask: {"answer": {"word": "RESET"}}
    await worker.call("resetKMS")


@pytest.mark.parametrize("moment", ["before_commit", "after_commit"])
async def test_a_crash_leaves_the_old_state_or_the_new_one(world: World, moment: str) -> None:
    worker = await world.ready()
    worker.user = lambda ask: {"answer": {"word": ask["word"]}}
    before = await _counts(world)

    def crash(_: object) -> None:
        raise CrashError

    setattr(world.storage, moment, crash)
    with pytest.raises(Refusal) as caught:
        await worker.call("resetKMS")
    assert caught.value.code == "internal"
    setattr(world.storage, moment, None)
    again = await world.worker()
    assert again.start["type"] == "kms:ready"
    assert (await again.call("isSetup"))["isSetup"] == (moment == "before_commit")
    assert (await _counts(world) == before) == (moment == "before_commit")


async def test_a_reset_that_another_tab_overtakes_is_tried_again(world: World) -> None:
    first = await world.ready()
    second = await world.worker()
    lease = await first.create_lease()
    overtaken = 0

    async def issue_first(_: object) -> None:
        nonlocal overtaken
        overtaken += 1
        world.storage.before_commit = None
        await second.issue(lease)
        world.storage.before_commit = issue_first if overtaken < 3 else None

    world.storage.before_commit = issue_first
    result = await first.call("resetKMS", credentials=CREDENTIALS)
    assert overtaken == 3
    assert result["checkpoint"]["seqNum"] == 6
    assert await world.memory.count("tokens") == 0
    assert [entry["op"] for entry in await first.log()] == ["instance.start"]


async def test_a_tab_that_remembers_a_lease_of_the_old_instance_issues_nothing(
    world: World,
) -> None:
    first = await world.ready()
    second = await world.worker()
    lease = await first.create_lease()
    await second.issue(lease)
    await first.call("resetKMS", credentials=CREDENTIALS)
    with pytest.raises(Refusal) as caught:
        await second.issue(lease)
    assert caught.value.code == "lease.not.found"


async def test_credentials_of_an_instance_do_not_end_the_next_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await world.ready()
    second = await world.worker()
    unlocked_for = reset.unlocked_for

    @asynccontextmanager
    async def unlocked_then_overtaken(
        context: Context, request: AuthorisationRequest
    ) -> AsyncIterator[tuple[Unlocked, Dialog | None]]:
        async with unlocked_for(context, request) as unlocked:
            monkeypatch.undo()
            await second.call("resetKMS", credentials=CREDENTIALS)
            await second.call("setupPassphrase", passphrase="another passphrase")
            yield unlocked

    monkeypatch.setattr(reset, "unlocked_for", unlocked_then_overtaken)
    with pytest.raises(Refusal) as caught:
        await first.call("resetKMS", credentials=CREDENTIALS)
    assert caught.value.code == "unlock.denied"
    assert (await second.call("isSetup"))["isSetup"] is True


@pytest.mark.parametrize("typed", ["RESET", "reset"])
async def test_a_gates_ceremony_does_not_spare_the_user_the_word(world: World, typed: str) -> None:
    worker = await world.ready()
    gate = Authenticator()
    worker.user = User(uses=PASSPHRASE, makes=gate)
    await worker.call("addEnrollment", method="passkey-gate")
    user = User(uses=gate)
    worker.user = lambda ask: {"answer": {"word": typed}} if ask["ask"] == "confirm" else user(ask)
    reset_by_gate = worker.call("resetKMS", credentials={"method": "passkey-gate"})
    if typed == "RESET":
        await reset_by_gate
    else:
        with pytest.raises(Refusal, match=r"unlock\.cancelled"):
            await reset_by_gate
    assert (await worker.call("isSetup"))["isSetup"] is (typed != "RESET")
