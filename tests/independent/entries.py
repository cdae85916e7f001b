"""Entries in order: form, place, hash, signer, signatures (section Verification)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from independent.jcs import NotVerified, decode, encode, hash_bytes, unb64url
from independent.keys import (
    MAY_SIGN,
    verify_certificate,
    verify_instance_certificate,
    verify_signature,
)

__all__ = ["Log", "covered_hash", "signer_id", "verify_form"]

_REQUIRED = {
    "kmsVersion": int, "seqNum": int, "timestamp": int, "op": str, "kid": str, "requestId": str,
    "previousHash": str, "signer": str, "signerId": str, "chainHash": str, "sig": str,
}  # fmt: skip
_OPTIONAL = {
    "userId": str, "origin": str, "leaseId": str, "unlockTime": int, "lockTime": int,
    "duration": int, "details": dict, "cert": dict,
}  # fmt: skip


def verify_form(entry: Any) -> Mapping[str, Any]:
    types = _REQUIRED | _OPTIONAL
    if not isinstance(entry, dict) or not _REQUIRED.keys() <= entry.keys() <= types.keys():
        raise NotVerified("an entry with an unknown or a missing field")
    if any(type(value) is not types[name] for name, value in entry.items()):
        raise NotVerified("a field of a wrong type")
    if entry["kmsVersion"] != 2:
        raise NotVerified("an unknown version")
    return entry


def covered_hash(entry: Mapping[str, Any]) -> bytes:
    covered = {name: entry[name] for name in entry if name not in ("chainHash", "sig")}
    return hashlib.sha256(encode(covered)).digest()


def signer_id(public: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(public).digest()).rstrip(b"=").decode()


class Log:
    """What the next entry must fit."""

    def __init__(self) -> None:
        self.next = 0
        self.previous = "0" * 64
        self.time = 0
        self.before_setup: list[tuple[str, int]] = []
        self.instance_id = ""
        self.kiak: bytes | None = None
        self.uak: bytes | None = None
        self.pruned_by: tuple[int, bytes] | None = None
        self.ended = False

    def add(self, data: bytes) -> None:
        """Verify the next entry, given as its bytes."""
        entry = verify_form(decode(data))
        if self.ended:
            raise NotVerified("an entry after the reset")
        if entry["seqNum"] != self.next or entry["previousHash"] != self.previous:
            raise NotVerified("an entry that is not the next one")
        if entry["timestamp"] < self.time and entry["op"] != "clock.adjust":
            raise NotVerified("an entry that is older than the one before it")
        digest = covered_hash(entry)
        if hash_bytes(entry["chainHash"]) != digest:
            raise NotVerified("chainHash is not the hash")
        key = self._key_of(entry)
        if entry["signerId"] != signer_id(key):
            raise NotVerified("signerId is not the key's that must have signed")
        verify_signature(key, entry["sig"], digest)
        if self.pruned_by is not None and self.pruned_by[0] == self.next:
            if self.pruned_by[1] != data:
                raise NotVerified("not the entry that the log was pruned by")
            self.pruned_by = None
        if self.uak is None:
            self.before_setup.append((entry["op"], entry["timestamp"]))
        self.ended = entry["op"] == "reset"
        self.next, self.previous, self.time = self.next + 1, entry["chainHash"], entry["timestamp"]

    def _key_of(self, entry: Mapping[str, Any]) -> bytes:
        kind, op, details = entry["signer"], entry["op"], entry.get("details", {})
        if op not in MAY_SIGN.get(kind, ()):
            raise NotVerified("that signer may not sign that operation")
        if (op == "instance.start") != (self.next == 0):
            raise NotVerified("instance.start is entry 0, and no other")
        if op == "instance.start":
            if not isinstance(details.get("instanceId"), str):
                raise NotVerified("the instance has no id")
            self.kiak = unb64url(details.get("instancePublicKey"), 32)
            self.instance_id = details["instanceId"]
        if op == "setup":
            self._set_up(details)
        if kind == "UAK":
            if "cert" in entry:
                raise NotVerified("a certificate of a key that needs none")
            return _present(self.uak, "a user's entry before the setup")
        if kind == "LAK":
            return self._lease_key(entry)
        kiak = _present(self.kiak, "no instance")
        if self.uak is None:
            if "cert" in entry:
                raise NotVerified("a certificate before the setup")
            return kiak
        self._verify_own(entry.get("cert"), op=op, at=entry["timestamp"])
        return kiak

    def _set_up(self, details: Mapping[str, Any]) -> None:
        if self.uak is not None:
            raise NotVerified("a second setup")
        self.uak = unb64url(details.get("auditPublicKey"), 32)
        self._verify_own(details.get("instanceCert"))
        for op, at in self.before_setup:
            self._verify_own(details["instanceCert"], op=op, at=at)

    def _lease_key(self, entry: Mapping[str, Any]) -> bytes:
        key = verify_certificate(
            entry.get("cert"), kind="LAK", uak=self.uak, op=entry["op"], at=entry["timestamp"]
        )
        if entry["cert"]["leaseId"] != entry.get("leaseId"):
            raise NotVerified("the certificate is another lease's")
        return key

    def _verify_own(self, certificate: Any, **entry: Any) -> None:
        kiak = _present(self.kiak, "no instance")
        verify_instance_certificate(
            certificate, uak=self.uak, kiak=kiak, instance_id=self.instance_id, **entry
        )


def _present(key: bytes | None, otherwise: str) -> bytes:
    if key is None:
        raise NotVerified(otherwise)
    return key
