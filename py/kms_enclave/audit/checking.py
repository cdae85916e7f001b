"""Verifying the stored log and remembering what was found, by request and by itself."""

from __future__ import annotations

from typing import Final

from kms_enclave.audit.stored_log import Pace, Verdict, verify_stored_log
from kms_enclave.audit.verdict import (
    VERDICT,
    StoredVerdict,
    format_verdict,
    parse_verdict,
    verify_verdict,
)
from kms_enclave.codec import DamagedRecordError
from kms_enclave.encoding import parse_base64url
from kms_enclave.log.instance import Instance, read_instance
from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.storage import (
    ABSENT,
    Expectation,
    Put,
    Record,
    RevisionConflictError,
    StoragePort,
)
from kms_enclave.tlog.checkpoint import Checkpoint, log_origin, sign_checkpoint
from kms_enclave.tlog.tree import frontier_root

__all__ = ["IN_THE_BACKGROUND", "verify_and_remember"]

IN_THE_BACKGROUND: Final = Pace(page=50, pause_s=0.05)
"""A quarter of the worker's time at most."""

_ATTEMPTS: Final = 5


async def verify_and_remember(
    storage: StoragePort,
    crypto: CryptoPort,
    *,
    enclave_origin: str,
    incremental: bool = False,
    pace: Pace | None = None,
) -> Verdict:
    """Verify all of the log, or what came after the last good verdict; store the new one.

    Raises KMSError ``storage.evicted``.
    """
    instance = await read_instance(storage)
    origin = log_origin(enclave_origin, instance.record.instance_id)
    verified = await _last_good(storage, crypto, instance, origin) if incremental else None
    verdict = await verify_stored_log(storage, crypto, instance, verified=verified, pace=pace)
    to_store = await _to_store(crypto, instance, origin, verdict)
    await _remember(storage, instance, to_store, over_a_fault=verified is None)
    return verdict


async def _last_good(
    storage: StoragePort, crypto: CryptoPort, instance: Instance, origin: str
) -> Checkpoint | None:
    (record,) = await storage.read([VERDICT])
    try:
        stored = parse_verdict(record)
        # What was before a setup is held against it, so that it is verified together.
        if stored is None or stored.checkpoint is None or not stored.is_setup:
            return None
        return await verify_verdict(
            crypto,
            stored.checkpoint,
            expected_origin=origin,
            expected_public_raw=parse_base64url(instance.record.kiak_public),
        )
    except DamagedRecordError:
        return None  # Then everything is verified.


async def _to_store(
    crypto: CryptoPort, instance: Instance, origin: str, verdict: Verdict
) -> StoredVerdict:
    if verdict.fault is not None:
        return StoredVerdict(fault=str(verdict.fault))
    root = frontier_root(verdict.frontier)
    note = await sign_checkpoint(
        crypto,
        instance.kiak,
        parse_base64url(instance.record.kiak_public),
        Checkpoint(origin, verdict.size, root),
    )
    return StoredVerdict(checkpoint=note, is_setup=verdict.is_setup)


async def _remember(
    storage: StoragePort, instance: Instance, verdict: StoredVerdict, *, over_a_fault: bool
) -> None:
    for _ in range(_ATTEMPTS):
        (record,) = await storage.read([VERDICT])
        current = await read_instance(storage)
        if current.record.instance_id != instance.record.instance_id:
            return  # Another tab began a new log: this verdict is about the old one.
        if not over_a_fault and _is_fault(record):
            return  # A pass over everything found it meanwhile; this one began behind it.
        revision = record.revision if record else ABSENT
        try:
            await storage.commit(
                expectations=[Expectation(VERDICT, revision), current.expectation()],
                puts=[Put(VERDICT, format_verdict(verdict, revision=revision + 1))],
            )
        except RevisionConflictError:
            continue
        return


def _is_fault(record: Record | None) -> bool:
    try:
        verdict = parse_verdict(record)
    except DamagedRecordError:
        return False
    return verdict is not None and verdict.fault is not None
