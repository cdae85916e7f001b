"""Pruning the log as a step of an authenticated operation."""

from __future__ import annotations

import attrs

from kms_enclave.audit.proofs import read_log
from kms_enclave.audit.pruned_mark import PRUNED, format_mark, parse_mark
from kms_enclave.audit.retention import plan_pruning
from kms_enclave.unlock.session import Session

__all__ = ["prune"]


async def prune(session: Session, *, keep: int, checkpoint: str) -> tuple[int, int]:
    """Drop what a checkpoint covers but for the last ``keep`` entries.

    Return the first entry that is kept, and how many were dropped now. Raises KMSError
    ``request.invalid``, ``attestation.failed``.
    """
    context = session.context
    log = await read_log(context.storage, context.enclave_origin)
    # Certificates may have been renewed in this same operation.
    log = attrs.evolve(log, instance=session.instance)
    pruning = await plan_pruning(
        context.storage,
        context.crypto,
        log,
        keep=keep,
        checkpoint=checkpoint,
        seq_num=log.head.size + len(session.unit.drafts),
    )
    if pruning is None:
        return parse_mark(await session.unit.read(PRUNED)).first, 0
    session.log("audit.prune", details=pruning.details)
    await session.unit.write(PRUNED, format_mark(pruning.mark).value)
    return pruning.mark.first, pruning.dropped
