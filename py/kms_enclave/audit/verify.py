"""Verification of the audit log: pure rules, entry by entry, signatures in batches.

The verifier is a state machine over entries in order. It starts knowing nothing, or
the keys that the caller pins. The genesis names the Instance Audit Key (KIAK); the
``setup`` entry names the User Audit Key (UAK) and carries the UAK's certificate of
the KIAK, valid from the genesis on, which covers the entries before it. From then on
every KIAK entry, and every entry of a Lease Audit Key (LAK), carries a certificate.

Nothing here performs I/O: :meth:`ChainVerifier.check` raises :class:`BadEntryError`
or returns the signatures that remain to be verified. Specification: docs/spec/audit.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from kms_enclave.audit.certificate import certificate_bytes
from kms_enclave.audit.entry import FIRST_PREVIOUS_HASH, SIGNERS, chain_hash, format_signer_id
from kms_enclave.encoding import parse_base64url
from kms_enclave.ports.crypto import SignatureCheck

__all__ = ["BadEntryError", "ChainVerifier"]

_REQUIRED: Final[Mapping[str, type]] = {
    "kmsVersion": int,
    "seqNum": int,
    "timestamp": int,
    "op": str,
    "kid": str,
    "requestId": str,
    "previousHash": str,
    "chainHash": str,
    "signer": str,
    "signerId": str,
    "sig": str,
}
_OPTIONAL: Final[Mapping[str, type]] = {
    "userId": str,
    "origin": str,
    "leaseId": str,
    "unlockTime": int,
    "lockTime": int,
    "duration": int,
    "details": dict,
    "cert": dict,
}
_KNOWN: Final = {**_REQUIRED, **_OPTIONAL}


class BadEntryError(Exception):
    """The first entry that does not hold, and why."""

    def __init__(self, seq_num: int, reason: str) -> None:
        super().__init__(f"entry {seq_num}: {reason}")
        self.seq_num = seq_num
        self.reason = reason


class ChainVerifier:
    """Feed it every entry in order; it remembers what the next one must fit."""

    def __init__(
        self, *, expected_uak: str | None = None, expected_kiak: str | None = None
    ) -> None:
        """Pin public keys (base64url) or leave them ``None`` to learn them from the log."""
        self.next_seq = 0
        self.previous_hash = FIRST_PREVIOUS_HASH
        self._timestamp = 0
        self._genesis_timestamp = 0
        self._pinned_uak = expected_uak
        self._pinned_kiak = expected_kiak
        self._uak: bytes | None = None
        self._kiak: bytes | None = None
        self._instance_id: object = None
        self._good_certificates: set[bytes] = set()

    def check(self, entry: object) -> Sequence[SignatureCheck]:
        """Check the next entry; return its signatures. Raises BadEntryError."""
        checked = self._check_form(entry)
        self._check_place(checked)
        try:
            checks = self._check_signer(checked)
        except ValueError as error:
            raise BadEntryError(self.next_seq, str(error)) from None
        self.previous_hash = str(checked["chainHash"])
        self._timestamp = int(str(checked["timestamp"]))
        self.next_seq += 1
        return checks

    def _check_form(self, entry: object) -> Mapping[str, object]:
        if not isinstance(entry, dict):
            raise BadEntryError(self.next_seq, "not an object")
        for name, cls in _REQUIRED.items():
            if type(entry.get(name)) is not cls:
                raise BadEntryError(self.next_seq, f"{name} is missing or of a wrong type")
        for name, value in entry.items():
            if name not in _KNOWN:
                raise BadEntryError(self.next_seq, "has an unknown field")
            if type(value) is not _KNOWN[name]:
                raise BadEntryError(self.next_seq, f"{name} is of a wrong type")
        return entry

    def _check_place(self, entry: Mapping[str, object]) -> None:
        if entry["kmsVersion"] != 2:
            raise BadEntryError(self.next_seq, "unknown version")
        if entry["seqNum"] != self.next_seq:
            raise BadEntryError(self.next_seq, f"number {entry['seqNum']} stands in its place")
        if entry["previousHash"] != self.previous_hash:
            raise BadEntryError(self.next_seq, "does not link to the entry before it")
        if int(str(entry["timestamp"])) < self._timestamp and entry["op"] != "clock.adjust":
            raise BadEntryError(self.next_seq, "is older than the entry before it")
        if entry["op"] not in SIGNERS:
            raise BadEntryError(self.next_seq, "has an unknown operation")
        try:
            actual_hash = chain_hash(entry)
        except ValueError:
            raise BadEntryError(self.next_seq, "is not canonical JSON's kind of object") from None
        if actual_hash != entry["chainHash"]:
            raise BadEntryError(self.next_seq, "its hash is not the hash of its fields")

    def _check_signer(self, entry: Mapping[str, object]) -> Sequence[SignatureCheck]:
        kind, op = entry["signer"], str(entry["op"])
        if kind not in SIGNERS[op]:
            raise ValueError(f"{op} may not be signed by that kind of key")
        if self.next_seq == 0:
            self._learn_instance(entry)
        checks: list[SignatureCheck] = []
        if kind == "UAK":
            public, checks = self._user_key(entry)
        elif kind == "KIAK":
            public, checks = self._instance_key(entry)
        else:
            public, checks = self._lease_key(entry)
        if format_signer_id(public) != entry["signerId"]:
            raise ValueError("signerId is not the id of the key that must sign")
        signature = parse_base64url(str(entry["sig"]))
        message = bytes.fromhex(str(entry["chainHash"]))
        return [*checks, SignatureCheck(public, signature, message)]

    def _learn_instance(self, entry: Mapping[str, object]) -> None:
        if entry["op"] != "instance.start":
            raise ValueError("the first entry is not an instance's start")
        details = _details(entry)
        public = str(details.get("instancePublicKey"))
        if self._pinned_kiak is not None and public != self._pinned_kiak:
            raise ValueError("the log is another instance's")
        self._kiak = parse_base64url(public)
        self._instance_id = details.get("instanceId")
        self._genesis_timestamp = int(str(entry["timestamp"]))

    def _user_key(self, entry: Mapping[str, object]) -> tuple[bytes, list[SignatureCheck]]:
        if entry["op"] != "setup":
            if self._uak is None:
                raise ValueError("a user's entry before any setup")
            return self._uak, []
        if self._uak is not None:
            raise ValueError("a second setup")
        details = _details(entry)
        public = str(details.get("auditPublicKey"))
        if self._pinned_uak is not None and public != self._pinned_uak:
            raise ValueError("the User Audit Key is not the expected one")
        uak = parse_base64url(public)
        self._uak = uak
        certificate = details.get("instanceCert")
        if not isinstance(certificate, dict):
            raise ValueError("setup does not certify the Instance Audit Key")
        checks = self._check_certificate(certificate, kind="KIAK")
        if int(certificate["notBefore"]) > self._genesis_timestamp:
            raise ValueError("the Instance Audit Key's certificate begins after the genesis")
        self._require_instance(certificate)
        return uak, checks

    def _instance_key(self, entry: Mapping[str, object]) -> tuple[bytes, list[SignatureCheck]]:
        if self._kiak is None:
            raise ValueError("no Instance Audit Key is known")
        certificate = entry.get("cert")
        if self._uak is None:
            if certificate is not None:
                raise ValueError("a certificate before any setup")
            return self._kiak, []
        if not isinstance(certificate, dict):
            raise ValueError("the certificate is missing")
        checks = self._check_certificate(certificate, kind="KIAK")
        self._require_instance(certificate)
        _require_cover(certificate, entry)
        return self._kiak, checks

    def _lease_key(self, entry: Mapping[str, object]) -> tuple[bytes, list[SignatureCheck]]:
        certificate = entry.get("cert")
        if not isinstance(certificate, dict):
            raise ValueError("the certificate is missing")
        checks = self._check_certificate(certificate, kind="LAK")
        lease_id = certificate.get("leaseId")
        if not lease_id or lease_id != entry.get("leaseId"):
            raise ValueError("the certificate is another lease's")
        _require_cover(certificate, entry)
        return parse_base64url(str(certificate["delegatePub"])), checks

    def _require_instance(self, certificate: Mapping[str, object]) -> None:
        if certificate.get("instanceId") != self._instance_id or self._instance_id is None:
            raise ValueError("the certificate is another instance's")
        if parse_base64url(str(certificate["delegatePub"])) != self._kiak:
            raise ValueError("the certificate is for another key")

    def _check_certificate(
        self, certificate: Mapping[str, object], *, kind: str
    ) -> list[SignatureCheck]:
        if self._uak is None:
            raise ValueError("a certificate before any setup")
        if certificate.get("type") != "audit-delegation" or certificate.get("version") != 1:
            raise ValueError("the certificate is of an unknown version")
        if certificate.get("signerKind") != kind:
            raise ValueError("the certificate is for another kind of key")
        not_before, not_after = certificate.get("notBefore"), certificate.get("notAfter")
        if type(not_before) is not int or type(not_after) not in (int, type(None)):
            raise ValueError("the certificate's validity is malformed")
        if not isinstance(certificate.get("scope"), list):
            raise ValueError("the certificate's scope is malformed")
        message = certificate_bytes(certificate)
        signature = parse_base64url(str(certificate.get("sig")))
        # One signature check for each certificate, however many entries carry it.
        if message + signature in self._good_certificates:
            return []
        self._good_certificates.add(message + signature)
        return [SignatureCheck(self._uak, signature, message)]


def _details(entry: Mapping[str, object]) -> Mapping[str, object]:
    details = entry.get("details")
    if not isinstance(details, dict):
        raise ValueError("details are missing")
    return details


def _require_cover(certificate: Mapping[str, object], entry: Mapping[str, object]) -> None:
    scope, not_before = certificate["scope"], certificate["notBefore"]
    not_after, timestamp = certificate["notAfter"], entry["timestamp"]
    if not isinstance(scope, list) or entry["op"] not in scope:
        raise ValueError("the certificate does not cover the operation")
    if not isinstance(timestamp, int) or not isinstance(not_before, int):
        raise ValueError("the certificate's validity is malformed")
    if timestamp < not_before or (isinstance(not_after, int) and timestamp > not_after):
        raise ValueError("the certificate was not valid at that time")
