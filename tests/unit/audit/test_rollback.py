"""An older copy of everything stored, and a history that was forked: seen by who remembers."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from enclave import Refusal, Worker, World
from kms_enclave.adapters.native.memory import MemoryStorage
from kms_enclave.ports.storage import STORE_NAMES, Address, Put
from kms_enclave.tlog.merkle import ProofError, verify_consistency


async def _copy(memory: MemoryStorage) -> list[Put]:
    return [
        Put(Address(store, key), record)
        for store in STORE_NAMES
        for key, record in await memory.scan(store, after=None, limit=10_000)
    ]


async def _restore(memory: MemoryStorage, copy: list[Put]) -> None:
    await memory.replace_all(expectations=(), puts=copy)


async def _pin(worker: Worker) -> tuple[int, bytes]:
    result: Any = await worker.call("getAuditCheckpoint")
    return result["size"], base64.b64decode(result["checkpoint"].split("\n")[2])


async def test_an_older_copy_holds_in_itself_and_is_smaller_than_what_was_seen(
    world: World,
) -> None:
    worker = await world.ready()
    lease = await worker.create_lease()
    copy = await _copy(world.memory)
    await worker.issue(lease)
    size, _ = await _pin(worker)
    await _restore(world.memory, copy)
    again = await world.worker()
    assert (await again.call("verifyAuditChain"))["valid"], "nothing in it is wrong"
    with pytest.raises(Refusal) as caught:
        await again.call("getConsistencyProof", **{"from": size})
    assert caught.value.details["field"] == "from"


async def test_an_older_copy_that_went_on_is_another_history(world: World) -> None:
    worker = await world.ready()
    lease = await worker.create_lease()
    copy = await _copy(world.memory)
    await worker.issue(lease)
    size, root = await _pin(worker)
    await _restore(world.memory, copy)
    again = await world.worker()
    for _ in range(5):
        await again.issue(lease)
    new_size, new_root = await _pin(again)
    proof = await again.call("getConsistencyProof", **{"from": size})
    with pytest.raises(ProofError):
        verify_consistency(
            [bytes.fromhex(each) for each in proof["path"]],
            expected_old_size=size,
            expected_old_root=root,
            expected_size=new_size,
            expected_root=new_root,
        )


async def test_a_whole_database_gone_is_another_log(world: World) -> None:
    worker = await world.ready()
    origin = (await worker.call("getAuditPublicKey"))["origin"]
    await _restore(world.memory, [])
    again = await world.worker()
    assert (await again.call("getAuditPublicKey"))["origin"] != origin
