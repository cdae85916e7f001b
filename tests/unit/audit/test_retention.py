"""Retention: what is dropped, by whose word, and that everything else can still be proved."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from doubles import CrashError
from enclave import CREDENTIALS, ENCLAVE, Refusal, Worker, World
from exports import export, judge
from kms_enclave.audit.proofs import read_log
from kms_enclave.audit.pruned_mark import PRUNED, parse_mark, verify_mark
from kms_enclave.encoding import canonical_entry
from kms_enclave.log.entry import chain_hash
from kms_enclave.log.head import HEAD
from kms_enclave.log.instance import INSTANCE
from kms_enclave.log.verify.chain import BadEntryError
from kms_enclave.ports.storage import Address, Record
from kms_enclave.tlog.merkle import verify_consistency


@attrs.define
class Desk:
    """A log of 23 entries, and a checkpoint over 20 of them."""

    world: World
    worker: Worker
    lease: str
    checkpoint: str

    async def prune(self, *, keep: int = 0, checkpoint: str | None = None) -> Any:
        return await self.worker.call(
            "pruneAudit",
            keep=keep,
            checkpoint=checkpoint or self.checkpoint,
            credentials=CREDENTIALS,
        )

    async def numbers(self) -> list[int]:
        return [int(key) for key, _ in await self.world.memory.scan("audit", after=None, limit=99)]


@pytest.fixture
async def desk(world: World) -> Desk:
    worker = await world.ready()
    lease = await worker.create_lease()
    for _ in range(17):
        await worker.issue(lease)
    checkpoint = (await worker.call("getAuditCheckpoint"))["checkpoint"]
    for _ in range(3):
        await worker.issue(lease)
    return Desk(world, worker, lease, checkpoint)


@pytest.mark.parametrize(("keep", "first"), [(0, 20), (3, 20), (5, 18), (20, 3), (21, 2)])
async def test_what_the_checkpoint_covers_is_dropped_but_for_what_is_to_be_kept(
    desk: Desk, keep: int, first: int
) -> None:
    assert await desk.prune(keep=keep) == {"first": first, "dropped": first}
    assert await desk.numbers() == list(range(first, 24))


@pytest.mark.parametrize("keep", [22, 23, 1000])
async def test_nothing_is_dropped_or_written_where_the_setup_is_to_be_kept(
    desk: Desk, keep: int
) -> None:
    assert await desk.prune(keep=keep) == {"first": 0, "dropped": 0}
    assert await desk.numbers() == list(range(23))


async def test_what_was_dropped_already_is_not_dropped_again(desk: Desk) -> None:
    await desk.prune(keep=3)
    assert await desk.prune(keep=0) == {"first": 20, "dropped": 0}
    assert (await desk.numbers())[-1] == 23


async def test_the_users_entry_says_what_was_dropped(desk: Desk) -> None:
    entries = await desk.worker.log()
    await desk.prune()
    entry = (await desk.worker.log())[-1]
    assert (entry["op"], entry["signer"], entry["seqNum"]) == ("audit.prune", "UAK", 23)
    root = base64.b64decode(desk.checkpoint.split("\n")[2])
    keys = await desk.worker.call("getAuditPublicKey")
    assert entry["details"] == {
        "first": 20,
        "rootHash": root.hex(),
        "chainHash": entries[19]["chainHash"],
        "timestamp": entries[19]["timestamp"],
        "auditPublicKey": keys["publicKey"],
        "instanceCert": keys["instanceCert"],
        "via": "page",
    }


async def test_the_users_entry_has_the_certificate_that_its_own_operation_renewed(
    desk: Desk,
) -> None:
    later = await desk.world.worker(build={"codeHash": "later"})
    params = {"keep": 0, "checkpoint": desk.checkpoint, "credentials": CREDENTIALS}
    assert (await later.call("pruneAudit", **params))["dropped"] == 20
    details = (await later.log())[-1]["details"]
    assert details["instanceCert"]["codeHash"] == "later"
    assert (await later.call("verifyAuditChain"))["valid"]


async def test_a_pruned_log_verifies_and_starts_again(desk: Desk) -> None:
    await desk.prune()
    await desk.worker.issue(desk.lease)
    verdict = await desk.worker.call("verifyAuditChain")
    assert (verdict["valid"], verdict["entries"]) == (True, 25)
    assert (await desk.worker.call("verifyAuditChain", incremental=True))["valid"]
    assert (await desk.world.worker()).start["type"] == "kms:ready"


async def test_a_log_can_be_pruned_again_and_again(desk: Desk) -> None:
    for _ in range(3):
        await desk.worker.issue(desk.lease)
        note = (await desk.worker.call("getAuditCheckpoint"))["checkpoint"]
        assert (await desk.prune(checkpoint=note))["dropped"] > 0
        assert (await desk.worker.call("verifyAuditChain"))["valid"]
    lines = await export(desk.worker)
    assert json.loads(lines[2])["entry"]["seqNum"] == json.loads(lines[-1])["seqNum"]


async def test_everything_is_still_proved_from_older_checkpoints(desk: Desk) -> None:
    await desk.prune()
    now = await desk.worker.call("getAuditCheckpoint")
    proof = await desk.worker.call("getConsistencyProof", **{"from": 20})
    verify_consistency(
        [bytes.fromhex(each) for each in proof["path"]],
        expected_old_size=20,
        expected_old_root=base64.b64decode(desk.checkpoint.split("\n")[2]),
        expected_size=now["size"],
        expected_root=bytes.fromhex(now["rootHash"]),
    )
    assert (await desk.worker.call("getInclusionProof", seqNum=3))["path"]


async def test_a_checkpoint_that_is_none_of_this_log_drops_nothing(desk: Desk) -> None:
    other = await World().worker()
    foreign = (await other.call("getAuditCheckpoint"))["checkpoint"]
    altered = desk.checkpoint.replace("\n20\n", "\n19\n")
    for note in ("nonsense", foreign, altered):
        with pytest.raises(Refusal) as caught:
            await desk.prune(checkpoint=note)
        assert caught.value.code == "request.invalid"
        assert caught.value.details["field"] == "checkpoint"
    assert await desk.numbers() == list(range(23))


async def test_fewer_than_no_entries_cannot_be_kept(desk: Desk) -> None:
    with pytest.raises(Refusal) as caught:
        await desk.prune(keep=-1)
    assert (caught.value.code, caught.value.details["field"]) == ("request.invalid", "keep")


async def _nothing_is_dropped(desk: Desk, reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        await desk.prune()
    assert (caught.value.code, caught.value.details) == ("attestation.failed", {"reason": reason})
    assert await desk.numbers() == list(range(23))


async def test_a_user_does_not_vouch_for_a_fault_that_was_found(desk: Desk) -> None:
    await desk.world.tamper("audit", 5, requestId="edited")
    assert not (await desk.worker.call("verifyAuditChain"))["valid"]
    fault = "entry 5: its hash is not the hash of its fields"
    await _nothing_is_dropped(desk, f"the last verification found a fault: {fault}")


async def test_a_user_does_not_vouch_for_another_entry_than_the_trees(desk: Desk) -> None:
    entry = await desk.world.value("audit", 19)
    edited = {**entry, "requestId": "edited"}
    edited["chainHash"] = chain_hash(edited)
    record = await desk.world.record("audit", 19)
    text = canonical_entry(edited).decode()
    await desk.world.put("audit", 19, attrs.evolve(record, value=text))
    await _nothing_is_dropped(desk, "entry 19 is not that of the tree")


async def test_a_crash_between_mark_and_deletion_leaves_a_log_that_holds(desk: Desk) -> None:
    def crash(_: object) -> None:
        raise CrashError

    desk.world.storage.after_commit = crash
    with pytest.raises(Refusal):
        await desk.prune()
    desk.world.storage.after_commit = None
    assert await desk.numbers() == list(range(24))
    again = await desk.world.worker()
    assert again.start["type"] == "kms:ready"
    assert (await again.call("verifyAuditChain"))["valid"]
    assert json.loads((await export(again))[2])["type"] == "pruned"


async def _without_the_mark(desk: Desk) -> None:
    await desk.world.delete("meta", "pruned")


async def _of_another_entry(desk: Desk) -> None:
    await desk.world.put("meta", "pruned", Record(2, '{"first":20,"seqNum":22}'))


async def _of_more(desk: Desk) -> None:
    await desk.world.put("meta", "pruned", Record(2, '{"first":21,"seqNum":23}'))


async def _damaged(desk: Desk) -> None:
    await desk.world.put("meta", "pruned", Record(2, '{"first":24,"seqNum":23}'))


@pytest.mark.parametrize("damage", [_without_the_mark, _of_another_entry, _of_more, _damaged])
async def test_a_mark_that_no_user_vouches_for_is_noticed(desk: Desk, damage: Any) -> None:
    await desk.prune()
    await damage(desk)
    assert not (await desk.worker.call("verifyAuditChain"))["valid"]
    assert (await desk.world.worker()).start["type"] == "kms:refused"


@pytest.mark.parametrize("signed", ["entry", "certificate"])
async def test_a_mark_holds_by_the_users_signatures_only(desk: Desk, signed: str) -> None:
    await desk.prune()
    memory = desk.world.memory
    log = await read_log(memory, ENCLAVE)
    entry = await desk.world.value("audit", 23)
    if signed == "certificate":
        entry["details"]["instanceCert"]["sig"] = entry["sig"]
    else:
        entry["sig"] = entry["details"]["instanceCert"]["sig"]
    # Whoever has the storage can hash anew.
    entry["chainHash"] = chain_hash(entry)
    await desk.world.put("audit", 23, Record(2, canonical_entry(entry).decode()))
    (mark,) = await memory.read([PRUNED])
    with pytest.raises(BadEntryError, match="not by the user"):
        await verify_mark(
            memory,
            desk.world.crypto,
            parse_mark(mark),
            log.head,
            expected_uak=str(log.instance.record.uak_public),
        )


@pytest.mark.parametrize("tile", ["0/0000000000", "0/0000000017", "1/0000000000"])
async def test_the_tree_of_what_was_dropped_is_verified(world: World, tile: str) -> None:
    worker = await world.ready()
    lease = await worker.create_lease(quotas={"tokensPerHour": 1000})
    for _ in range(300):
        await worker.issue(lease)
    note = (await worker.call("getAuditCheckpoint"))["checkpoint"]
    await worker.call("pruneAudit", keep=10, checkpoint=note, credentials=CREDENTIALS)
    assert (await worker.call("verifyAuditChain"))["valid"]
    hashes = (await world.value("tree", tile))["hashes"]
    await world.tamper("tree", tile, hashes=f"AAAA{hashes[4:]}")
    assert not (await worker.call("verifyAuditChain"))["valid"]
    await world.delete("tree", tile)
    assert not (await worker.call("verifyAuditChain"))["valid"]


async def test_entries_that_no_user_dropped_are_missed(desk: Desk) -> None:
    for number in range(10):
        await desk.world.delete("audit", number)
    await desk.world.put("meta", "pruned", Record(1, '{"first":10,"seqNum":22}'))
    assert not (await desk.worker.call("verifyAuditChain"))["valid"]
    assert (await desk.world.worker()).start["type"] == "kms:refused"


@pytest.mark.parametrize("moment", [[Address("meta", "pruned")], [INSTANCE, HEAD]])
async def test_an_export_that_a_pruning_overtakes_at_its_beginning_begins_again(
    desk: Desk, moment: list[Address]
) -> None:
    other = Desk(desk.world, await desk.world.worker(), desk.lease, desk.checkpoint)

    async def prune(addresses: Sequence[Address]) -> None:
        if list(addresses) == moment:
            desk.world.storage.after_read = None
            await other.prune()

    desk.world.storage.after_read = prune
    lines = await export(desk.worker)
    assert json.loads(lines[2])["type"] == "pruned"
    assert await asyncio.to_thread(judge, lines) is None


async def test_an_export_that_is_overtaken_by_a_pruning_is_to_be_made_again(desk: Desk) -> None:
    await desk.prune()
    with pytest.raises(Refusal) as caught:
        await desk.worker.call("exportAudit", **{"from": 5, "size": 23})
    assert caught.value.details == {
        "field": "from",
        "reason": "was dropped meanwhile; export again",
    }
