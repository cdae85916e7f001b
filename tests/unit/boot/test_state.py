"""What a start believes: the state that was left behind, or nothing at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
from doubles import FaultyStorage
from enclave import CREDENTIALS, ENCLAVE, Refusal, Worker, World
from kms_enclave.adapters.native.locks import AsyncioLocks
from kms_enclave.audit.proofs import read_log
from kms_enclave.encoding import format_base64url
from kms_enclave.ports.storage import Record
from kms_enclave.tlog.checkpoint import Checkpoint, sign_checkpoint


def _operations(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["op"] for entry in entries]


async def test_the_first_start_begins_an_instance(world: World) -> None:
    worker = await world.worker()
    assert worker.start["type"] == "kms:ready"
    (genesis,) = await worker.log()
    assert (genesis["op"], genesis["seqNum"], genesis["signer"]) == ("instance.start", 0, "KIAK")
    status = await worker.call("getStatus")
    assert genesis["details"]["instanceId"] == status["instanceId"]
    assert genesis["details"]["codeHash"] == status["codeHash"]


async def test_a_second_start_finds_the_instance(world: World) -> None:
    first = await world.ready()
    second = await world.worker()
    assert second.start["type"] == "kms:ready"
    assert await second.call("getStatus") == await first.call("getStatus")
    assert _operations(await second.log()) == ["instance.start", "setup"]


@pytest.mark.parametrize("tabs", [2, 5])
async def test_tabs_that_start_together_begin_one_instance(world: World, tabs: int) -> None:
    workers = await asyncio.gather(*(world.worker() for _ in range(tabs)))
    assert {worker.start["type"] for worker in workers} == {"kms:ready"}
    assert _operations(await workers[0].log()) == ["instance.start"]


async def test_a_tab_that_starts_while_another_issues_is_ready(world: World) -> None:
    first = await world.ready()
    lease = await first.create_lease()
    issued = 0

    async def issue(addresses: Any) -> None:
        nonlocal issued
        if issued < 3 and any(address.key == "head" for address in addresses):
            issued += 1
            await first.issue(lease)

    second = await world.worker(storage=FaultyStorage(world.memory, after_read=issue))
    assert issued == 3
    assert second.start["type"] == "kms:ready"


async def test_a_self_test_that_was_cut_short_does_not_lock_a_fresh_enclave(world: World) -> None:
    key = (await world.crypto.generate_audit_key()).private
    left = Record(1, "{}", {"key": key}, expires_ms=world.clock.now_ms() + 60_000)
    await world.put("meta", "probe/left-behind", left)
    worker = await world.worker()
    assert worker.start["type"] == "kms:ready"


async def test_what_a_self_test_left_behind_is_deleted_later(world: World) -> None:
    await world.put("meta", "probe/old", Record(1, "{}", {}, world.clock.now_ms() - 1))
    await world.put("meta", "probe/live", Record(1, "{}", {}, world.clock.now_ms() + 1))
    await world.worker()
    keys = [key for key, _ in await world.memory.scan("meta", after=None, limit=99)]
    assert keys == ["head", "instance", "probe/live"]


async def test_a_new_build_is_logged_once(world: World) -> None:
    await world.ready()
    build = {"version": "2.0.0", "codeHash": "code-2", "manifestHash": "manifest-2"}
    await world.worker(build=build)
    worker = await world.worker(build=build)
    entries = await worker.log()
    assert _operations(entries) == ["instance.start", "setup", "build.change"]
    assert entries[-1]["details"] == {
        "from": {"codeHash": "code-1", "manifestHash": "manifest-1"},
        "to": {"codeHash": "code-2", "manifestHash": "manifest-2"},
    }
    assert (await worker.call("verifyAuditChain"))["valid"]


async def test_tabs_that_start_a_new_build_together_log_it_once(world: World) -> None:
    await world.ready()
    workers = await asyncio.gather(*(world.worker(build={"codeHash": "2"}) for _ in range(3)))
    assert _operations(await workers[0].log())[2:] == ["build.change"]


async def test_the_new_builds_certificate_comes_with_the_next_authentication(world: World) -> None:
    await world.ready()
    worker = await world.worker(build={"codeHash": "code-2"})
    certificate = (await world.value("meta", "instance"))["kiakCert"]
    assert certificate["codeHash"] == "code-1"
    await worker.create_lease()
    certificate = (await world.value("meta", "instance"))["kiakCert"]
    assert certificate["codeHash"] == "code-2"
    assert (await worker.call("verifyAuditChain"))["valid"]


Damage = Callable[[World], Awaitable[None]]


def _delete(store: str, key: str | int) -> Damage:
    return lambda world: world.delete(store, key)


def _put(key: str, text: str) -> Damage:
    return lambda world: world.put("meta", key, Record(1, text))


def _overwrite(key: str, text: str) -> Damage:
    async def damage(world: World) -> None:
        record = await world.record("meta", key)
        await world.put("meta", key, Record(record.revision, text, record.handles))

    return damage


async def _replace_last(world: World) -> None:
    await world.tamper("audit", 2, requestId="edited")


async def _last_is_an_earlier_one(world: World) -> None:
    await world.put("audit", 2, await world.record("audit", 1))


async def _entry_beyond(world: World) -> None:
    await world.put("audit", 3, await world.record("audit", 2))


async def _empty_log(world: World) -> None:
    for number in range(3):
        await world.delete("audit", number)


async def _no_log_at_all(world: World) -> None:
    await _empty_log(world)
    await world.delete("meta", "head")


async def _only_keys_left(world: World) -> None:
    await _no_log_at_all(world)
    await world.delete("meta", "instance")


async def _instance_without_its_key(world: World) -> None:
    record = await world.record("meta", "instance")
    await world.put("meta", "instance", Record(record.revision, record.value))


async def _head_of_the_entry_before(world: World) -> None:
    entry = await world.value("audit", 1)
    await world.tamper("meta", "head", seqNum=1, chainHash=entry["chainHash"])


async def _earlier_entry_edited(world: World) -> None:
    await world.tamper("audit", 1, requestId="edited")


async def _tree_of_another_log(world: World) -> None:
    head = await world.value("meta", "head")
    await world.tamper("meta", "head", tree=[head["tree"][0][::-1]])


async def _half_a_pair(world: World) -> None:
    record = await world.record("audit", 1)
    text = record.value.replace('"op":"', '"op":"\ud800')
    await world.put("audit", 1, Record(record.revision, text))


async def _head_of_an_earlier_time(world: World) -> None:
    await world.tamper("meta", "head", timestamp=(await world.value("audit", 2))["timestamp"] - 1)


async def _certificate(world: World, **changes: object) -> None:
    """Change the certificate of the instance's record; a field that becomes ``...`` is left out."""
    held = (await world.value("meta", "instance"))["kiakCert"]
    kept = {name: value for name, value in {**held, **changes}.items() if value is not ...}
    await world.tamper("meta", "instance", kiakCert=kept)


async def _instance_with_another_key(world: World) -> None:
    key = await world.crypto.generate_audit_key()
    await world.tamper("meta", "instance", kiakPublic=format_base64url(key.public_raw))
    record = await world.record("meta", "instance")
    await world.put("meta", "instance", attrs.evolve(record, handles={"kiak": key.private}))
    await world.delete("meta", "verified")


_DAMAGES: dict[str, Damage] = {
    "an entry holds half a surrogate pair": _half_a_pair,
    "the head's time is before the last entry's": _head_of_an_earlier_time,
    "the instance's key is another one": _instance_with_another_key,
    "the instance's id is another one": lambda world: world.tamper(
        "meta", "instance", instanceId="another"
    ),
    "the instance's certificate is of other operations": lambda world: _certificate(
        world, scope=[]
    ),
    "the instance's certificate lacks its end": lambda world: _certificate(world, notAfter=...),
    "the instance's certificate is no text": lambda world: _certificate(world, codeHash="\ud800"),
    "the instance's certificate is gone": lambda world: world.tamper(
        "meta", "instance", kiakCert=None
    ),
    "the user's key is gone": lambda world: world.tamper("meta", "instance", uakPublic=None),
    "one of the last entries is edited": _earlier_entry_edited,
    "one of the last entries is deleted": _delete("audit", 1),
    "the head's tree is another one": _tree_of_another_log,
    "the last verdict was a fault": _put("verified", '{"checkpoint":null,"fault":"x"}'),
    "the last verdict is damaged": _put("verified", "{}"),
    "the last verdict is another log's": _put("verified", '{"checkpoint":"x","isSetup":true}'),
    "something was pruned by nobody": _put("pruned", '{"first":1,"seqNum":2}'),
    "the last entry is deleted": _delete("audit", 2),
    "the last entry is edited": _replace_last,
    "the last entry is an earlier one": _last_is_an_earlier_one,
    "an entry lies beyond the head": _entry_beyond,
    "the head is an earlier one": _head_of_the_entry_before,
    "every entry is deleted": _empty_log,
    "entries and head are deleted": _no_log_at_all,
    "the head is deleted": _delete("meta", "head"),
    "the head is no JSON": _overwrite("head", "nonsense"),
    "the head is a list": _overwrite("head", "[]"),
    "the head has wrong types": _overwrite("head", '{"seqNum":"2","chainHash":1,"timestamp":null}'),
    "the head is before the log": _overwrite(
        "head", '{"seqNum":-1,"chainHash":"' + "0" * 64 + '","timestamp":0}'
    ),
    "the instance is deleted": _delete("meta", "instance"),
    "the instance is no JSON": _overwrite("instance", "nonsense"),
    "the instance has an unknown field": _overwrite("instance", '{"x":1}'),
    "the instance's key is gone": _instance_without_its_key,
    "only keys and leases are left": _only_keys_left,
}


async def _damaged(world: World, damage: Damage) -> Worker:
    before = await world.ready()
    await before.create_lease()
    await damage(world)
    return await world.worker()


@pytest.mark.parametrize("damage", _DAMAGES.values(), ids=_DAMAGES.keys())
async def test_what_cannot_be_what_was_left_behind_locks_the_enclave(
    world: World, damage: Damage
) -> None:
    worker = await _damaged(world, damage)
    assert worker.start["type"] == "kms:refused"
    assert worker.start["error"]["code"] == "attestation.failed"
    for method, params in {
        "isSetup": {},
        "getPublicKey": {},
        "verifyAuditChain": {},
        "setupPassphrase": {"passphrase": "another passphrase"},
        "createLease": {},
        "issueVAPIDJWT": {},
    }.items():
        with pytest.raises(Refusal) as caught:
            await worker.call(method, **params)
        assert caught.value.code == "attestation.failed", method


@pytest.mark.parametrize("damage", _DAMAGES.values(), ids=_DAMAGES.keys())
async def test_a_locked_enclave_shows_its_evidence(world: World, damage: Damage) -> None:
    worker = await _damaged(world, damage)
    status = await worker.call("getStatus")
    assert status["state"] == "locked"
    assert status["reason"]
    assert len(await worker.log()) == await world.memory.count("audit")


@pytest.mark.parametrize("damage", _DAMAGES.values(), ids=_DAMAGES.keys())
async def test_a_locked_enclave_is_reset_by_the_users_word(world: World, damage: Damage) -> None:
    worker = await _damaged(world, damage)
    worker.user = lambda ask: {"answer": {"word": ask["word"]}}
    assert (await worker.call("resetKMS"))["success"]
    assert (await worker.call("getStatus"))["state"] == "ready"
    await worker.set_up()
    again = await world.worker()
    assert again.start["type"] == "kms:ready"
    assert (await again.call("verifyAuditChain"))["valid"]


async def test_nothing_is_written_over_the_evidence(world: World) -> None:
    worker = await _damaged(world, _head_of_the_entry_before)
    before = await world.record("audit", 2)
    wrong = {**CREDENTIALS, "passphrase": "wrong wrong"}
    with pytest.raises(Refusal) as caught:
        await worker.call("resetKMS", credentials=wrong)
    assert caught.value.code == "attestation.failed"
    assert await world.record("audit", 2) == before


async def test_another_tab_without_the_lock_still_writes_one_chain(world: World) -> None:
    first = await world.ready()
    world.locks = AsyncioLocks()
    second = await world.worker()
    lease = await first.create_lease()
    await asyncio.gather(*(tab.issue(lease) for tab in (first, second) for _ in range(10)))
    assert (await first.call("verifyAuditChain"))["entries"] == 23


async def _long_log(world: World) -> Worker:
    worker = await world.ready()
    lease = await worker.create_lease()
    for _ in range(37):
        await worker.issue(lease)
    return worker


async def test_a_tile_that_does_not_fit_the_next_level_locks(world: World) -> None:
    await _long_log(world)
    tile = await world.value("tree", "0/0000000001")
    await world.tamper("tree", "0/0000000001", hashes="AAAA" + tile["hashes"][4:])
    worker = await world.worker()
    assert worker.start["error"]["details"] == {
        "reason": "the tree's level 0 is not that of the next"
    }


async def test_a_log_shorter_than_when_it_was_verified_locks(world: World) -> None:
    worker = await world.ready()
    head = await world.record("meta", "head")
    await worker.create_lease()
    assert (await worker.call("verifyAuditChain"))["valid"]
    await world.delete("audit", 2)
    await world.put("meta", "head", head)
    again = await world.worker()
    reason = "the log is shorter than when it was verified last"
    assert again.start["error"]["details"] == {"reason": reason}


async def test_a_tree_that_is_not_the_one_verified_last_locks(world: World) -> None:
    worker = await world.ready()
    assert (await worker.call("verifyAuditChain"))["valid"]
    log = await read_log(world.storage, ENCLAVE)
    other = Checkpoint(log.origin, log.head.size, bytes(32))
    note = await sign_checkpoint(world.crypto, log.instance.kiak, log.kiak_public, other)
    await world.tamper("meta", "verified", checkpoint=note)
    again = await world.worker()
    reason = "the tree is not the one that was verified last"
    assert again.start["error"]["details"] == {"reason": reason}


async def test_a_fault_in_the_middle_that_a_verification_found_locks_the_next_start(
    world: World,
) -> None:
    worker = await _long_log(world)
    await world.delete("audit", 5)
    assert (await world.worker()).start["type"] == "kms:ready", "a start looks at the end"
    assert not (await worker.call("verifyAuditChain"))["valid"]
    again = await world.worker()
    reason = "the last verification found a fault: entry 5: is missing"
    assert again.start["error"]["details"] == {"reason": reason}


async def test_a_start_reads_the_same_amount_however_long_the_log_is(world: World) -> None:
    worker = await world.ready()
    lease = await worker.create_lease(
        quotas={"tokensPerHour": 1000, "sendsPerMinute": 1000, "sendsPerMinutePerEid": 1000}
    )
    counts: list[int] = []
    for _ in range(3):
        for _ in range(100):
            await worker.issue(lease)
        read = 0

        async def count(addresses: Any) -> None:
            nonlocal read
            read += len(addresses)

        await world.worker(storage=FaultyStorage(world.memory, after_read=count))
        counts.append(read)
    # 16 entries and a few records; a tile a level.
    assert max(counts) <= 35
    assert max(counts) - min(counts) <= 2
