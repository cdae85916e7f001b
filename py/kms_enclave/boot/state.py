"""Open or refuse: whether what is stored can be the state that was left behind.

Constant work: the head record, the entries at the end of the log and the instance
must agree. A deleted or replaced tail, a missing head, an emptied log beside other
records are refused; the evidence stays readable. A deletion in the middle is found
by the full verification, an older copy of everything only by who remembers a later
head (the page, an auditor).
"""

from __future__ import annotations

from functools import partial

import attrs

from kms_enclave.audit.entry import EntryDraft, chain_hash
from kms_enclave.audit.journal import HEAD, Change, parse_head
from kms_enclave.audit.signing import instance_draft
from kms_enclave.boot.genesis import new_instance
from kms_enclave.codec import DamagedRecordError
from kms_enclave.context import Context
from kms_enclave.encoding import parse_json
from kms_enclave.errors import KMSError
from kms_enclave.instance import INSTANCE, Instance, parse_instance, read_instance
from kms_enclave.ports.storage import STORE_NAMES, Address, Record, StoragePort

__all__ = ["open_state"]


async def open_state(context: Context) -> None:
    """Check what is stored, or begin an instance. Raises KMSError ``attestation.failed``."""
    instance_record, head_record = await context.storage.read([INSTANCE, HEAD])
    if instance_record is None and head_record is None:
        await _require_nothing_else(context.storage)
        await context.journal.commit(partial(_begin_instance, context))
        instance_record, head_record = await context.storage.read([INSTANCE, HEAD])
    instance = _open_instance(instance_record)
    await _verify_tail(context.storage, head_record)
    if instance.record.build != context.build:
        await _record_build_change(context)


async def _begin_instance(context: Context, now_ms: int) -> Change:
    (record,) = await context.storage.read([INSTANCE])
    # Another tab may have been first.
    if record is not None:
        return Change()
    return await new_instance(context, now_ms=now_ms, details={})


async def _require_nothing_else(storage: StoragePort) -> None:
    for store in STORE_NAMES:
        if await storage.scan(store, after=None, limit=1):
            raise _failed(f"records in {store} without an instance and a log")


def _open_instance(record: Record | None) -> Instance:
    if record is None:
        raise _failed("the log has no instance")
    try:
        return parse_instance(record)
    except DamagedRecordError as error:
        raise _failed(f"the instance record is damaged: {error}") from None


async def _verify_tail(storage: StoragePort, head_record: Record | None) -> None:
    if head_record is None:
        raise _failed("the log's head is missing")
    try:
        head = parse_head(head_record)
    except (KeyError, ValueError):
        raise _failed("the log's head is damaged") from None
    last, beyond = await storage.read(
        [Address("audit", head.seq_num), Address("audit", head.seq_num + 1)]
    )
    if last is None or beyond is not None:
        raise _failed("the log does not end where its head says")
    try:
        entry = parse_json(last.value)
        genuine = (
            isinstance(entry, dict)
            and entry.get("seqNum") == head.seq_num
            and chain_hash(entry) == head.chain_hash == entry.get("chainHash")
        )
    except ValueError:
        genuine = False
    if not genuine:
        raise _failed("the last entry is not the one that the head names")


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
