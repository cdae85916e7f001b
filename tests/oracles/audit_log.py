"""An auditor of its own: reads a log as `docs/spec/audit.md` says, with other people's code.

Checks numbers, links, hashes, order in time, and every signature back to the User Audit
Key that the setup entry names. It does not know which operation which key may sign.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from oracles.vapid import decode_base64url, encode_base64url

Entry = Mapping[str, Any]


def verify_log(entries: Sequence[Entry]) -> None:
    """Raise ValueError or InvalidSignature for the first entry that does not fit."""
    keys = _Keys(entries)
    previous_hash, previous_time = "0" * 64, 0
    for number, entry in enumerate(entries):
        if entry["seqNum"] != number:
            raise ValueError(f"entry {entry['seqNum']} stands in place {number}")
        if entry["previousHash"] != previous_hash:
            raise ValueError(f"entry {number} does not link to the one before")
        if entry["timestamp"] < previous_time and not _sets_back(entry):
            raise ValueError(f"entry {number} is older than the one before")
        digest = hashlib.sha256(_without(entry, "chainHash", "sig")).digest()
        if entry["chainHash"] != digest.hex():
            raise ValueError(f"entry {number} has another hash")
        keys.signer_of(entry).verify(decode_base64url(entry["sig"]), digest)
        previous_hash, previous_time = entry["chainHash"], entry["timestamp"]


def operations(entries: Iterable[Entry]) -> list[str]:
    return [entry["op"] for entry in entries]


def _sets_back(entry: Entry) -> bool:
    return (entry["op"], entry["signer"]) == ("clock.adjust", "UAK")


class _Keys:
    """The keys that a log names, each led back to the User Audit Key."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._instance = entries[0]["details"]["instancePublicKey"]
        setups = [entry for entry in entries if entry["op"] == "setup"]
        self._user = setups[0]["details"]["auditPublicKey"] if setups else None

    def signer_of(self, entry: Entry) -> Ed25519PublicKey:
        certificate = entry.get("cert")
        if certificate is not None:
            signature = decode_base64url(certificate["sig"])
            _public(self._user).verify(signature, _without(certificate, "sig"))
        match entry["signer"]:
            case "UAK":
                text = self._user
            case "KIAK":
                text = self._instance
            case _:
                text = certificate["delegatePub"]
        if _signer_id(text) != entry["signerId"]:
            raise ValueError(f"entry {entry['seqNum']} names another signer")
        return _public(text)


def _public(text: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(decode_base64url(text))


def _signer_id(text: str) -> str:
    return encode_base64url(hashlib.sha256(decode_base64url(text)).digest())


def _without(value: Entry, *names: str) -> bytes:
    return rfc8785.dumps({name: field for name, field in value.items() if name not in names})
