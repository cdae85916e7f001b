"""Keys, checkpoints and proofs, as a page that trusts nobody checks them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import attrs
import pytest
import rfc8785
from enclave import CREDENTIALS, Refusal, Worker, World
from forging import unb64, verify_signature
from kms_enclave.ports.storage import Record
from kms_enclave.tlog.merkle import verify_consistency, verify_inclusion


@attrs.define
class Pinned:
    """A log of 40 entries, and what a page has remembered of it."""

    world: World
    worker: Worker
    lease: str
    origin: str
    public: bytes

    def open(self, note: str) -> tuple[int, bytes]:
        """Return size and root of a checkpoint, verified without the enclave's code."""
        text, _, line = note.rpartition("\n\n")
        origin, size, root = text.split("\n")
        dash, name, encoded = line.removesuffix("\n").split(" ")
        data = base64.b64decode(encoded)
        assert (dash, name, origin) == ("\u2014", self.origin, self.origin)
        number = hashlib.sha256(self.origin.encode() + b"\n\x01" + self.public).digest()[:4]
        assert data[:4] == number
        assert verify_signature(self.public, data[4:], f"{text}\n".encode())
        return int(size), base64.b64decode(root)

    async def checkpoint(self) -> tuple[int, bytes]:
        return self.open((await self.worker.call("getAuditCheckpoint"))["checkpoint"])


@pytest.fixture
async def pinned(world: World) -> Pinned:
    worker = await world.ready()
    lease = await worker.create_lease()
    for _ in range(37):
        await worker.issue(lease)
    keys = await worker.call("getAuditPublicKey")
    return Pinned(world, worker, lease, keys["origin"], unb64(keys["instancePublicKey"]))


async def test_the_keys_to_pin_are_the_logs(pinned: Pinned) -> None:
    keys = await pinned.worker.call("getAuditPublicKey")
    genesis, setup, *_ = await pinned.worker.log()
    assert keys["instancePublicKey"] == genesis["details"]["instancePublicKey"]
    assert keys["instanceId"] == genesis["details"]["instanceId"]
    assert keys["publicKey"] == setup["details"]["auditPublicKey"]
    assert keys["instanceCert"] == setup["details"]["instanceCert"]
    assert keys["origin"] == f"kms.example/{keys['instanceId']}"
    name, _, key = keys["verifierKey"].split("+", 2)
    assert (name, base64.b64decode(key)) == (keys["origin"], b"\x01" + pinned.public)


async def test_before_a_setup_only_the_instance_has_a_key(world: World) -> None:
    worker = await world.worker()
    keys = await worker.call("getAuditPublicKey")
    assert (keys["publicKey"], keys["instanceCert"]) == (None, None)
    assert (await worker.call("getAuditCheckpoint"))["size"] == 1


async def test_a_checkpoint_is_of_the_whole_log(pinned: Pinned) -> None:
    result = await pinned.worker.call("getAuditCheckpoint")
    size, root = pinned.open(result["checkpoint"])
    entries = await pinned.worker.log()
    assert (size, root.hex()) == (result["size"], result["rootHash"])
    assert (size, result["chainHash"]) == (len(entries), entries[-1]["chainHash"])


@pytest.mark.parametrize("seq_num", [0, 1, 15, 16, 31, 32, 38, 39])
async def test_every_entry_is_proved_in_the_checkpoint(pinned: Pinned, seq_num: int) -> None:
    size, root = await pinned.checkpoint()
    await pinned.worker.issue(pinned.lease)
    proof = await pinned.worker.call("getInclusionProof", seqNum=seq_num, size=size)
    entry = (await pinned.worker.log())[seq_num]
    leaf = hashlib.sha256(b"\x00" + rfc8785.dumps(entry)).digest()
    assert proof["leafHash"] == leaf.hex()
    verify_inclusion(
        [bytes.fromhex(each) for each in proof["path"]],
        expected_leaf=leaf,
        expected_index=seq_num,
        expected_size=size,
        expected_root=root,
    )


async def test_a_later_log_is_proved_to_have_grown_from_an_earlier_checkpoint(
    pinned: Pinned,
) -> None:
    old_size, old_root = await pinned.checkpoint()
    for _ in range(20):
        await pinned.worker.issue(pinned.lease)
    size, root = await pinned.checkpoint()
    proof = await pinned.worker.call("getConsistencyProof", **{"from": old_size})
    assert (proof["from"], proof["to"]) == (old_size, size) == (40, 60)
    verify_consistency(
        [bytes.fromhex(each) for each in proof["path"]],
        expected_old_size=old_size,
        expected_old_root=old_root,
        expected_size=size,
        expected_root=root,
    )


@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("getInclusionProof", {"seqNum": -1}, "seqNum"),
        ("getInclusionProof", {"seqNum": 40}, "seqNum"),
        ("getInclusionProof", {"seqNum": 5, "size": 5}, "seqNum"),
        ("getInclusionProof", {"seqNum": 0, "size": 0}, "size"),
        ("getInclusionProof", {"seqNum": 0, "size": 41}, "size"),
        ("getConsistencyProof", {"from": 0}, "from"),
        ("getConsistencyProof", {"from": 41}, "from"),
        ("getConsistencyProof", {"from": 5, "to": 4}, "from"),
        ("getConsistencyProof", {"from": 1, "to": 41}, "to"),
    ],
)
async def test_what_the_log_does_not_have_is_refused(
    pinned: Pinned, method: str, params: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refusal) as caught:
        await pinned.worker.call(method, **params)
    assert (caught.value.code, caught.value.details["field"]) == ("request.invalid", field)


@pytest.mark.parametrize(
    "tile", [None, "{}", '{"hashes":"!"}', '{"hashes":"AAAA"}', '{"hashes":""}']
)
async def test_a_missing_or_damaged_tile_is_named(pinned: Pinned, tile: str | None) -> None:
    if tile is None:
        await pinned.world.delete("tree", "0/0000000000")
    else:
        await pinned.world.put("tree", "0/0000000000", Record(1, tile))
    with pytest.raises(Refusal) as caught:
        await pinned.worker.call("getInclusionProof", seqNum=3)
    assert caught.value.code == "attestation.failed"


async def test_a_resets_closing_checkpoint_covers_the_old_logs_last_entry(pinned: Pinned) -> None:
    size, root = await pinned.checkpoint()
    result = await pinned.worker.call("resetKMS", credentials=CREDENTIALS)
    closing_size, closing_root = pinned.open(result["checkpoint"]["checkpoint"])
    (genesis,) = await pinned.worker.log()
    closing = genesis["details"]["previousLog"]["closing"]
    assert (size, closing_size) == (40, 41)
    # 40 = 32 + 8 entries: the new leaf hangs beside what was there.
    leaf = hashlib.sha256(b"\x00" + rfc8785.dumps(closing)).digest()
    verify_inclusion(
        [root],
        expected_leaf=leaf,
        expected_index=1,
        expected_size=2,
        expected_root=hashlib.sha256(b"\x01" + root + leaf).digest(),
    )
    assert genesis["details"]["previousLog"]["checkpoint"] == result["checkpoint"]["checkpoint"]
    assert closing_root != root


async def test_two_logs_never_share_an_origin(pinned: Pinned) -> None:
    await pinned.worker.call("resetKMS", credentials=CREDENTIALS)
    assert (await pinned.worker.call("getAuditPublicKey"))["origin"] != pinned.origin
