"""Methods that show the audit log and what is proved from it."""

from __future__ import annotations

from collections.abc import Sequence

from kms_enclave.audit.exporting import begin_locked_export, continue_export
from kms_enclave.audit.proofs import (
    prove_consistency,
    prove_growth,
    prove_inclusion,
    read_log,
)
from kms_enclave.audit.reading import MAX_PAGE, read_page
from kms_enclave.audit.stored_log import Pace
from kms_enclave.errors import request_invalid
from kms_enclave.rpc import contract
from kms_enclave.rpc.grants import Reader
from kms_enclave.rpc.method import Wire
from kms_enclave.structure import unstructure
from kms_enclave.tlog.note import format_verifier_key
from kms_enclave.tlog.tree import frontier_root

__all__ = [
    "export_audit",
    "get_audit_checkpoint",
    "get_audit_log",
    "get_audit_public_key",
    "get_consistency_proof",
    "get_inclusion_proof",
    "prove_audit",
    "verify_audit_chain",
]


async def get_audit_log(reader: Reader, params: contract.GetAuditLogParams) -> Wire:
    """Return a page of the log."""
    if params.from_ < 0:
        raise request_invalid("from", "must not be negative")
    if params.limit < 1:
        raise request_invalid("limit", "must be at least 1")
    limit = min(params.limit, MAX_PAGE)
    page = await read_page(reader.storage, start=params.from_, limit=limit)
    return {"entries": page.entries, "next": page.next}


async def verify_audit_chain(reader: Reader, params: contract.VerifyAuditChainParams) -> Wire:
    """Verify the stored log; report progress in events."""
    told = -1

    def progress(verified: int, entries: int) -> None:
        nonlocal told
        # A hundred events at most, however long the log is.
        if (percent := 100 * verified // entries) > told:
            told = percent
            data = {"verified": verified, "entries": entries}
            reader.emit("audit.progress", data)

    verdict = await reader.verify_log(incremental=params.incremental, pace=Pace(progress=progress))
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


async def get_audit_public_key(reader: Reader, _: contract.Empty) -> Wire:
    """Return the keys that sign the log and its checkpoints."""
    log = await read_log(reader.storage, reader.enclave_origin)
    record = log.instance.record
    return {
        "publicKey": record.uak_public,
        "instancePublicKey": record.kiak_public,
        "instanceId": record.instance_id,
        "origin": log.origin,
        "verifierKey": format_verifier_key(log.origin, log.kiak_public),
        "instanceCert": record.kiak_cert,
    }


async def get_audit_checkpoint(reader: Reader, _: contract.Empty) -> Wire:
    """Return a signed checkpoint of the log."""
    log = await read_log(reader.storage, reader.enclave_origin)
    return unstructure(
        contract.GetAuditCheckpointResult(
            checkpoint=await reader.checkpoint(log),
            size=log.head.size,
            root_hash=frontier_root(log.head.frontier).hex(),
            chain_hash=log.head.chain_hash,
        )
    )


async def get_inclusion_proof(reader: Reader, params: contract.GetInclusionProofParams) -> Wire:
    """Prove that an entry is in the tree."""
    log = await read_log(reader.storage, reader.enclave_origin)
    proof = await prove_inclusion(reader.storage, log, seq_num=params.seq_num, size=params.size)
    return unstructure(
        contract.GetInclusionProofResult(
            seq_num=params.seq_num,
            size=proof.size,
            leaf_hash=proof.leaf.hex(),
            path=_hex(proof.path),
        )
    )


async def get_consistency_proof(reader: Reader, params: contract.GetConsistencyProofParams) -> Wire:
    """Prove that one log begins with another."""
    log = await read_log(reader.storage, reader.enclave_origin)
    size, path = await prove_consistency(reader.storage, log, old_size=params.from_, size=params.to)
    return unstructure(
        contract.GetConsistencyProofResult(from_=params.from_, to=size, path=_hex(path))
    )


async def prove_audit(reader: Reader, params: contract.ProveAuditParams) -> Wire:
    """Prove that the log grew from one that the caller remembers."""
    if len(params.entries) > contract.MAX_PROVED_ENTRIES:
        raise request_invalid("entries", f"more than {contract.MAX_PROVED_ENTRIES}")
    log, growth = await prove_growth(
        reader.storage,
        reader.enclave_origin,
        old_size=params.from_,
        seq_nums=params.entries,
    )
    record = log.instance.record
    return {
        "checkpoint": await reader.checkpoint(log),
        "auditPublicKey": record.uak_public,
        "instancePublicKey": record.kiak_public,
        "instanceCert": record.kiak_cert,
        "consistency": None if growth.consistency is None else _hex(growth.consistency),
        "inclusion": [None if path is None else _hex(path) for path in growth.inclusion],
    }


async def export_audit(reader: Reader, params: contract.ExportAuditParams) -> Wire:
    """Return a part of the log as an export file."""
    is_locked = reader.lock_reason is not None
    if params.from_ is not None and params.size is not None:
        part = await continue_export(
            reader.storage, start=params.from_, size=params.size, is_locked=is_locked
        )
    elif params.from_ is not None or params.size is not None:
        raise request_invalid("from", "goes with size, and neither with the beginning")
    elif is_locked:
        part = await begin_locked_export(reader.storage)
    else:
        part = await reader.begin_export()
    return unstructure(contract.ExportAuditResult(part.text, part.size, part.next))


def _hex(hashes: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(each.hex() for each in hashes)
