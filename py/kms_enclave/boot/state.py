"""Open or refuse: whether what is stored can be the state that was left behind.

Constant work: the head record, the entries at the end of the log, its tree, the last
verdict and the instance must agree. A deleted or replaced tail, a missing head, an
emptied log beside other records are refused; the evidence stays readable. A deletion in
the middle is found by the full verification, an older copy of everything only by who
remembers a later head (the page, an auditor).
"""

from __future__ import annotations

from functools import partial
from typing import Final

import attrs

from kms_enclave.audit.proofs import Log
from kms_enclave.audit.tail import verify_tail
from kms_enclave.boot.genesis import new_instance
from kms_enclave.boot.refusal import record_refusal
from kms_enclave.boot.selftest import is_probe
from kms_enclave.codec import DamagedRecordError
from kms_enclave.context import Context
from kms_enclave.errors import KMSError
from kms_enclave.log.entry import EntryDraft
from kms_enclave.log.head import HEAD, parse_head
from kms_enclave.log.instance import INSTANCE, Instance, parse_instance, read_instance
from kms_enclave.log.journal import Change
from kms_enclave.log.signing import instance_draft
from kms_enclave.ports.storage import STORE_NAMES, Address, Record, StoragePort, StoreName
from kms_enclave.tlog.checkpoint import log_origin

__all__ = ["open_state"]

_MAX_PROBES: Final = 64
"""More self-tests than this are never under way, or cut short, at once."""


async def open_state(context: Context) -> None:
    """Check what is stored, or begin an instance. Raises KMSError ``attestation.failed``.

    A refusal is recorded beside the log.
    """
    try:
        await _open(context)
    except KMSError as error:
        if error.code == "attestation.failed":
            reason = str(error.details.get("reason"))
            await record_refusal(context.storage, reason=reason, now_ms=context.clock.now_ms())
        raise


async def _open(context: Context) -> None:
    instance_record, head_record = await context.storage.read([INSTANCE, HEAD])
    if instance_record is None and head_record is None:
        await context.journal.commit(partial(_begin_instance, context), begins_log=True)
        instance_record, head_record = await context.storage.read([INSTANCE, HEAD])
    instance = _open_instance(instance_record)
    await _verify_end(context, instance, head_record)
    if instance.record.build != context.build:
        await _record_build_change(context)


async def _begin_instance(context: Context, now_ms: int) -> Change:
    leftover = await _find_leftover(context.storage)
    # Read last: what was found may be the instance of another tab that was faster.
    (record,) = await context.storage.read([INSTANCE])
    if record is not None:
        return Change()
    if leftover is not None:
        raise _failed(f"records in {leftover} without an instance and a log")
    return await new_instance(context, now_ms=now_ms, details={})


async def _find_leftover(storage: StoragePort) -> StoreName | None:
    for store in STORE_NAMES:
        found = await storage.scan(store, after=None, limit=_MAX_PROBES)
        if any(not is_probe(Address(store, key)) for key, _ in found):
            return store
    return None


def _open_instance(record: Record | None) -> Instance:
    if record is None:
        raise _failed("the log has no instance")
    try:
        return parse_instance(record)
    except DamagedRecordError as error:
        raise _failed(f"the instance record is damaged: {error}") from None


async def _verify_end(context: Context, instance: Instance, head_record: Record | None) -> None:
    while True:
        if head_record is None:
            raise _failed("the log's head is missing")
        try:
            head = parse_head(head_record)
        except DamagedRecordError:
            raise _failed("the log's head is damaged") from None
        origin = log_origin(context.enclave_origin, instance.record.instance_id)
        try:
            await verify_tail(context.storage, context.crypto, Log(instance, head, origin))
        except DamagedRecordError as error:
            # Another tab may have added an entry between two reads.
            (again,) = await context.storage.read([HEAD])
            if again is not None and again.revision == head_record.revision:
                raise _failed(str(error)) from None
            head_record = again
            continue
        return


async def _record_build_change(context: Context) -> None:
    async def plan(_: int) -> Change:
        instance = await read_instance(context.storage)
        old = instance.record.build
        if old == context.build:
            return Change()
        draft = EntryDraft(
            op="build.change",
            request_id=context.crypto.random_uuid(),
            details={
                "from": {"codeHash": old.code_hash, "manifestHash": old.manifest_hash},
                "to": {
                    "codeHash": context.build.code_hash,
                    "manifestHash": context.build.manifest_hash,
                },
            },
        )
        return Change(
            drafts=[instance_draft(instance, draft)],
            expectations=[instance.expectation()],
            puts=[instance.put(attrs.evolve(instance.record, build=context.build))],
        )

    await context.journal.commit(plan)


def _failed(reason: str) -> KMSError:
    return KMSError("attestation.failed", details={"reason": reason})
