"""Where the verification of a pruned log begins: at a user's word on what was dropped.

The ``audit.prune`` entry is signed by the User Audit Key and names it, certifies the
Instance Audit Key anew, and says how many entries were dropped, the last one's hash and
time, and the root of the tree over all of them. It stands among the entries that are
kept, where :class:`~kms_enclave.log.verify.chain.ChainVerifier` must meet it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from kms_enclave.encoding import parse_base64url
from kms_enclave.log.entry import SIGNERS, format_signer_id
from kms_enclave.log.verify.chain import ChainState, ChainVerifier, PruningEntry
from kms_enclave.log.verify.form import (
    ParsedEntry,
    details_of,
    parse_entry,
    require_hash,
    verify_hash,
)
from kms_enclave.ports.crypto import SignatureCheck
from kms_enclave.tlog.merkle import fold, leaf_hash

__all__ = ["Pruned", "verify_pruning"]

_OP = "audit.prune"


@attrs.frozen
class Pruned:
    """``first`` is the number of the first entry that is kept; all of it holds if signed."""

    first: int
    start: ChainState
    signatures: Sequence[SignatureCheck]


def verify_pruning(
    data: bytes, subtrees: Sequence[bytes], *, expected_uak: str | None = None
) -> Pruned:
    """Check a pruning entry and the subtrees of what it dropped. Raises ValueError."""
    entry = parse_entry(data)
    details = details_of(entry)
    if entry["op"] != _OP or entry["signer"] not in SIGNERS[_OP]:
        raise ValueError("is not a user's pruning of the log")
    verify_hash(data, entry)
    public = str(details.get("auditPublicKey"))
    if expected_uak is not None and public != expected_uak:
        raise ValueError("the User Audit Key is not the expected one")
    uak = parse_base64url(public)
    if format_signer_id(uak) != entry["signerId"]:
        raise ValueError("signerId is not the id of the key that must sign")
    start, check = _start(entry, data, details, uak)
    _verify_subtrees(subtrees, details, start.next_seq)
    signature = parse_base64url(entry["sig"])
    return Pruned(
        start.next_seq,
        start,
        [check, SignatureCheck(uak, signature, bytes.fromhex(entry["chainHash"]))],
    )


def _start(
    entry: ParsedEntry, data: bytes, details: Mapping[str, object], uak: bytes
) -> tuple[ChainState, SignatureCheck]:
    first, timestamp = details.get("first"), details.get("timestamp")
    seq_num = entry["seqNum"]
    if type(first) is not int or type(timestamp) is not int:
        raise ValueError("does not say what it dropped")
    if not 0 < first <= seq_num:
        raise ValueError("drops what comes after it")
    certificate = details.get("instanceCert")
    if not isinstance(certificate, dict):
        raise ValueError("does not certify the Instance Audit Key")
    start = ChainState(
        next_seq=first,
        previous_hash=require_hash(details.get("chainHash"), name="details.chainHash").hex(),
        timestamp=timestamp,
        instance_id=certificate.get("instanceId"),
        kiak=parse_base64url(str(certificate.get("delegatePub"))),
        uak=uak,
        pruning=PruningEntry(seq_num, leaf_hash(data)),
    )
    return start, ChainVerifier(start=start).check_instance_certificate(certificate)


def _verify_subtrees(subtrees: Sequence[bytes], details: Mapping[str, object], first: int) -> None:
    if len(subtrees) != first.bit_count():
        raise ValueError("the dropped entries' subtrees are not as many as they must be")
    if fold(subtrees) != require_hash(details.get("rootHash"), name="rootHash"):
        raise ValueError("the dropped entries' subtrees are not those that were pruned")
