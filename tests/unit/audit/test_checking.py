"""Verification of the stored log: with its tree, from the last verdict on, beside issuing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from doubles import CrashError, FaultyStorage
from enclave import APP, CREDENTIALS, Worker, World
from kms_enclave.audit.checking import verify_and_remember
from kms_enclave.audit.stored_log import Pace, Verdict
from kms_enclave.audit.verdict import VERDICT
from kms_enclave.ports.crypto import CryptoPort, SignatureCheck
from kms_enclave.ports.storage import (
    Address,
    Key,
    Record,
    StorageError,
    StoragePort,
    StoreName,
)

_MANY = {"tokensPerHour": 1000, "sendsPerMinute": 1000, "sendsPerMinutePerEid": 1000}


@attrs.define
class Log:
    """A log of 300 entries."""

    world: World
    worker: Worker
    lease: str

    async def verdict(self, **params: Any) -> Any:
        return await self.worker.call("verifyAuditChain", **params)

    async def errors(self, **params: Any) -> list[Any]:
        return list((await self.verdict(**params))["errors"])


@pytest.fixture
async def log(world: World) -> Log:
    worker = await world.ready()
    lease = await worker.create_lease(quotas=_MANY)
    for _ in range(297):
        await worker.issue(lease)
    return Log(world, worker, lease)


async def test_the_stored_tree_is_verified_with_the_entries(log: Log) -> None:
    tile = await log.world.value("tree", "0/0000000003")
    await log.world.tamper("tree", "0/0000000003", hashes="AAAA" + tile["hashes"][4:])
    assert await log.errors() == [
        {"seqNum": -1, "reason": "the stored tree is not that of the entries"}
    ]
    await log.world.delete("tree", "0/0000000003")
    assert await log.errors() == [{"seqNum": -1, "reason": "tile 3 of level 0 is missing"}]


async def test_the_heads_tree_is_verified_with_the_entries(log: Log) -> None:
    head = await log.world.value("meta", "head")
    await log.world.tamper("meta", "head", tree=["A" * len(text) for text in head["tree"]])
    assert await log.errors() == [
        {"seqNum": -1, "reason": "the head's tree is not that of the entries"}
    ]


async def test_a_missing_end_before_a_strangers_entry_ends_the_verification(log: Log) -> None:
    await log.world.put("audit", 300, await log.world.record("audit", 299))
    await log.world.delete("audit", 299)
    assert (await log.errors())[0] == {"seqNum": 299, "reason": "is missing"}


async def test_a_signature_is_named_before_a_fault_that_is_found_sooner_behind_it(log: Log) -> None:
    await _forge_signature(log, 57)
    await log.world.delete("audit", 105)
    verdict = await log.verdict()
    assert verdict["errors"] == [{"seqNum": 57, "reason": "a signature is not valid"}]
    assert verdict["entries"] == 57


class _FailingBehind(FaultyStorage):
    """Storage whose entries behind number 99 cannot be read."""

    async def scan(
        self, store: StoreName, *, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        if store == "audit" and after == 99:
            raise StorageError("unavailable", "this page cannot be read")
        return await super().scan(store, after=after, limit=limit)


async def _verify(log: Log, storage: StoragePort, **options: Any) -> Verdict:
    crypto = log.world.crypto
    return await verify_and_remember(
        storage, crypto, enclave_origin="https://kms.example", **options
    )


async def _forge_signature(log: Log, seq_num: int) -> None:
    other = await log.world.value("audit", seq_num + 1)
    await log.world.tamper("audit", seq_num, sig=other["sig"])


async def test_a_fault_is_named_though_storage_fails_behind_it(log: Log) -> None:
    await _forge_signature(log, 57)
    verdict = await _verify(log, _FailingBehind(log.world.memory))
    assert str(verdict.fault) == "entry 57: a signature is not valid"


class _FailingOnce:
    """Crypto whose second page of signatures cannot be verified."""

    def __init__(self, inner: CryptoPort) -> None:
        self._inner = inner
        self._pages = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def verify_ed25519(self, checks: Sequence[SignatureCheck]) -> Sequence[bool]:
        self._pages += len(checks) > 1
        if self._pages == 2:
            raise CrashError
        return await self._inner.verify_ed25519(checks)


async def test_a_fault_is_named_though_storage_and_signatures_fail_behind_it(log: Log) -> None:
    await _forge_signature(log, 7)
    verdict = await verify_and_remember(
        _FailingBehind(log.world.memory),
        _FailingOnce(log.world.crypto),
        enclave_origin="https://kms.example",
        pace=Pace(page=50),
    )
    assert str(verdict.fault) == "entry 7: a signature is not valid"


async def test_storage_that_fails_behind_good_entries_is_no_verdict(log: Log) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        await _verify(log, _FailingBehind(log.world.memory))


async def test_progress_counts_only_what_holds(log: Log) -> None:
    seen: list[tuple[int, int]] = []
    await _forge_signature(log, 57)
    await _verify(log, log.world.storage, pace=Pace(progress=lambda *at: seen.append(at)))
    assert seen == [(57, 300)]


async def test_an_incremental_verification_begins_at_the_last_good_one(log: Log) -> None:
    assert (await log.verdict())["entries"] == 300
    await log.worker.issue(log.lease)
    await log.world.tamper("audit", 100, requestId="edited")
    verdict = await log.verdict(incremental=True)
    assert (verdict["valid"], verdict["entries"]) == (True, 301), "what was verified stays so"
    assert (await log.errors())[0]["seqNum"] == 100


async def test_an_incremental_verification_finds_what_is_wrong_since(log: Log) -> None:
    await log.verdict()
    for _ in range(3):
        await log.worker.issue(log.lease)
    await log.world.tamper("audit", 301, requestId="edited")
    assert (await log.errors(incremental=True))[0]["seqNum"] == 301


async def test_the_last_verified_entry_is_still_the_one_that_was_verified(log: Log) -> None:
    await log.verdict()
    await log.worker.issue(log.lease)
    await log.world.tamper("audit", 299, requestId="edited")
    assert (await log.errors(incremental=True))[0]["seqNum"] == 299


@pytest.mark.parametrize("stored", [None, "{}", '{"checkpoint":"x","isSetup":true}'])
async def test_without_a_good_verdict_everything_is_verified(log: Log, stored: str | None) -> None:
    await log.world.tamper("audit", 100, requestId="edited")
    if stored is not None:
        await log.world.put("meta", "verified", Record(1, stored))
    assert (await log.errors(incremental=True))[0]["seqNum"] == 100


async def test_a_fault_is_not_forgotten_by_an_incremental_verification(log: Log) -> None:
    await log.verdict()
    record = await log.world.record("audit", 100)
    await log.world.tamper("audit", 100, requestId="edited")
    await log.verdict()
    assert not (await log.verdict(incremental=True))["valid"]
    await log.world.put("audit", 100, record)
    assert (await log.verdict())["valid"]
    assert (await log.world.worker()).start["type"] == "kms:ready"


async def test_a_fault_that_is_found_meanwhile_is_not_forgotten_either(log: Log) -> None:
    await log.verdict()
    await log.worker.issue(log.lease)
    await log.world.tamper("audit", 100, requestId="edited")

    async def find_the_fault(addresses: Sequence[Address]) -> None:
        if list(addresses) == [VERDICT]:
            log.world.storage.after_read = None
            found = await verify_and_remember(
                log.world.storage, log.world.crypto, enclave_origin="https://kms.example"
            )
            assert found.fault is not None

    log.world.storage.after_read = find_the_fault
    assert (await log.verdict(incremental=True))["valid"], "it began behind the fault"
    assert not (await log.verdict(incremental=True))["valid"]
    assert (await log.world.worker()).start["type"] == "kms:refused"


async def _half_a_pair(log: Log) -> None:
    record = await log.world.record("audit", 100)
    text = record.value.replace('"requestId":"', '"requestId":"\ud800')
    await log.world.put("audit", 100, attrs.evolve(record, value=text))


async def _certificate(log: Log) -> None:
    certificate = (await log.world.value("meta", "instance"))["kiakCert"]
    await log.world.tamper("meta", "instance", kiakCert={**certificate, "codeHash": "another"})


async def _head_of_an_earlier_time(log: Log) -> None:
    last = await log.world.value("audit", 299)
    await log.world.tamper("meta", "head", timestamp=last["timestamp"] - 1)


@pytest.mark.parametrize(
    ("damage", "seq_num", "reason"),
    [
        (_half_a_pair, 100, "is not JSON"),
        (
            _certificate,
            -1,
            "the log is damaged: in the instance, the certificate's signature is not valid",
        ),
        (_head_of_an_earlier_time, 299, "is of a later time than the head"),
    ],
)
async def test_what_stands_beside_the_entries_is_verified_too(
    log: Log, damage: Any, seq_num: int, reason: str
) -> None:
    await damage(log)
    assert await log.errors() == [{"seqNum": seq_num, "reason": reason}]
    assert (await log.world.worker()).start["type"] == "kms:refused"


async def test_a_log_of_another_instance_than_the_records_is_bad(world: World) -> None:
    worker = await world.worker()
    await world.tamper("meta", "instance", instanceId="another")
    verdict = await worker.call("verifyAuditChain")
    assert verdict["errors"] == [{"seqNum": 0, "reason": "the log is another instance's"}]


async def test_a_setup_after_the_last_good_verification_is_no_second_one(world: World) -> None:
    worker = await world.worker()
    assert (await worker.call("verifyAuditChain"))["valid"]
    await worker.set_up()
    assert (await worker.call("verifyAuditChain", incremental=True))["valid"]
    await worker.create_lease()
    assert (await worker.call("verifyAuditChain", incremental=True))["valid"]


async def test_issuing_goes_on_while_the_log_is_verified(log: Log) -> None:
    seen: list[tuple[int, int]] = []
    pace = Pace(page=10, progress=lambda *at: seen.append(at))
    running = asyncio.ensure_future(
        verify_and_remember(
            log.world.storage, log.world.crypto, enclave_origin="https://kms.example", pace=pace
        )
    )
    issued = 0
    while not running.done():
        await log.worker.issue(log.lease)
        issued += 1
    assert issued > 5
    verdict = await running
    assert verdict.fault is None
    # What was there when it began, with the one that was under way then, if that was faster.
    assert verdict.size in (300, 301)
    assert {total for _, total in seen} == {verdict.size}
    assert [at for at, _ in seen][:30] == list(range(10, 301, 10))


async def test_a_pruning_meanwhile_is_no_fault(log: Log) -> None:
    note = (await log.worker.call("getAuditCheckpoint"))["checkpoint"]

    async def prune(at: int, total: int) -> None:
        await log.worker.call("pruneAudit", keep=0, checkpoint=note, credentials=CREDENTIALS)

    started: list[asyncio.Task[None]] = []

    def progress(at: int, total: int) -> None:
        if not started:
            started.append(asyncio.ensure_future(prune(at, total)))

    verdict = await verify_and_remember(
        log.world.storage,
        log.world.crypto,
        enclave_origin="https://kms.example",
        pace=Pace(page=10, pause_s=0.01, progress=progress),
    )
    await started[0]
    assert verdict.fault is None


async def test_a_start_verifies_the_whole_log_by_itself(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = asyncio.Event()

    async def verify(storage: StoragePort, crypto: CryptoPort, **options: Any) -> Verdict:
        found = await verify_and_remember(storage, crypto, **options)
        verified.set()
        return found

    monkeypatch.setattr("kms_enclave.app._VERIFY_AFTER_S", 0)
    monkeypatch.setattr("kms_enclave.app.verify_and_remember", verify)
    await log.world.delete("audit", 100)
    worker = await log.world.worker()
    assert worker.start["type"] == "kms:ready"
    await verified.wait()
    again = await log.world.worker()
    reason = "the last verification found a fault: entry 100: is missing"
    assert again.start["error"]["details"] == {"reason": reason}


async def test_the_page_that_asked_is_told_of_the_progress(log: Log) -> None:
    await log.verdict()
    events = [m for m in log.worker.sent if m.get("event") == "audit.progress"]
    assert {event["origin"] for event in events} == {APP}
    told = [(event["data"]["verified"], event["data"]["entries"]) for event in events]
    assert told == [(100, 300), (200, 300), (300, 300)]


async def test_another_entry_in_the_last_verified_ones_place_is_named(log: Log) -> None:
    await log.verdict()
    await log.worker.issue(log.lease)
    await log.world.put("audit", 299, await log.world.record("audit", 298))
    reason = "is not the entry that was verified before"
    assert await log.errors(incremental=True) == [{"seqNum": 299, "reason": reason}]
