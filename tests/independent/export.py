"""Export files (sections Export file and Retention)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, NamedTuple

from independent.entries import Log, covered_hash, signer_id, verify_form
from independent.jcs import NotVerified, decode, encode, hash_bytes, unb64url
from independent.keys import Checkpoint, verify_instance_certificate, verify_signature
from independent.tree import leaf_hash, root_of, root_of_subtrees

__all__ = ["Verified", "verify_export_file"]

_LONGEST_LINE = 1_048_576


class Verified(NamedTuple):
    """A file that verifies; ``is_pinned`` where its key is the one that was given."""

    size: int
    first: int
    root: bytes
    chain_hash: str
    public_key: str
    is_pinned: bool


def verify_export_file(
    data: bytes, *, public_key: str | None = None, older: Sequence[str] = ()
) -> Verified:
    """Verify a file as the document's numbered steps say; raises NotVerified."""
    lines = _lines(data)
    checkpoint = Checkpoint.parse(_take(lines, "checkpoint", "note")["note"])
    certificate = None
    if lines and lines[0].startswith(b'{"certificate":'):
        certificate = _take(lines, "certificate", "certificate")["certificate"]
    log, subtrees = Log(), []
    if lines and lines[0].startswith(b'{"entry":'):
        pruned = _take(lines, "pruned", "entry", "subtrees")
        subtrees = _begin_pruned(log, pruned["entry"], pruned["subtrees"])
    first = log.next
    for line in lines:
        log.add(line)
    if log.pruned_by is not None:
        raise NotVerified("the file ends before the entry that the log was pruned by")
    leaves = [leaf_hash(line) for line in lines]
    _verify_end(log, checkpoint, certificate)
    _verify_root(checkpoint, first, subtrees, leaves)
    for note in older:
        seen = Checkpoint.parse(note)
        if seen.origin != checkpoint.origin or not first <= seen.size <= log.next:
            raise NotVerified("the older checkpoint cannot be compared with this file")
        seen.verify(log.kiak or b"", log.instance_id)
        _verify_root(seen, first, subtrees, leaves[: seen.size - first])
    key = base64.urlsafe_b64encode(log.uak or log.kiak or b"").rstrip(b"=").decode()
    if public_key is not None and public_key != key:
        raise NotVerified("the key is not the one that was given")
    return Verified(log.next, first, checkpoint.root, log.previous, key, public_key is not None)


def _lines(data: bytes) -> list[bytes]:
    *lines, rest = data.split(b"\n")
    if rest or not lines:
        raise NotVerified("the last line has no end")
    if any(not 0 < len(line) <= _LONGEST_LINE for line in lines):
        raise NotVerified("a line is empty or too long")
    return lines


def _take(lines: list[bytes], kind: str, *names: str) -> dict[str, Any]:
    value = decode(lines.pop(0))
    if not isinstance(value, dict) or set(value) != {"type", "version", *names}:
        raise NotVerified(f"no {kind} line")
    if value["type"] != kind or value["version"] is True or value["version"] != 1:
        raise NotVerified(f"a {kind} line of an unknown version")
    return value


def _begin_pruned(log: Log, entry: Any, texts: Any) -> list[bytes]:
    """Take a user's word for the entries that were dropped; return their subtrees."""
    verify_form(entry)
    details = entry.get("details", {})
    if entry["op"] != "audit.prune" or entry["signer"] != "UAK":
        raise NotVerified("not a user's pruning")
    uak = unb64url(details.get("auditPublicKey"), 32)
    digest = covered_hash(entry)
    if hash_bytes(entry["chainHash"]) != digest or entry["signerId"] != signer_id(uak):
        raise NotVerified("the pruning entry does not hold")
    verify_signature(uak, entry["sig"], digest)
    first, time = details.get("first"), details.get("timestamp")
    if type(first) is not int or type(time) is not int or not 0 < first <= entry["seqNum"]:
        raise NotVerified("the pruning entry does not say what was dropped")
    certificate = details.get("instanceCert")
    if not isinstance(certificate, dict) or not isinstance(certificate.get("instanceId"), str):
        raise NotVerified("the pruning entry certifies no instance")
    kiak, instance_id = unb64url(certificate.get("delegatePub"), 32), certificate["instanceId"]
    verify_instance_certificate(certificate, uak=uak, kiak=kiak, instance_id=instance_id)
    subtrees = [hash_bytes(text) for text in texts] if isinstance(texts, list) else []
    if len(subtrees) != first.bit_count():
        raise NotVerified("not as many subtrees as bits are set")
    if root_of_subtrees(first, subtrees, []) != hash_bytes(details.get("rootHash")):
        raise NotVerified("the subtrees are not those that were dropped")
    log.next, log.time = first, time
    log.previous = hash_bytes(details.get("chainHash")).hex()
    log.uak, log.kiak, log.instance_id = uak, kiak, instance_id
    log.pruned_by = entry["seqNum"], encode(entry)
    return subtrees


def _verify_end(log: Log, checkpoint: Checkpoint, certificate: Any) -> None:
    if log.kiak is None or log.next != checkpoint.size:
        raise NotVerified("not as many entries as the checkpoint covers")
    checkpoint.verify(log.kiak, log.instance_id)
    if log.uak is not None:
        verify_instance_certificate(
            certificate, uak=log.uak, kiak=log.kiak, instance_id=log.instance_id
        )
    elif certificate is not None:
        raise NotVerified("a certificate in a log without a setup")


def _verify_root(
    checkpoint: Checkpoint, first: int, subtrees: list[bytes], leaves: list[bytes]
) -> None:
    root = root_of_subtrees(first, subtrees, leaves) if first else root_of(leaves)
    if root != checkpoint.root:
        raise NotVerified("the entries are not those of the checkpoint")
