"""One entry of the audit log: what it holds, how it is hashed, who may sign it.

``chainHash`` is SHA-256 over the RFC 8785 bytes of the entry without ``chainHash``
and ``sig``, so everything else, the certificate included, is covered; ``sig`` is
Ed25519 over the 32 bytes of that hash. Specification: docs/spec/audit.md.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from typing import Final, Literal

import attrs

from kms_enclave.encoding import canonical_entry, format_base64url

__all__ = [
    "FIRST_PREVIOUS_HASH",
    "SIGNERS",
    "EntryDraft",
    "SignerKind",
    "chain_hash",
    "covered_bytes",
    "cut_certificate",
    "format_signer_id",
    "seal_entry",
]

SignerKind = Literal["UAK", "LAK", "KIAK"]

FIRST_PREVIOUS_HASH: Final = "0" * 64
_HASH_MEMBER: Final = b'"chainHash":"'
_SIG_MEMBER: Final = b',"sig":"'
_CERT_MEMBER: Final = b'{"cert":'

_LEASED_SUBSCRIPTION: Final[frozenset[SignerKind]] = frozenset({"UAK", "KIAK"})
SIGNERS: Final[Mapping[str, frozenset[SignerKind]]] = {
    "setup": frozenset({"UAK"}),
    "enrollment.add": frozenset({"UAK"}),
    "enrollment.remove": frozenset({"UAK"}),
    "enrollment.change": frozenset({"UAK"}),
    "generate": frozenset({"UAK"}),
    "regenerate": frozenset({"UAK"}),
    "sign": frozenset({"UAK", "LAK"}),
    "lease.create": frozenset({"UAK"}),
    "lease.extend": frozenset({"UAK"}),
    "lease.resume": frozenset({"UAK"}),
    "pattern.suspend": frozenset({"UAK"}),
    "pattern.lift": frozenset({"UAK"}),
    "subscription.set": _LEASED_SUBSCRIPTION,
    "subscription.remove": _LEASED_SUBSCRIPTION,
    "clock.adjust": frozenset({"UAK"}),
    "audit.prune": frozenset({"UAK"}),
    "reset": frozenset({"UAK", "KIAK"}),
    "instance.start": frozenset({"KIAK"}),
    "build.change": frozenset({"KIAK"}),
    "lease.expire": frozenset({"KIAK"}),
    "lease.revoke": frozenset({"KIAK"}),
    "lease.suspend": frozenset({"KIAK"}),
    "unlock.denied": frozenset({"KIAK"}),
    "issue.refused": frozenset({"KIAK"}),
}
"""Who may sign which operation. Writing and verification both go by this table."""


@attrs.frozen
class EntryDraft:
    """An entry before it has its place in the chain.

    ``details`` never holds a passphrase, key, PRF output, JWT or full endpoint URL.
    The signer is filled in by who owns the key (:mod:`kms_enclave.log.signing`);
    ``cert`` is the signer's delegation certificate as a JSON object.
    """

    op: str
    request_id: str
    signer: SignerKind | None = None
    signer_id: str = ""
    kid: str = ""
    user_id: str | None = None
    origin: str | None = None
    lease_id: str | None = None
    unlock_time: int | None = None
    lock_time: int | None = None
    details: Mapping[str, object] | None = None
    cert: Mapping[str, object] | None = None


def seal_entry(
    draft: EntryDraft, *, seq_num: int, timestamp: int, previous_hash: str
) -> dict[str, object]:
    """Return the entry with everything but ``sig``; ``chainHash`` is what is to be signed."""
    if draft.signer not in SIGNERS[draft.op]:
        raise ValueError(f"{draft.signer} may not sign {draft.op}")
    entry: dict[str, object] = {
        "kmsVersion": 2,
        "seqNum": seq_num,
        "timestamp": timestamp,
        "op": draft.op,
        "kid": draft.kid,
        "requestId": draft.request_id,
        "previousHash": previous_hash,
        "signer": draft.signer,
        "signerId": draft.signer_id,
    }
    optional = {
        "userId": draft.user_id,
        "origin": draft.origin,
        "leaseId": draft.lease_id,
        "unlockTime": draft.unlock_time,
        "lockTime": draft.lock_time,
        "details": draft.details,
        "cert": draft.cert,
    }
    entry.update((name, value) for name, value in optional.items() if value is not None)
    if draft.unlock_time is not None and draft.lock_time is not None:
        entry["duration"] = draft.lock_time - draft.unlock_time
    entry["chainHash"] = chain_hash(entry)
    return entry


def chain_hash(entry: Mapping[str, object]) -> str:
    """Return the lower-case hex SHA-256 of the entry without ``chainHash`` and ``sig``."""
    covered = {name: value for name, value in entry.items() if name not in ("chainHash", "sig")}
    return hashlib.sha256(canonical_entry(covered)).hexdigest()


def covered_bytes(data: bytes, entry: Mapping[str, object]) -> bytes:
    """Return what ``chainHash`` is the hash of, cut out of the entry's bytes.

    Encoding again would cost as much as everything else about an entry. ``chainHash`` is
    the first member or follows ``cert``, which has no member of that name; after ``sig``
    come texts and numbers only, and in a text every quote is escaped. Raises ValueError.
    """
    hash_start = data.index(_HASH_MEMBER)
    hash_end = hash_start + len(_HASH_MEMBER) + len(FIRST_PREVIOUS_HASH) + len('",')
    sig_start = data.rindex(_SIG_MEMBER)
    sig_end = sig_start + len(_SIG_MEMBER) + len(str(entry["sig"])) + len('"')
    return data[:hash_start] + data[hash_end:sig_start] + data[sig_end:]


def cut_certificate(data: bytes) -> tuple[bytes, bytes]:
    """Return the certificate's bytes within those of an entry, and the entry's without them.

    The first are empty where there is none. All is canonical if both are. A certificate with
    a ``chainHash`` of its own, which is never a good one, is cut short.
    """
    end = data.find(b"," + _HASH_MEMBER)
    if end < 0 or not data.startswith(_CERT_MEMBER):
        return b"", data
    return data[len(_CERT_MEMBER) : end], b"{" + data[end + 1 :]


@functools.lru_cache(maxsize=64)  # Every entry names one, and a log has few signers at a time.
def format_signer_id(public_raw: bytes) -> str:
    """Return base64url(SHA-256(raw public key)), the name of a signer."""
    return format_base64url(hashlib.sha256(public_raw).digest())
