"""Retention: dropping entries from the beginning, behind a checkpoint of an export.

The pruning entry, a user's, says what was dropped and vouches for it; the mark beside the
log lands in the same commit. The records themselves are deleted afterwards, a slice at a
time: once the mark is there nobody reads them. Specification: docs/spec/audit.md, Retention.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from kms_enclave.audit.proofs import Log
from kms_enclave.audit.pruned_mark import PRUNED, PrunedMark, parse_mark
from kms_enclave.audit.verdict import VERDICT, parse_verdict
from kms_enclave.codec import DamagedRecordError
from kms_enclave.encoding import parse_json
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.log.stored_tree import read_inclusion, read_root
from kms_enclave.log.verify.form import open_entry
from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.storage import Address, Delete, StoragePort
from kms_enclave.tlog.checkpoint import Checkpoint, CheckpointError, verify_checkpoint

__all__ = ["Pruning", "delete_pruned", "plan_pruning"]

_SLICE: Final = 200
_MOST_ENTRIES_BEFORE_SETUP: Final = 1000


@attrs.frozen
class Pruning:
    """What to drop: the pruning entry's details, and the mark that goes with it."""

    details: Mapping[str, object]
    mark: PrunedMark
    dropped: int


async def plan_pruning(
    storage: StoragePort, crypto: CryptoPort, log: Log, *, keep: int, checkpoint: str, seq_num: int
) -> Pruning | None:
    """Decide what to drop; ``None`` where nothing is.

    ``keep`` counts entries, ``seq_num`` is the number that the pruning entry will have.
    Raises KMSError ``request.invalid`` for a checkpoint that is not of this log,
    ``attestation.failed``.
    """
    try:
        exported = await verify_checkpoint(
            crypto,
            checkpoint,
            expected_origin=log.origin,
            expected_public_raw=log.kiak_public,
        )
    except CheckpointError as error:
        raise request_invalid("checkpoint", str(error)) from None
    try:
        return await _plan(storage, log, exported, keep=keep, seq_num=seq_num)
    except (DamagedRecordError, ValueError) as error:
        raise KMSError("attestation.failed", details={"reason": str(error)}) from None


async def _plan(
    storage: StoragePort, log: Log, exported: Checkpoint, *, keep: int, seq_num: int
) -> Pruning | None:
    head, record, size = log.head, log.instance.record, exported.size
    if size > head.size or await read_root(storage, head.frontier, size) != exported.root:
        raise request_invalid("checkpoint", "is of another history of this log")
    mark_record, verdict_record = await storage.read([PRUNED, VERDICT])
    verdict = parse_verdict(verdict_record)
    if verdict is not None and verdict.fault is not None:
        # What is wrong must not be among what a user's word then stands for.
        raise DamagedRecordError(f"the last verification found a fault: {verdict.fault}")
    before = parse_mark(mark_record)
    first = min(size, head.size - keep)
    if first <= before.first or not await _holds_setup(storage, before, first):
        return None
    (stored,) = await storage.read([Address("audit", first - 1)])
    if stored is None:
        raise DamagedRecordError(f"entry {first - 1} is missing")
    last = open_entry(stored.value.encode())
    leaf, _ = await read_inclusion(storage, head.frontier, index=first - 1, size=head.size)
    if last.leaf != leaf:
        raise DamagedRecordError(f"entry {first - 1} is not that of the tree")
    return Pruning(
        details={
            "first": first,
            "rootHash": (await read_root(storage, head.frontier, first)).hex(),
            "chainHash": last.chain_hash,
            "timestamp": last.timestamp,
            "auditPublicKey": record.uak_public,
            "instanceCert": record.kiak_cert,
        },
        mark=PrunedMark(first, seq_num, before.revision + 1),
        dropped=first - before.first,
    )


async def _holds_setup(storage: StoragePort, before: PrunedMark, first: int) -> bool:
    """Tell whether the setup is among what is dropped: a pruned log begins after it."""
    if before.first > 0:
        return True
    found = await storage.scan("audit", after=None, limit=min(first, _MOST_ENTRIES_BEFORE_SETUP))
    entries = [parse_json(record.value) for key, record in found if int(key) < first]
    return any(isinstance(entry, dict) and entry.get("op") == "setup" for entry in entries)


async def delete_pruned(storage: StoragePort) -> None:
    """Delete entries that a mark has dropped, a slice at a time; what is left a later call does."""
    (record,) = await storage.read([PRUNED])
    try:
        first = parse_mark(record).first
    except DamagedRecordError:
        return
    while True:
        found = await storage.scan("audit", after=None, limit=_SLICE)
        dropped = [Address("audit", key) for key, _ in found if int(key) < first]
        if not dropped:
            return
        deletes = [Delete(address) for address in dropped]
        await storage.commit(expectations=(), puts=(), deletes=deletes)
