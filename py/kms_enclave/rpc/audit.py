"""Methods that show the audit log and what is proved from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from kms_enclave.audit.checking import verify_and_remember
from kms_enclave.audit.exporting import begin_export, begin_locked_export, continue_export
from kms_enclave.audit.proofs import (
    checkpoint_of,
    prove_consistency,
    prove_growth,
    prove_inclusion,
    read_log,
)
from kms_enclave.audit.reading import MAX_PAGE, read_page
from kms_enclave.audit.stored_log import Pace
from kms_enclave.context import Context
from kms_enclave.errors import request_invalid
from kms_enclave.rpc import contract
from kms_enclave.rpc.dispatch import Handler
from kms_enclave.structure import unstructure
from kms_enclave.tlog.note import format_verifier_key
from kms_enclave.tlog.tree import frontier_root

__all__ = ["make_audit_queries"]

Wire = Mapping[str, object]


def make_audit_queries(context: Context) -> Mapping[str, Handler]:
    """Return the handlers of the methods about the log that need no authorisation."""
    return {
        "getAuditLog": partial(_get_audit_log, context),
        "verifyAuditChain": partial(_verify_audit_chain, context),
        "exportAudit": partial(_export_audit, context),
        "getAuditPublicKey": partial(_get_audit_public_key, context),
        "getAuditCheckpoint": partial(_get_audit_checkpoint, context),
        "getInclusionProof": partial(_get_inclusion_proof, context),
        "getConsistencyProof": partial(_get_consistency_proof, context),
        "proveAudit": partial(_prove_audit, context),
    }


async def _get_audit_log(context: Context, params: contract.GetAuditLogParams, _: str) -> Wire:
    if params.from_ < 0:
        raise request_invalid("from", "must not be negative")
    if params.limit < 1:
        raise request_invalid("limit", "must be at least 1")
    limit = min(params.limit, MAX_PAGE)
    page = await read_page(context.storage, start=params.from_, limit=limit)
    return {"entries": page.entries, "next": page.next}


async def _verify_audit_chain(
    context: Context, params: contract.VerifyAuditChainParams, origin: str
) -> Wire:
    told = -1

    def progress(verified: int, entries: int) -> None:
        nonlocal told
        # A hundred events at most, however long the log is.
        if (percent := 100 * verified // entries) > told:
            told = percent
            data = {"verified": verified, "entries": entries}
            context.events.emit("audit.progress", data, origin=origin)

    verdict = await verify_and_remember(
        context.storage,
        context.crypto,
        enclave_origin=context.enclave_origin,
        incremental=params.incremental,
        pace=Pace(progress=progress),
    )
    fault = verdict.fault
    head = contract.AuditHead(verdict.size - 1, verdict.last_hash) if verdict.size else None
    return unstructure(
        contract.VerifyAuditChainResult(
            valid=fault is None,
            entries=verdict.size,
            errors=(contract.AuditFault(fault.seq_num, fault.reason),) if fault else (),
            head=head,
        )
    )


async def _get_audit_public_key(context: Context, _: contract.Empty, __: str) -> Wire:
    log = await read_log(context.storage, context.enclave_origin)
    record = log.instance.record
    return {
        "publicKey": record.uak_public,
        "instancePublicKey": record.kiak_public,
        "instanceId": record.instance_id,
        "origin": log.origin,
        "verifierKey": format_verifier_key(log.origin, log.kiak_public),
        "instanceCert": record.kiak_cert,
    }


async def _get_audit_checkpoint(context: Context, _: contract.Empty, __: str) -> Wire:
    log = await read_log(context.storage, context.enclave_origin)
    return unstructure(
        contract.GetAuditCheckpointResult(
            checkpoint=await checkpoint_of(context.crypto, log),
            size=log.head.size,
            root_hash=frontier_root(log.head.frontier).hex(),
            chain_hash=log.head.chain_hash,
        )
    )


async def _get_inclusion_proof(
    context: Context, params: contract.GetInclusionProofParams, _: str
) -> Wire:
    log = await read_log(context.storage, context.enclave_origin)
    proof = await prove_inclusion(context.storage, log, seq_num=params.seq_num, size=params.size)
    return unstructure(
        contract.GetInclusionProofResult(
            seq_num=params.seq_num,
            size=proof.size,
            leaf_hash=proof.leaf.hex(),
            path=_hex(proof.path),
        )
    )


async def _get_consistency_proof(
    context: Context, params: contract.GetConsistencyProofParams, _: str
) -> Wire:
    log = await read_log(context.storage, context.enclave_origin)
    size, path = await prove_consistency(
        context.storage, log, old_size=params.from_, size=params.to
    )
    return unstructure(
        contract.GetConsistencyProofResult(from_=params.from_, to=size, path=_hex(path))
    )


async def _prove_audit(context: Context, params: contract.ProveAuditParams, _: str) -> Wire:
    if len(params.entries) > contract.MAX_PROVED_ENTRIES:
        raise request_invalid("entries", f"more than {contract.MAX_PROVED_ENTRIES}")
    log, growth = await prove_growth(
        context.storage,
        context.enclave_origin,
        old_size=params.from_,
        seq_nums=params.entries,
    )
    record = log.instance.record
    return {
        "checkpoint": await checkpoint_of(context.crypto, log),
        "auditPublicKey": record.uak_public,
        "instancePublicKey": record.kiak_public,
        "instanceCert": record.kiak_cert,
        "consistency": None if growth.consistency is None else _hex(growth.consistency),
        "inclusion": [None if path is None else _hex(path) for path in growth.inclusion],
    }


async def _export_audit(context: Context, params: contract.ExportAuditParams, _: str) -> Wire:
    is_locked = context.lock.reason is not None
    if params.from_ is not None and params.size is not None:
        part = await continue_export(
            context.storage, start=params.from_, size=params.size, is_locked=is_locked
        )
    elif params.from_ is not None or params.size is not None:
        raise request_invalid("from", "goes with size, and neither with the beginning")
    elif is_locked:
        part = await begin_locked_export(context.storage)
    else:
        part = await begin_export(
            context.storage, context.crypto, enclave_origin=context.enclave_origin
        )
    return unstructure(contract.ExportAuditResult(part.text, part.size, part.next))


def _hex(hashes: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(each.hex() for each in hashes)
