"""The audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import attrs

from kms_enclave.fields import text
from kms_enclave.rpc.contract.credentials import Credentials
from kms_enclave.tlog.checkpoint import MAX_CHECKPOINT_CHARACTERS

__all__ = [
    "MAX_PROVED_ENTRIES",
    "AuditDelegationCert",
    "AuditEntry",
    "AuditFault",
    "AuditHead",
    "ClosingCheckpoint",
    "ExportAuditParams",
    "ExportAuditResult",
    "GetAuditCheckpointResult",
    "GetAuditLogParams",
    "GetAuditLogResult",
    "GetAuditPublicKeyResult",
    "GetConsistencyProofParams",
    "GetConsistencyProofResult",
    "GetInclusionProofParams",
    "GetInclusionProofResult",
    "ProveAuditParams",
    "ProveAuditResult",
    "PruneAuditParams",
    "PruneAuditResult",
    "VerifyAuditChainParams",
    "VerifyAuditChainResult",
]


@attrs.frozen
class AuditDelegationCert:
    """The User Audit Key's word that another key may sign entries; times in milliseconds."""

    type: Literal["audit-delegation"]
    version: Literal[1]
    signer_kind: Literal["LAK", "KIAK"]
    delegate_pub: str
    scope: tuple[str, ...]
    not_before: int
    not_after: int | None
    code_hash: str
    manifest_hash: str
    kms_version: str
    sig: str
    lease_id: str | None = None
    instance_id: str | None = None


@attrs.frozen
class AuditEntry:
    """One entry of the audit log (``docs/spec/audit.md``); times in milliseconds."""

    kms_version: Literal[2]
    seq_num: int
    timestamp: int
    op: str
    kid: str
    request_id: str
    previous_hash: str
    chain_hash: str
    signer: Literal["UAK", "LAK", "KIAK"]
    signer_id: str
    sig: str
    user_id: str | None = None
    origin: str | None = None
    lease_id: str | None = None
    unlock_time: int | None = None
    lock_time: int | None = None
    duration: int | None = None
    details: Mapping[str, object] | None = None
    cert: AuditDelegationCert | None = None


@attrs.frozen
class GetAuditLogParams:
    """Entries from ``seqNum`` ``from`` on, at most ``limit`` of them, and at most 500."""

    from_: int = 0
    limit: int = 500


@attrs.frozen
class GetAuditLogResult:
    """``next`` is where the following page starts, or null after the last."""

    entries: tuple[AuditEntry, ...]
    next: int | None


@attrs.frozen
class AuditFault:
    """The first bad entry and what is wrong with it; ``seq_num`` -1: the log as a whole."""

    seq_num: int
    reason: str


@attrs.frozen
class AuditHead:
    """The last entry's number and hash."""

    seq_num: int
    chain_hash: str


@attrs.frozen
class VerifyAuditChainResult:
    """``entries`` counts those of the log that hold, up to ``head``, the last good one."""

    valid: bool
    entries: int
    errors: tuple[AuditFault, ...]
    head: AuditHead | None


@attrs.frozen
class GetAuditPublicKeyResult:
    """The keys to pin (base64url); ``public_key``, the User Audit Key, is null before setup.

    So is ``instance_cert``, its word for ``instance_public_key``. ``verifier_key`` is that key
    as other tools for checkpoints take it.
    """

    public_key: str | None
    instance_public_key: str
    instance_id: str
    origin: str
    verifier_key: str
    instance_cert: AuditDelegationCert | None


@attrs.frozen
class GetAuditCheckpointResult:
    """A signed note over the log as it stands; hashes are hexadecimal.

    ``size`` counts the entries, ``chain_hash`` is the last one's.
    """

    checkpoint: str
    size: int
    root_hash: str
    chain_hash: str


@attrs.frozen
class GetInclusionProofParams:
    """Of entry ``seq_num`` in the tree of the first ``size`` entries; of all unless given."""

    seq_num: int
    size: int | None = None


@attrs.frozen
class GetInclusionProofResult:
    """RFC 9162 section 2.1.3; hashes are hexadecimal."""

    seq_num: int
    size: int
    leaf_hash: str
    path: tuple[str, ...]


@attrs.frozen
class GetConsistencyProofParams:
    """That the first ``to`` entries (all unless given) begin with the first ``from``."""

    from_: int
    to: int | None = None


@attrs.frozen
class GetConsistencyProofResult:
    """RFC 9162 section 2.1.4; hashes are hexadecimal."""

    from_: int
    to: int
    path: tuple[str, ...]


MAX_PROVED_ENTRIES: Final = 64


@attrs.frozen
class ProveAuditParams:
    """What somebody remembers of the log: its first ``from`` entries, and 64 numbers at most."""

    from_: int | None = None
    entries: tuple[int, ...] = ()


@attrs.frozen
class ProveAuditResult:
    """Everything of one moment: the log's keys, a signed note, and proofs that lead to it.

    ``consistency`` is null where nothing was asked for or the log is shorter; ``inclusion`` has
    a path for each number, or null where the log has no such entry. Hashes are hexadecimal.
    """

    checkpoint: str
    audit_public_key: str | None
    instance_public_key: str
    instance_cert: AuditDelegationCert | None
    consistency: tuple[str, ...] | None
    inclusion: tuple[tuple[str, ...] | None, ...]


@attrs.frozen
class ClosingCheckpoint:
    """The end of a log that was reset: its last entry, and the signed note that covers it."""

    seq_num: int
    chain_hash: str
    checkpoint: str


@attrs.frozen
class VerifyAuditChainParams:
    """``incremental``: only what came after the last verification that found no fault."""

    incremental: bool = False


@attrs.frozen
class ExportAuditParams:
    """Nothing for the beginning of a file; then the last result's ``next`` and ``size``."""

    from_: int | None = None
    size: int | None = None


@attrs.frozen
class ExportAuditResult:
    """Whole lines of the file; ``next`` is null after the last."""

    text: str
    size: int
    next: int | None


@attrs.frozen
class PruneAuditParams:
    """Entries to keep at least, and the checkpoint of an export that holds what is dropped."""

    keep: int
    checkpoint: str = attrs.field(validator=text(MAX_CHECKPOINT_CHARACTERS))
    credentials: Credentials | None = None


@attrs.frozen
class PruneAuditResult:
    """``first`` is the first entry that is kept, ``dropped`` how many this call dropped."""

    first: int
    dropped: int
