"""Verification entry by entry: pure rules, signatures left to be verified in batches.

The verifier is a state machine over entries in order. It starts knowing nothing, or
the keys that the caller pins. The genesis names the Instance Audit Key (KIAK); the
``setup`` entry names the User Audit Key (UAK) and carries the UAK's certificate of
the KIAK, valid from the genesis on, which covers the entries before it. From then on
every KIAK entry, and every entry of a Lease Audit Key (LAK), carries a certificate.
It can also start at a :class:`ChainState` that was verified before, or that a user's
pruning vouches for (:mod:`kms_enclave.audit.verify.pruned`).

Nothing here performs I/O: :meth:`ChainVerifier.check` raises :class:`BadEntryError`
or returns the leaf's hash and the signatures that remain to be verified. Memory does
not grow with the log. Specification: docs/spec/audit.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import attrs

from kms_enclave.audit.certificate import certificate_bytes
from kms_enclave.audit.entry import (
    FIRST_PREVIOUS_HASH,
    SIGNERS,
    certificate_part,
    format_signer_id,
)
from kms_enclave.audit.merkle import leaf_hash
from kms_enclave.audit.verify.form import (
    details_of,
    parse_entry,
    verify_certificate_form,
    verify_hash,
)
from kms_enclave.encoding import parse_base64url
from kms_enclave.ports.crypto import SignatureCheck

__all__ = ["BadEntryError", "ChainState", "ChainVerifier", "CheckedEntry", "PruningEntry"]

_MAX_REMEMBERED: Final = 1024
"""Certificates: one that was forgotten is verified again."""


class BadEntryError(Exception):
    """The first entry that does not hold, and why."""

    def __init__(self, seq_num: int, reason: str) -> None:
        super().__init__(f"entry {seq_num}: {reason}")
        self.seq_num = seq_num
        self.reason = reason


@attrs.frozen
class CheckedEntry:
    """An entry that holds if its signatures do."""

    leaf: bytes
    signatures: Sequence[SignatureCheck]


@attrs.frozen
class PruningEntry:
    """The entry by which a user dropped what came before; it must be met in its place."""

    seq_num: int
    leaf: bytes


@attrs.define
class ChainState:
    """What the next entry must fit. Keys are raw; ``uak`` is ``None`` before the setup.

    Not frozen: a verifier moves its own copy, a hundred thousand times.
    """

    next_seq: int = 0
    previous_hash: str = FIRST_PREVIOUS_HASH
    timestamp: int = 0
    genesis_timestamp: int = 0
    instance_id: object = None
    kiak: bytes | None = None
    uak: bytes | None = None
    pruning: PruningEntry | None = None
    is_ended: bool = False


class ChainVerifier:
    """Feed it every entry in order; it remembers what the next one must fit."""

    def __init__(
        self,
        *,
        start: ChainState | None = None,
        expected_uak: str | None = None,
        expected_kiak: str | None = None,
        expected_instance_id: str | None = None,
    ) -> None:
        """Pin public keys (base64url) and the id, or leave them ``None`` to learn them."""
        self.state = attrs.evolve(start) if start else ChainState()
        self._pinned_uak = expected_uak
        self._pinned_kiak = expected_kiak
        self._pinned_instance_id = expected_instance_id
        self._good_certificates: dict[bytes, bytes] = {}

    def check(self, data: bytes) -> CheckedEntry:
        """Check the next entry, given as its bytes. Raises BadEntryError."""
        seq_num = self.state.next_seq
        try:
            entry = parse_entry(data)
            self._check_place(entry)
            verify_hash(data, entry)
            checks = self._check_signer(data, entry)
            checked = CheckedEntry(leaf_hash(data), checks)
            self._check_pruning(checked)
        except ValueError as error:
            raise BadEntryError(seq_num, str(error)) from None
        self.state.next_seq = seq_num + 1
        self.state.previous_hash = str(entry["chainHash"])
        self.state.timestamp = int(str(entry["timestamp"]))
        self.state.is_ended = entry["op"] == "reset"
        return checked

    def _check_place(self, entry: Mapping[str, object]) -> None:
        state = self.state
        if state.is_ended:
            raise ValueError("follows the reset that ended the log")
        if entry["seqNum"] != state.next_seq:
            raise ValueError(f"number {entry['seqNum']} stands in its place")
        if entry["previousHash"] != state.previous_hash:
            raise ValueError("does not link to the entry before it")
        if int(str(entry["timestamp"])) < state.timestamp and entry["op"] != "clock.adjust":
            raise ValueError("is older than the entry before it")
        if entry["op"] not in SIGNERS:
            raise ValueError("has an unknown operation")

    def _check_pruning(self, checked: CheckedEntry) -> None:
        pruning = self.state.pruning
        if pruning is not None and pruning.seq_num == self.state.next_seq:
            if pruning.leaf != checked.leaf:
                raise ValueError("is not the entry that the log was pruned by")
            self.state.pruning = None

    def _check_signer(self, data: bytes, entry: Mapping[str, object]) -> Sequence[SignatureCheck]:
        kind, op = entry["signer"], str(entry["op"])
        if kind not in SIGNERS[op]:
            raise ValueError(f"{op} may not be signed by that kind of key")
        if self.state.next_seq == 0:
            self._learn_instance(entry)
        elif op == "instance.start":
            raise ValueError("a second start of an instance")
        if kind == "UAK":
            public, checks = self._user_key(entry)
        elif kind == "KIAK":
            public, checks = self._instance_key(data, entry)
        else:
            public, checks = self._lease_key(data, entry)
        if format_signer_id(public) != entry["signerId"]:
            raise ValueError("signerId is not the id of the key that must sign")
        signature = parse_base64url(str(entry["sig"]))
        message = bytes.fromhex(str(entry["chainHash"]))
        return [*checks, SignatureCheck(public, signature, message)]

    def _learn_instance(self, entry: Mapping[str, object]) -> None:
        if entry["op"] != "instance.start":
            raise ValueError("the first entry is not an instance's start")
        details = details_of(entry)
        public, instance_id = str(details.get("instancePublicKey")), details.get("instanceId")
        if public != (self._pinned_kiak or public):
            raise ValueError("the log is another instance's")
        if instance_id != (self._pinned_instance_id or instance_id):
            raise ValueError("the log is another instance's")
        self.state.kiak = parse_base64url(public)
        self.state.instance_id = instance_id
        self.state.genesis_timestamp = int(str(entry["timestamp"]))

    def _user_key(self, entry: Mapping[str, object]) -> tuple[bytes, list[SignatureCheck]]:
        if "cert" in entry:
            raise ValueError("a certificate of a key that needs none")
        if entry["op"] != "setup":
            if self.state.uak is None:
                raise ValueError("a user's entry before any setup")
            return self.state.uak, []
        if self.state.uak is not None:
            raise ValueError("a second setup")
        details = details_of(entry)
        public = str(details.get("auditPublicKey"))
        if self._pinned_uak is not None and public != self._pinned_uak:
            raise ValueError("the User Audit Key is not the expected one")
        uak = parse_base64url(public)
        self.state.uak = uak
        certificate = details.get("instanceCert")
        if not isinstance(certificate, dict):
            raise ValueError("setup does not certify the Instance Audit Key")
        check = self.check_instance_certificate(certificate)
        if int(certificate["notBefore"]) > self.state.genesis_timestamp:
            raise ValueError("the Instance Audit Key's certificate begins after the genesis")
        return uak, [check]

    def _instance_key(
        self, data: bytes, entry: Mapping[str, object]
    ) -> tuple[bytes, list[SignatureCheck]]:
        if self.state.kiak is None:
            raise ValueError("no Instance Audit Key is known")
        if self.state.uak is None:
            if entry.get("cert") is not None:
                raise ValueError("a certificate before any setup")
            return self.state.kiak, []
        certificate, delegate, checks = self._certificate(data, entry, kind="KIAK")
        self._require_instance(certificate, delegate)
        _require_cover(certificate, entry)
        return delegate, checks

    def _lease_key(
        self, data: bytes, entry: Mapping[str, object]
    ) -> tuple[bytes, list[SignatureCheck]]:
        certificate, delegate, checks = self._certificate(data, entry, kind="LAK")
        if certificate["leaseId"] != entry.get("leaseId"):
            raise ValueError("the certificate is another lease's")
        _require_cover(certificate, entry)
        return delegate, checks

    def _certificate(
        self, data: bytes, entry: Mapping[str, object], *, kind: Literal["LAK", "KIAK"]
    ) -> tuple[Mapping[str, object], bytes, list[SignatureCheck]]:
        """Return an entry's certificate, the raw key in it, and what remains to be verified."""
        certificate = entry.get("cert")
        if not isinstance(certificate, dict):
            raise ValueError("the certificate is missing")
        # One check for each certificate, however many entries carry it: by the hash of its
        # bytes, which name its kind too.
        remembered = hashlib.sha256(certificate_part(data)).digest()
        delegate = self._good_certificates.get(remembered)
        if delegate is not None and certificate.get("signerKind") == kind:
            return certificate, delegate, []
        check = self._check_certificate(certificate, kind=kind)
        delegate = parse_base64url(str(certificate["delegatePub"]))
        if len(self._good_certificates) == _MAX_REMEMBERED:
            self._good_certificates.clear()
        self._good_certificates[remembered] = delegate
        return certificate, delegate, [check]

    def check_instance_certificate(self, certificate: Mapping[str, object]) -> SignatureCheck:
        """Check a certificate of this log's KIAK; return its signature. Raises ValueError."""
        check = self._check_certificate(certificate, kind="KIAK")
        self._require_instance(certificate, parse_base64url(str(certificate["delegatePub"])))
        return check

    def _require_instance(self, certificate: Mapping[str, object], delegate: bytes) -> None:
        instance_id = self.state.instance_id
        if certificate["instanceId"] != instance_id or instance_id is None:
            raise ValueError("the certificate is another instance's")
        if delegate != self.state.kiak:
            raise ValueError("the certificate is for another key")

    def _check_certificate(
        self, certificate: Mapping[str, object], *, kind: Literal["LAK", "KIAK"]
    ) -> SignatureCheck:
        if self.state.uak is None:
            raise ValueError("a certificate before any setup")
        verify_certificate_form(certificate, expected_kind=kind)
        signature = parse_base64url(str(certificate["sig"]))
        return SignatureCheck(self.state.uak, signature, certificate_bytes(certificate))


def _require_cover(certificate: Mapping[str, object], entry: Mapping[str, object]) -> None:
    scope, not_before = certificate["scope"], certificate["notBefore"]
    not_after, timestamp = certificate["notAfter"], entry["timestamp"]
    if not isinstance(scope, list) or entry["op"] not in scope:
        raise ValueError("the certificate does not cover the operation")
    if not isinstance(timestamp, int) or not isinstance(not_before, int):
        raise ValueError("the certificate's validity is malformed")
    if timestamp < not_before or (isinstance(not_after, int) and timestamp > not_after):
        raise ValueError("the certificate was not valid at that time")
