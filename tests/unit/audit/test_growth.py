"""`proveAudit`: all that a page needs to find what it remembers in the log, of one moment."""

from __future__ import annotations

import hashlib
from typing import Any

import attrs
import pytest
import rfc8785
from enclave import CREDENTIALS, Refusal, Worker, World
from kms_enclave.ports.storage import Record
from kms_enclave.tlog.checkpoint import parse_signed_checkpoint
from kms_enclave.tlog.merkle import verify_consistency, verify_inclusion


@attrs.frozen
class Used:
    """A log of 40 entries."""

    world: World
    worker: Worker
    lease: str

    async def checkpoint(self) -> tuple[int, bytes]:
        note = (await self.worker.call("getAuditCheckpoint"))["checkpoint"]
        return _opened(note)


def _opened(note: str) -> tuple[int, bytes]:
    checkpoint = parse_signed_checkpoint(note).checkpoint
    return checkpoint.size, checkpoint.root


def _bytes(path: list[str]) -> list[bytes]:
    return [bytes.fromhex(each) for each in path]


@pytest.fixture
async def used(world: World) -> Used:
    worker = await world.ready()
    lease = await worker.create_lease()
    for _ in range(37):
        await worker.issue(lease)
    return Used(world, worker, lease)


async def test_the_keys_are_those_of_the_log(used: Used) -> None:
    proof = await used.worker.call("proveAudit")
    keys = await used.worker.call("getAuditPublicKey")
    assert proof["auditPublicKey"] == keys["publicKey"]
    for name in ("instancePublicKey", "instanceCert"):
        assert proof[name] == keys[name]
    assert _opened(proof["checkpoint"]) == await used.checkpoint()
    assert (proof["consistency"], proof["inclusion"]) == (None, [])


async def test_before_a_setup_there_is_no_audit_key(world: World) -> None:
    proof = await (await world.worker()).call("proveAudit", **{"from": 1, "entries": [0]})
    assert (proof["auditPublicKey"], proof["instanceCert"]) == (None, None)
    assert (proof["consistency"], proof["inclusion"]) == ([], [[]])


async def test_an_earlier_log_is_proved_to_be_its_beginning(used: Used) -> None:
    old_size, old_root = await used.checkpoint()
    for _ in range(20):
        await used.worker.issue(used.lease)
    proof = await used.worker.call("proveAudit", **{"from": old_size})
    size, root = _opened(proof["checkpoint"])
    assert (old_size, size) == (40, 60)
    verify_consistency(
        _bytes(proof["consistency"]),
        expected_old_size=old_size,
        expected_old_root=old_root,
        expected_size=size,
        expected_root=root,
    )


async def test_entries_are_proved_in_the_order_in_which_they_are_named(used: Used) -> None:
    numbers = [39, 0, 16, 16, 31]
    proof = await used.worker.call("proveAudit", entries=numbers)
    size, root = _opened(proof["checkpoint"])
    log = await used.worker.log()
    assert len(proof["inclusion"]) == len(numbers)
    for number, path in zip(numbers, proof["inclusion"], strict=True):
        verify_inclusion(
            _bytes(path),
            expected_leaf=hashlib.sha256(b"\x00" + rfc8785.dumps(log[number])).digest(),
            expected_index=number,
            expected_size=size,
            expected_root=root,
        )


async def test_what_the_log_does_not_have_is_the_finding_not_an_error(used: Used) -> None:
    proof = await used.worker.call("proveAudit", **{"from": 41, "entries": [39, 40]})
    assert proof["consistency"] is None
    present, absent = proof["inclusion"]
    assert present
    assert absent is None


async def test_a_pruned_entry_is_proved_still(used: Used) -> None:
    checkpoint = (await used.worker.call("getAuditCheckpoint"))["checkpoint"]
    log = await used.worker.log()
    prune = {"keep": 1, "checkpoint": checkpoint, "credentials": CREDENTIALS}
    assert (await used.worker.call("pruneAudit", **prune))["dropped"] > 5
    after = await used.worker.call("proveAudit", **{"from": 40, "entries": [5]})
    size, root = _opened(after["checkpoint"])
    verify_inclusion(
        _bytes(after["inclusion"][0]),
        expected_leaf=hashlib.sha256(b"\x00" + rfc8785.dumps(log[5])).digest(),
        expected_index=5,
        expected_size=size,
        expected_root=root,
    )
    assert after["consistency"] is not None


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from": 0}, "from"),
        ({"from": -1}, "from"),
        ({"entries": [-1]}, "entries"),
        ({"entries": [0] * 65}, "entries"),
        ({"entries": [True]}, "entries[0]"),
        ({"size": 5}, "size"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    used: Used, params: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refusal) as caught:
        await used.worker.call("proveAudit", **params)
    assert (caught.value.code, caught.value.details["field"]) == ("request.invalid", field)


async def test_a_damaged_tile_is_named(used: Used) -> None:
    await used.world.put("tree", "0/0000000000", Record(1, "{}"))
    with pytest.raises(Refusal) as caught:
        await used.worker.call("proveAudit", entries=[3])
    assert caught.value.code == "attestation.failed"
