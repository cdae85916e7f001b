"""Verification entry by entry: pure rules, signatures left to be verified in batches.

The verifier is a state machine over entries in order. It starts knowing nothing, or
the keys that the caller pins. The genesis names the Instance Audit Key (KIAK); the
``setup`` entry names the User Audit Key (UAK) and carries the UAK's certificate of
the KIAK, valid from the genesis on, which covers the entries before it. From then on
every KIAK entry, and every entry of a Lease Audit Key (LAK), carries a certificate.
It can also start at a :class:`ChainState` that was verified before, or that a user's
pruning vouches for (:mod:`kms_enclave.log.verify.pruned`).

Nothing here performs I/O: :meth:`ChainVerifier.check` raises :class:`BadEntryError`
or returns the leaf's hash and the signatures that remain to be verified. Memory does
not grow with the log. Specification: docs/spec/audit.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from kms_enclave.encoding import parse_base64url
from kms_enclave.log.entry import (
    FIRST_PREVIOUS_HASH,
    SIGNERS,
    cut_certificate,
    format_signer_id,
)
from kms_enclave.log.verify.delegation import (
    DelegateKind,
    Delegation,
    KnownDelegations,
    parse_delegation,
)
from kms_enclave.log.verify.form import ParsedEntry, details_of, parse_entry, verify_hash
from kms_enclave.ports.crypto import SignatureCheck
from kms_enclave.tlog.merkle import leaf_hash

__all__ = ["BadEntryError", "ChainState", "ChainVerifier", "CheckedEntry", "PruningEntry"]


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

    ``uncertified`` are the operations before the setup, which its certificate must cover.
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
    uncertified: frozenset[str] = frozenset()


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
        self._known = KnownDelegations()

    def check(self, data: bytes) -> CheckedEntry:
        """Check the next entry, given as its bytes. Raises BadEntryError."""
        seq_num = self.state.next_seq
        try:
            certificate, rest = cut_certificate(data)
            known = self._known.find(certificate)
            entry = parse_entry(data if known is None else rest)
            if known is not None:
                entry["cert"] = known.certificate
            self._check_place(entry)
            verify_hash(data, entry)
            checks = self._check_signer(entry, certificate)
            checked = CheckedEntry(leaf_hash(data), checks)
            self._check_pruning(checked)
        except ValueError as error:
            raise BadEntryError(seq_num, str(error)) from None
        self.state.next_seq = seq_num + 1
        self.state.previous_hash = entry["chainHash"]
        self.state.timestamp = entry["timestamp"]
        self.state.is_ended = entry["op"] == "reset"
        if self.state.uak is None:
            self.state.uncertified |= {entry["op"]}
        return checked

    def _check_place(self, entry: ParsedEntry) -> None:
        state = self.state
        if state.is_ended:
            raise ValueError("follows the reset that ended the log")
        if entry["seqNum"] != state.next_seq:
            raise ValueError(f"number {entry['seqNum']} stands in its place")
        if entry["previousHash"] != state.previous_hash:
            raise ValueError("does not link to the entry before it")
        if entry["timestamp"] < state.timestamp and entry["op"] != "clock.adjust":
            raise ValueError("is older than the entry before it")
        if entry["op"] not in SIGNERS:
            raise ValueError("has an unknown operation")

    def _check_pruning(self, checked: CheckedEntry) -> None:
        pruning = self.state.pruning
        if pruning is not None and pruning.seq_num == self.state.next_seq:
            if pruning.leaf != checked.leaf:
                raise ValueError("is not the entry that the log was pruned by")
            self.state.pruning = None

    def _check_signer(self, entry: ParsedEntry, certificate: bytes) -> Sequence[SignatureCheck]:
        kind, op = entry["signer"], entry["op"]
        if kind not in SIGNERS[op]:
            raise ValueError(f"{op} may not be signed by that kind of key")
        if self.state.next_seq == 0:
            self._learn_instance(entry)
        elif op == "instance.start":
            raise ValueError("a second start of an instance")
        if kind == "UAK":
            public, checks = self._user_key(entry)
        elif kind == "KIAK":
            public, checks = self._instance_key(entry, certificate)
        else:
            public, checks = self._lease_key(entry, certificate)
        if format_signer_id(public) != entry["signerId"]:
            raise ValueError("signerId is not the id of the key that must sign")
        signature = parse_base64url(entry["sig"])
        return [*checks, SignatureCheck(public, signature, bytes.fromhex(entry["chainHash"]))]

    def _learn_instance(self, entry: ParsedEntry) -> None:
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
        self.state.genesis_timestamp = entry["timestamp"]

    def _user_key(self, entry: ParsedEntry) -> tuple[bytes, Sequence[SignatureCheck]]:
        if "cert" in entry:
            raise ValueError("a certificate of a key that needs none")
        if entry["op"] != "setup":
            if self.state.uak is None:
                raise ValueError("a user's entry before any setup")
            return self.state.uak, ()
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
        delegation, check = self._check_instance_certificate(certificate)
        self._require_cover_of_the_beginning(delegation)
        return uak, [check]

    def _require_cover_of_the_beginning(self, delegation: Delegation) -> None:
        state = self.state
        if delegation.not_before > state.genesis_timestamp:
            raise ValueError("the Instance Audit Key's certificate begins after the genesis")
        is_over = delegation.not_after is not None and state.timestamp > delegation.not_after
        if is_over or not state.uncertified <= delegation.scope:
            raise ValueError("the Instance Audit Key's certificate does not cover what was before")

    def _instance_key(
        self, entry: ParsedEntry, certificate: bytes
    ) -> tuple[bytes, Sequence[SignatureCheck]]:
        if self.state.kiak is None:
            raise ValueError("no Instance Audit Key is known")
        if self.state.uak is None:
            if "cert" in entry:
                raise ValueError("a certificate before any setup")
            return self.state.kiak, ()
        delegation, checks = self._delegation(entry, certificate, kind="KIAK")
        self._require_instance(delegation)
        delegation.require_cover(entry["op"], entry["timestamp"])
        return delegation.delegate, checks

    def _lease_key(
        self, entry: ParsedEntry, certificate: bytes
    ) -> tuple[bytes, Sequence[SignatureCheck]]:
        delegation, checks = self._delegation(entry, certificate, kind="LAK")
        if delegation.holder != entry.get("leaseId"):
            raise ValueError("the certificate is another lease's")
        delegation.require_cover(entry["op"], entry["timestamp"])
        return delegation.delegate, checks

    def _delegation(
        self, entry: ParsedEntry, certificate: bytes, *, kind: DelegateKind
    ) -> tuple[Delegation, Sequence[SignatureCheck]]:
        """Return what an entry's certificate says, and what remains to be verified of it."""
        if "cert" not in entry:
            raise ValueError("the certificate is missing")
        known = self._known.find(certificate)
        if known is not None and known.kind == kind:
            return known, ()
        delegation, check = self._check_certificate(entry["cert"], kind=kind)
        self._known.add(certificate, delegation)
        return delegation, [check]

    def check_instance_certificate(self, certificate: Mapping[str, object]) -> SignatureCheck:
        """Check a certificate of this log's KIAK; return its signature. Raises ValueError."""
        return self._check_instance_certificate(certificate)[1]

    def _check_instance_certificate(
        self, certificate: Mapping[str, object]
    ) -> tuple[Delegation, SignatureCheck]:
        delegation, check = self._check_certificate(certificate, kind="KIAK")
        self._require_instance(delegation)
        return delegation, check

    def _require_instance(self, delegation: Delegation) -> None:
        instance_id = self.state.instance_id
        if delegation.holder != instance_id or instance_id is None:
            raise ValueError("the certificate is another instance's")
        if delegation.delegate != self.state.kiak:
            raise ValueError("the certificate is for another key")

    def _check_certificate(
        self, certificate: Mapping[str, object], *, kind: DelegateKind
    ) -> tuple[Delegation, SignatureCheck]:
        if self.state.uak is None:
            raise ValueError("a certificate before any setup")
        delegation = parse_delegation(certificate, expected_kind=kind)
        return delegation, delegation.signature_check(self.state.uak)
