"""The stored log: pages of it, and what ``verifyAuditChain`` says after tampering."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from enclave import Refusal, Worker, World
from forging import b64
from kms_enclave.ports.crypto import AuditSigningKey
from kms_enclave.ports.storage import Record

_LENGTH = 7


@attrs.define
class Log:
    """A log of seven entries, by every signer, and its storage."""

    world: World
    worker: Worker

    async def verdict(self) -> Any:
        return await self.worker.call("verifyAuditChain")

    async def first_fault(self) -> int | None:
        """Return the number of the first bad entry, after checking the verdict's own sense."""
        verdict = await self.verdict()
        assert verdict["valid"] == (not verdict["errors"])
        if verdict["valid"]:
            return None
        (error,) = verdict["errors"]
        if error["seqNum"] >= 0:
            assert verdict["entries"] == error["seqNum"], "what stands before the fault holds"
        head = verdict["head"]
        if head is not None and head["seqNum"] < error["seqNum"]:
            good = await self.world.value("audit", head["seqNum"])
            assert head == {"seqNum": verdict["entries"] - 1, "chainHash": good["chainHash"]}
        return int(error["seqNum"])


@pytest.fixture
async def log(world: World) -> Log:
    worker = await world.ready()
    lease = await worker.create_lease()
    with pytest.raises(Refusal):
        await worker.create_lease(credentials={"method": "passphrase", "passphrase": "x" * 8})
    for _ in range(3):
        await worker.issue(lease)
    assert await world.memory.count("audit") == _LENGTH
    return Log(world, worker)


async def test_the_log_of_an_honest_enclave_verifies(log: Log) -> None:
    verdict = await log.verdict()
    last = await log.world.value("audit", _LENGTH - 1)
    assert verdict == {
        "valid": True,
        "entries": _LENGTH,
        "errors": [],
        "head": {"seqNum": _LENGTH - 1, "chainHash": last["chainHash"]},
    }


@pytest.mark.parametrize("number", range(_LENGTH))
async def test_a_deleted_entry_is_named(log: Log, number: int) -> None:
    await log.world.delete("audit", number)
    assert await log.first_fault() == number


async def test_a_log_with_every_entry_deleted_is_bad_from_the_first(log: Log) -> None:
    for number in range(_LENGTH):
        await log.world.delete("audit", number)
    assert await log.first_fault() == 0


async def test_a_log_deleted_with_its_head_is_bad_as_a_whole(log: Log) -> None:
    for number in range(_LENGTH):
        await log.world.delete("audit", number)
    await log.world.delete("meta", "head")
    assert await log.first_fault() == -1


async def test_a_missing_head_is_bad_as_a_whole(log: Log) -> None:
    await log.world.delete("meta", "head")
    assert await log.first_fault() == -1


async def test_a_damaged_head_is_bad_as_a_whole(log: Log) -> None:
    await log.world.put("meta", "head", Record(9, '{"seqNum":true}'))
    assert await log.first_fault() == -1


async def test_a_head_that_was_put_back_shows_the_entries_beyond_it(log: Log) -> None:
    earlier = await log.world.record("meta", "head")
    await log.worker.create_lease()
    await log.world.put("meta", "head", earlier)
    assert await log.first_fault() == _LENGTH


async def test_a_head_that_names_another_entry_is_noticed_at_the_last(log: Log) -> None:
    await log.world.tamper("meta", "head", chainHash="ab" * 32)
    assert await log.first_fault() == _LENGTH - 1


@pytest.mark.parametrize("number", range(_LENGTH))
async def test_an_edited_entry_is_named(log: Log, number: int) -> None:
    await log.world.tamper("audit", number, requestId="edited")
    assert await log.first_fault() == number


@pytest.mark.parametrize("number", range(_LENGTH))
async def test_an_entry_with_another_signature_is_named(log: Log, number: int) -> None:
    other = await log.world.value("audit", (number + 1) % _LENGTH)
    await log.world.tamper("audit", number, sig=other["sig"])
    assert await log.first_fault() == number


@pytest.mark.parametrize("number", range(_LENGTH - 1))
async def test_two_swapped_entries_are_noticed_at_the_first(log: Log, number: int) -> None:
    one = await log.world.record("audit", number)
    two = await log.world.record("audit", number + 1)
    await log.world.put("audit", number, two)
    await log.world.put("audit", number + 1, one)
    assert await log.first_fault() == number


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "null", "[" * 100_000, '{"a":1e999}'])
async def test_an_entry_that_is_none_is_named(log: Log, text: str) -> None:
    await log.world.put("audit", 3, Record(1, text))
    assert await log.first_fault() == 3


async def test_an_entry_forged_with_the_instances_own_key_does_not_pass_for_a_users(
    log: Log,
) -> None:
    # Script on the enclave's origin can use this handle; a lease it cannot write.
    kiak = (await log.world.record("meta", "instance")).handles["kiak"]
    assert isinstance(kiak, AuditSigningKey)
    entry = await log.world.value("audit", 2)
    signature = await log.world.crypto.sign_ed25519(kiak, bytes.fromhex(entry["chainHash"]))
    await log.world.tamper("audit", 2, sig=b64(signature))
    assert await log.first_fault() == 2


async def test_entries_that_are_added_meanwhile_are_no_fault(log: Log) -> None:
    lease = await log.worker.create_lease()
    added = False

    async def issue_meanwhile(addresses: Any) -> None:
        nonlocal added
        if not added and any(address.key == "head" for address in addresses):
            added = True
            await log.worker.issue(lease)

    log.world.storage.after_read = issue_meanwhile
    assert await log.first_fault() is None
    assert added


async def test_the_log_is_read_in_pages(log: Log) -> None:
    page = await log.worker.call("getAuditLog", **{"from": 2, "limit": 3})
    assert [entry["seqNum"] for entry in page["entries"]] == [2, 3, 4]
    assert page["next"] == 5
    rest = await log.worker.call("getAuditLog", **{"from": 5, "limit": 3})
    assert [entry["seqNum"] for entry in rest["entries"]] == [5, 6]
    assert rest["next"] is None
    exact = await log.worker.call("getAuditLog", **{"from": 5, "limit": 2})
    assert exact["next"] is None


async def test_a_full_page_of_500_has_a_next(log: Log) -> None:
    lease = await log.worker.create_lease(quotas={"tokensPerHour": 1000})
    for _ in range(500):
        await log.worker.issue(lease)
    page = await log.worker.call("getAuditLog")
    assert (len(page["entries"]), page["next"]) == (500, 500)
    assert await log.worker.call("getAuditLog", limit=501) == page
    assert await log.worker.call("getAuditLog", limit=2**53 - 1) == page
    assert len(await log.worker.log()) == 508


@pytest.mark.parametrize(
    ("params", "field"),
    [({"from": -1}, "from"), ({"limit": 0}, "limit"), ({"limit": 2**53}, "limit")],
)
async def test_a_page_outside_the_log_is_refused(
    log: Log, params: dict[str, int], field: str
) -> None:
    with pytest.raises(Refusal) as caught:
        await log.worker.call("getAuditLog", **params)
    assert caught.value.code == "request.invalid"
    assert caught.value.details["field"] == field


async def test_a_damaged_entry_is_named_and_the_others_stay_readable(log: Log) -> None:
    await log.world.put("audit", 3, Record(1, "nonsense"))
    with pytest.raises(Refusal) as caught:
        await log.worker.call("getAuditLog")
    assert caught.value.code == "attestation.failed"
    assert caught.value.details == {"reason": "entry 3 is damaged"}
    page = await log.worker.call("getAuditLog", **{"from": 4})
    assert [entry["seqNum"] for entry in page["entries"]] == [4, 5, 6]


async def test_no_entry_holds_a_secret_or_a_whole_endpoint(log: Log) -> None:
    for entry in await log.worker.log():
        text = json.dumps(entry)
        assert "correct horse" not in text
        assert "/send/" not in text
        assert "eyJ0eXAi" not in text, "the start of a token"
