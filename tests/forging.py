"""Audit logs made without the enclave's code: from its specification, with others' libraries.

It writes logs that must verify, and, holding every key, logs in which one rule is
broken and everything else, the signatures included, is right.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = [
    "INSTANCE_ID",
    "LEASE_ID",
    "LEFT_OUT",
    "Forger",
    "b64",
    "public",
    "root",
    "unb64",
    "verify_signature",
]

INSTANCE_ID = "11111111-1111-4111-8111-111111111111"
LEASE_ID = "lease-22222222-2222-4222-8222-222222222222"
LEFT_OUT = "<left out>"
KIAK_SCOPE = [
    "instance.start",
    "build.change",
    "issue.refused",
    "lease.expire",
    "lease.revoke",
    "unlock.denied",
]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def verify_signature(public_raw: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the tree over entries' bytes, as RFC 6962 section 2.1 defines it."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(leaves[:split]) + root(leaves[split:])).digest()


class Forger:
    """Appends entries to ``entries``, numbered, linked and signed."""

    def __init__(self) -> None:
        self.uak = Ed25519PrivateKey.generate()
        self.kiak = Ed25519PrivateKey.generate()
        self.lak = Ed25519PrivateKey.generate()
        self.entries: list[dict[str, Any]] = []
        self.timestamp = 1000

    def certificate(
        self, kind: str, *, by: Ed25519PrivateKey | None = None, **changes: object
    ) -> dict[str, object]:
        """Return a certificate; ``changes`` replace fields, ``None`` or ``LEFT_OUT`` omit one.

        Of ``notAfter``, which may be ``None``, only ``LEFT_OUT`` does.
        """
        own: Mapping[str, object] = (
            {
                "delegatePub": b64(public(self.lak)),
                "scope": ["sign"],
                "notBefore": 1000,
                "notAfter": 2000,
                "leaseId": LEASE_ID,
            }
            if kind == "LAK"
            else {
                "delegatePub": b64(public(self.kiak)),
                "scope": KIAK_SCOPE,
                "notBefore": 1000,
                "notAfter": None,
                "instanceId": INSTANCE_ID,
            }
        )
        value = {
            "type": "audit-delegation",
            "version": 1,
            "signerKind": kind,
            "codeHash": "c",
            "manifestHash": "m",
            "kmsVersion": "1",
            **own,
            **changes,
        }
        left_out = {
            name
            for name, new in changes.items()
            if new == LEFT_OUT or (new is None and name != "notAfter")
        }
        value = {name: kept for name, kept in value.items() if name not in left_out}
        return value | {"sig": b64((by or self.uak).sign(rfc8785.dumps(value)))}

    def add(
        self, op: str, signer: str, /, *, by: Ed25519PrivateKey | None = None, **changes: object
    ) -> dict[str, Any]:
        """Append an entry; ``changes`` replace fields before it is hashed and signed."""
        key = by or {"UAK": self.uak, "KIAK": self.kiak, "LAK": self.lak}[signer]
        entry: dict[str, Any] = {
            "kmsVersion": 2,
            "seqNum": len(self.entries),
            "timestamp": self.timestamp,
            "op": op,
            "kid": "",
            "requestId": "33333333-3333-4333-8333-333333333333",
            "previousHash": self.entries[-1]["chainHash"] if self.entries else "0" * 64,
            "signer": signer,
            "signerId": b64(hashlib.sha256(public(key)).digest()),
            **changes,
        }
        entry = {name: value for name, value in entry.items() if value is not None}
        digest = hashlib.sha256(rfc8785.dumps(entry)).digest()
        entry["chainHash"] = digest.hex()
        entry["sig"] = b64(key.sign(digest))
        self.entries.append(entry)
        return entry

    def genesis(self, **details: object) -> None:
        self.add(
            "instance.start",
            "KIAK",
            details={
                "instanceId": INSTANCE_ID,
                "instancePublicKey": b64(public(self.kiak)),
                **details,
            },
        )

    def setup(self, **details: object) -> None:
        known = {
            "auditPublicKey": b64(public(self.uak)),
            "instanceCert": self.certificate("KIAK"),
            **details,
        }
        self.add("setup", "UAK", details={name: value for name, value in known.items() if value})

    def token(self, **changes: object) -> None:
        self.add("sign", "LAK", **{"leaseId": LEASE_ID, "cert": self.certificate("LAK"), **changes})

    def denial(self, **changes: object) -> None:
        self.add("unlock.denied", "KIAK", **{"cert": self.certificate("KIAK"), **changes})

    def note(self, size: int | None = None, **changes: Any) -> str:
        """Return a checkpoint; ``changes`` replace its origin, root, or who signs it (``by``)."""
        leaves = [rfc8785.dumps(entry) for entry in self.entries[:size]]
        origin = changes.get("origin", f"kms.example/{INSTANCE_ID}")
        hashed = base64.b64encode(changes.get("root", root(leaves))).decode()
        text = f"{origin}\n{len(leaves) if size is None else size}\n{hashed}\n"
        key = changes.get("by", self.kiak)
        key_id = hashlib.sha256(f"{origin}\n\x01".encode() + public(key)).digest()[:4]
        signature = base64.b64encode(key_id + key.sign(text.encode())).decode()
        return f"{text}\n\u2014 {origin} {signature}\n"

    def export(
        self, *, certificate: Mapping[str, object] | None = None, **note: Any
    ) -> list[bytes]:
        """Return the lines of an export file; ``note`` as in :meth:`note`."""
        first = {"type": "checkpoint", "version": 1, "note": self.note(**note)}
        lines: list[Mapping[str, Any]] = [first]
        if any(entry["op"] == "setup" for entry in self.entries):
            certificate = certificate or self.certificate("KIAK")
        if certificate is not None:
            lines.append({"type": "certificate", "version": 1, "certificate": certificate})
        return [rfc8785.dumps(line) for line in (*lines, *self.entries)]

    def prune(self, first: int, /, **more: object) -> None:
        """Append the entry by which a user drops the entries below ``first``; ``more`` details."""
        leaves = [rfc8785.dumps(entry) for entry in self.entries[:first]]
        last = self.entries[first - 1]
        details = {
            "first": first,
            "rootHash": root(leaves).hex(),
            "chainHash": last["chainHash"],
            "timestamp": last["timestamp"],
            "auditPublicKey": b64(public(self.uak)),
            "instanceCert": self.certificate("KIAK"),
            "via": "page",
            **more,
        }
        self.add("audit.prune", "UAK", details=details)

    def export_pruned(
        self,
        first: int,
        *,
        entry: Mapping[str, Any] | None = None,
        subtrees: Sequence[str] | None = None,
    ) -> list[bytes]:
        """Return the lines of an export file without the entries below ``first``.

        ``entry`` is the one that the file says the log was pruned by, the last one by default.
        """
        kept = self.export()
        line = {
            "type": "pruned",
            "version": 1,
            "entry": entry or self.entries[-1],
            "subtrees": self.subtrees(self.entries[:first]) if subtrees is None else subtrees,
        }
        return [*kept[:2], rfc8785.dumps(line), *kept[2 + first :]]

    @staticmethod
    def subtrees(entries: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the roots of the complete subtrees over some entries, the largest first."""
        leaves = [rfc8785.dumps(entry) for entry in entries]
        found: list[str] = []
        while leaves:
            size = 1 << len(leaves).bit_length() - 1
            found.append(root(leaves[:size]).hex())
            leaves = leaves[size:]
        return found


def long_log() -> Forger:
    """Return a log that takes more than one process some time to verify."""
    log = Forger()
    log.genesis()
    log.setup()
    certificate = log.certificate("LAK")
    for _ in range(2100):
        log.token(cert=certificate)
    return log
