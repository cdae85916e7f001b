"""Export files: what a good one says, and what each bad one is told, without a traceback."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from enclave import CREDENTIALS, Refusal, World
from exports import export, exported, judge, pruned, unset, verdict
from forging import Forger, b64, unb64, verify_signature
from kms_enclave.log.verify.export import MAX_LINE_BYTES, BadExportError, ExportVerifier
from kms_enclave.log.verify.stream import read_lines, verify_export
from kms_enclave.ports.crypto import AuditSigningKey, SignatureCheck
from kms_enclave.ports.storage import Record
from kms_enclave.tlog.checkpoint import Checkpoint as Unsigned
from kms_enclave.tlog.checkpoint import CheckpointError, sign_checkpoint

Lines = list[bytes]


def _line(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _edited(line: bytes, **changes: object) -> bytes:
    return _line({**json.loads(line), **changes})


def test_a_good_file_says_whose_it_is() -> None:
    file = exported()
    summary = verdict(file.lines, key=file.key)
    note = json.loads(file.lines[0])["note"].split("\n")
    genesis, *_, last = (json.loads(line) for line in file.lines[2:])
    assert summary.origin == note[0] == f"kms.example/{genesis['details']['instanceId']}"
    assert (summary.size, summary.first) == (int(note[1]), 0)
    assert summary.chain_hash == last["chainHash"]
    assert summary.audit_public_key == file.key
    assert summary.instance_public_key == genesis["details"]["instancePublicKey"]
    assert summary.is_pinned


def test_without_a_key_nothing_is_pinned() -> None:
    assert not verdict(exported().lines).is_pinned


@pytest.mark.parametrize("make", [exported, pruned])
def test_another_key_than_the_expected_one_is_named(make: Callable[[], Any]) -> None:
    fault = judge(make().lines, key=unset().key)
    assert fault is not None
    assert fault.reason == "the User Audit Key is not the expected one"


def test_another_instances_key_is_named_in_a_log_without_a_setup() -> None:
    fault = judge(unset().lines, key=exported().key)
    assert fault is not None
    assert (fault.line, fault.reason) == (1, "the log's key is not the expected one")


def test_a_pruned_file_begins_at_what_was_kept() -> None:
    summary = verdict(pruned().lines)
    assert summary.first > 0
    assert len(pruned().lines) == 3 + summary.size - summary.first


def test_a_file_that_was_cut_back_to_an_older_checkpoint_shows_beside_a_newer_one() -> None:
    async def write() -> tuple[Lines, str]:
        world = World()
        worker = await world.ready()
        old = await export(worker)
        await worker.create_lease()
        return old, (await worker.call("getAuditCheckpoint"))["checkpoint"]

    old, newer = asyncio.run(write())
    assert judge(old) is None
    with pytest.raises(BadExportError, match="a checkpoint of 3 was seen before"):
        verdict(old, checkpoints=[newer])


def test_a_file_that_grew_from_an_older_checkpoint_says_so() -> None:
    async def write() -> tuple[Lines, str]:
        world = World()
        worker = await world.ready()
        older = (await worker.call("getAuditCheckpoint"))["checkpoint"]
        await worker.create_lease()
        return await export(worker), older

    lines, older = asyncio.run(write())
    assert verdict(lines, checkpoints=[older]).compared == (2,)


def test_another_history_than_the_older_checkpoints_is_named() -> None:
    async def write() -> tuple[Lines, str]:
        world = World()
        worker = await world.ready()
        kiak = (await world.record("meta", "instance")).handles["kiak"]
        assert isinstance(kiak, AuditSigningKey)
        keys = await worker.call("getAuditPublicKey")
        forged = await sign_checkpoint(
            world.crypto, kiak, b"\0" * 32, Unsigned(keys["origin"], 1, b"\1" * 32)
        )
        return await export(worker), forged

    lines, forged = asyncio.run(write())
    with pytest.raises(BadExportError, match="not those of the checkpoint that was seen before"):
        verdict(lines, checkpoints=[forged])


def test_a_bad_older_checkpoint_is_told_from_the_files_own() -> None:
    log = Forger()
    log.genesis()
    older = log.note(by=Ed25519PrivateKey.generate())
    with pytest.raises(BadExportError, match="the checkpoint to compare with is not this log's"):
        verdict(log.export(), checkpoints=[older])


def test_a_checkpoint_of_another_log_is_not_compared() -> None:
    other = json.loads(unset().lines[0])["note"]
    with pytest.raises(BadExportError, match="is another log's"):
        verdict(exported().lines, checkpoints=[other])
    with pytest.raises(CheckpointError):
        ExportVerifier(expected_checkpoints=["nonsense"])


def test_a_checkpoint_from_before_what_was_pruned_cannot_be_compared_with_the_file() -> None:
    async def write() -> tuple[Lines, str]:
        world = World()
        worker = await world.ready()
        older = (await worker.call("getAuditCheckpoint"))["checkpoint"]
        await worker.create_lease()
        note = (await worker.call("getAuditCheckpoint"))["checkpoint"]
        await worker.call("pruneAudit", keep=0, checkpoint=note, credentials=CREDENTIALS)
        return await export(worker), older

    lines, older = asyncio.run(write())
    with pytest.raises(BadExportError, match="cannot be compared with the file alone"):
        verdict(lines, checkpoints=[older])


def _larger_tree(lines: Lines) -> Lines:
    note = json.loads(lines[0])["note"]
    size = note.split("\n")[1]
    larger = note.replace(f"\n{size}\n", f"\n{int(size) + 1}\n")
    return [_edited(lines[0], note=larger), *lines[1:]]


def _other_certificate(lines: Lines) -> Lines:
    return [lines[0], pruned().lines[1], *lines[2:]]


def _missing_number(lines: Lines) -> Lines:
    return [*lines[:5], *lines[6:]]


def _repeated_number(lines: Lines) -> Lines:
    return [*lines[:5], lines[4], *lines[5:]]


_BAD: dict[str, tuple[Callable[[Lines], Lines], int, str]] = {
    "empty": (lambda _: [], 0, "the file is empty"),
    "no entry": (lambda lines: lines[:2], 2, "holds no entry"),
    "truncated between lines": (lambda lines: lines[:-1], 7, "ends with entry 4"),
    "truncated in a line": (lambda lines: [*lines[:-1], lines[-1][:99]], 8, "not JSON"),
    "not JSON": (lambda lines: [b"hello", *lines[1:]], 1, "not JSON"),
    "an empty line": (lambda lines: [*lines[:3], b"", *lines[3:]], 4, "not JSON"),
    "a repeated number": (_repeated_number, 6, "number 2 stands in its place"),
    "a missing number": (_missing_number, 6, "number 4 stands in its place"),
    "an unknown version of the file": (
        lambda lines: [_edited(lines[0], version=2), *lines[1:]],
        1,
        "unknown version",
    ),
    "a version of the file that is true": (
        lambda lines: [_edited(lines[0], version=True), *lines[1:]],
        1,
        "unknown version",
    ),
    "an unknown version of an entry": (
        lambda lines: [*lines[:3], _edited(lines[3], kmsVersion=3), *lines[4:]],
        4,
        "unknown version",
    ),
    "a checkpoint for a larger tree": (_larger_tree, 8, "its checkpoint covers 7 entries"),
    "no checkpoint": (lambda lines: lines[1:], 1, "a checkpoint must stand here"),
    "no certificate": (lambda lines: [lines[0], *lines[2:]], 2, "certificate of the checkpoint's"),
    "a certificate of another instance": (_other_certificate, 2, "another instance's"),
    "two certificates": (lambda lines: [*lines[:2], *lines[1:]], 3, "a second certificate"),
    "a checkpoint that is no text": (
        lambda lines: [_edited(lines[0], note=5), *lines[1:]],
        1,
        "wrong type",
    ),
    "a line of 10 MB": (lambda lines: [*lines[:4], b"x" * 10_000_000], 5, "longer than"),
}


@pytest.mark.parametrize(("damage", "line", "reason"), _BAD.values(), ids=_BAD.keys())
def test_a_bad_file_is_told_what_is_wrong_and_where(
    damage: Callable[[Lines], Lines], line: int, reason: str
) -> None:
    fault = judge(damage(list(exported().lines)))
    assert fault is not None
    assert fault.line == line
    assert reason in str(fault)


async def test_a_signature_by_the_right_key_over_other_bytes_is_named(world: World) -> None:
    worker = await world.ready()
    await worker.create_lease(credentials=CREDENTIALS)
    kiak = (await world.record("meta", "instance")).handles["kiak"]
    assert isinstance(kiak, AuditSigningKey)
    lines = await export(worker)
    genesis = json.loads(lines[2])
    signature = await world.crypto.sign_ed25519(kiak, genesis["chainHash"].encode())
    lines[2] = _edited(lines[2], sig=b64(signature))
    verifier = ExportVerifier()
    with pytest.raises(BadExportError) as caught:
        await verify_export(lines, verifier, _verify)
    assert (caught.value.line, caught.value.seq_num) == (3, 0)
    assert caught.value.reason == "a signature is not valid"


async def _verify(checks: Sequence[SignatureCheck]) -> Sequence[bool]:
    return [verify_signature(c.public_raw, c.signature, c.message) for c in checks]


def test_a_bad_signature_before_a_bad_line_is_named_first() -> None:
    lines = list(exported().lines)
    entry = json.loads(lines[3])
    lines[3] = _edited(lines[3], sig=json.loads(lines[4])["sig"])
    lines[6] = b"nonsense"
    assert entry["sig"] != json.loads(lines[3])["sig"]
    fault = judge(lines)
    assert fault is not None
    assert (fault.line, fault.seq_num) == (4, 1)


def test_lines_are_read_without_their_ends() -> None:
    assert list(read_lines(io.BytesIO(b"a\nb\n"))) == [b"a", b"b"]
    assert list(read_lines(io.BytesIO(b""))) == []


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"a\nb", 2, "cut off"),
        (b"a\n" + b"x" * 10_000_000 + b"\n", 2, "longer than"),
        (b"x" * (MAX_LINE_BYTES + 1), 1, "longer than"),
    ],
)
def test_a_file_of_no_lines_is_read_no_further(data: bytes, line: int, reason: str) -> None:
    file = io.BytesIO(data)
    with pytest.raises(BadExportError, match=reason) as caught:
        list(read_lines(file))
    assert caught.value.line == line
    assert file.tell() <= len(b"a\n") + MAX_LINE_BYTES + 1


async def test_progress_goes_from_nothing_to_everything() -> None:
    seen: list[tuple[int, int]] = []
    await verify_export(
        exported().lines, ExportVerifier(), _verify, progress=lambda *at: seen.append(at)
    )
    assert seen[-1] == (6, 6)


async def test_an_export_is_of_its_checkpoint_whatever_is_added_meanwhile(world: World) -> None:
    worker = await world.ready()
    lease = await worker.create_lease(
        quotas={"tokensPerHour": 1000, "sendsPerMinute": 1000, "sendsPerMinutePerEid": 1000}
    )
    for _ in range(600):
        await worker.issue(lease)
    part = await worker.call("exportAudit")
    assert (part["size"], part["next"]) == (603, 500)
    await worker.issue(lease)
    rest = await worker.call("exportAudit", **{"from": 500, "size": 603})
    assert rest["next"] is None
    lines = (part["text"] + rest["text"]).encode().splitlines()
    assert (await verify_export(lines, ExportVerifier(), _verify)).size == 603


@pytest.mark.parametrize(
    "params", [{"from": 0}, {"size": 1}, {"from": 2, "size": 2}, {"from": -1, "size": 2}]
)
async def test_a_part_that_is_none_is_refused(world: World, params: dict[str, int]) -> None:
    worker = await world.ready()
    with pytest.raises(Refusal) as caught:
        await worker.call("exportAudit", **params)
    assert (caught.value.code, caught.value.details["field"]) == ("request.invalid", "from")


async def test_a_locked_enclave_exports_what_it_holds(world: World) -> None:
    before = await world.ready()
    await before.call("verifyAuditChain")
    await before.create_lease()
    await world.put("audit", 2, Record(1, "nonsense"))
    worker = await world.worker()
    assert worker.start["type"] == "kms:refused"
    lines = await export(worker)
    assert json.loads(lines[0])["note"].split("\n")[1] == "2"
    stored = [(await world.record("audit", number)).value.encode() for number in range(3)]
    assert lines[1:] == stored
    with pytest.raises(BadExportError):
        await verify_export(lines, ExportVerifier(), _verify)


async def test_a_genuine_checkpoint_over_other_entries_is_named(world: World) -> None:
    worker = await world.ready()
    instance = await world.record("meta", "instance")
    kiak = instance.handles["kiak"]
    assert isinstance(kiak, AuditSigningKey)
    keys = await worker.call("getAuditPublicKey")
    public = unb64(keys["instancePublicKey"])
    lines = await export(worker)
    fork = Unsigned(keys["origin"], 2, b"\1" * 32)
    lines[0] = _edited(lines[0], note=await sign_checkpoint(world.crypto, kiak, public, fork))
    with pytest.raises(BadExportError, match="the entries are not those of the checkpoint"):
        await verify_export(lines, ExportVerifier(), _verify)


async def test_a_pruned_file_that_ends_before_the_pruning_entry_is_bad(world: World) -> None:
    worker = await world.ready()
    await worker.create_lease()
    note = (await worker.call("getAuditCheckpoint"))["checkpoint"]
    await worker.create_lease()
    later = (await worker.call("getAuditCheckpoint"))["checkpoint"]
    await worker.call("pruneAudit", keep=0, checkpoint=note, credentials=CREDENTIALS)
    lines = await export(worker)
    cut = [_edited(lines[0], note=later), *lines[1:-1]]
    with pytest.raises(BadExportError, match="pruned by is missing"):
        await verify_export(cut, ExportVerifier(), _verify)
