"""Verification of an export file, line by line, with nothing but the file.

:meth:`ExportVerifier.feed` takes the lines in order and returns the signatures that
remain to be verified; :meth:`ExportVerifier.finish` takes the place of a last line. Both
raise :class:`BadExportError`, which names the line. Pure, and memory does not grow with
the file. It shows that the file is whole and by whose keys; that these are the expected
ones only where one was given. Specification: docs/spec/audit.md, Export file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

import attrs

from kms_enclave.encoding import canonical_json, format_base64url, parse_canonical
from kms_enclave.log.verify.chain import BadEntryError, ChainVerifier
from kms_enclave.log.verify.form import require_hash
from kms_enclave.log.verify.pruned import verify_pruning
from kms_enclave.ports.crypto import SignatureCheck
from kms_enclave.tlog.checkpoint import (
    CheckpointError,
    SignedCheckpoint,
    parse_signed_checkpoint,
)
from kms_enclave.tlog.merkle import CompactTree
from kms_enclave.tlog.note import NoteError, signature_check

__all__ = ["MAX_LINE_BYTES", "BadExportError", "Claim", "ExportSummary", "ExportVerifier"]

MAX_LINE_BYTES: Final = 1_048_576
_FORMAT_VERSION: Final = 1


class BadExportError(Exception):
    """What is wrong with a file, and where: ``line`` from 1; ``seq_num`` where it is an entry's.

    ``line`` is 0 where the file has none.
    """

    def __init__(self, line: int, reason: str, *, seq_num: int | None = None) -> None:
        place = f"line {line}: " if seq_num is None else f"line {line}, entry {seq_num}: "
        super().__init__(f"{place}{reason}" if line else reason)
        self.line = line
        self.reason = reason
        self.seq_num = seq_num


@attrs.frozen
class Claim:
    """A signature that remains to be verified, and what is wrong with the file otherwise."""

    check: SignatureCheck
    line: int
    reason: str = "a signature is not valid"
    seq_num: int | None = None

    def otherwise(self) -> BadExportError:
        """Return the error for a signature that does not hold."""
        return BadExportError(self.line, self.reason, seq_num=self.seq_num)


@attrs.frozen
class ExportSummary:
    """What a good file is: keys are base64url, ``size`` counts the dropped entries too.

    ``is_pinned`` tells whether its key was an expected one; ``compared`` are the sizes of
    the older checkpoints that it was found to have grown from.
    """

    origin: str
    size: int
    first: int
    root_hash: str
    chain_hash: str
    audit_public_key: str | None
    instance_public_key: str
    is_pinned: bool
    compared: Sequence[int]


class ExportVerifier:
    """Feed it every line, without its line feed, then finish."""

    def __init__(
        self, *, expected_key: str | None = None, expected_checkpoints: Sequence[str] = ()
    ) -> None:
        """Give the User Audit Key (of a log without a setup the instance's), older checkpoints.

        Raises CheckpointError for a checkpoint that is none.
        """
        self._expected_key = expected_key
        self._older = [parse_signed_checkpoint(text) for text in expected_checkpoints]
        self._line = 0
        self._checkpoint: SignedCheckpoint | None = None
        self._certificate: Mapping[str, object] | None = None
        self._certificate_line = 0
        self._first = 0
        self._tree = CompactTree()
        self._chain: ChainVerifier | None = None

    @property
    def expected_entries(self) -> int:
        """How many entries the checkpoint says there are, for progress; 0 before it is read."""
        return self._checkpoint.checkpoint.size - self._first if self._checkpoint else 0

    @property
    def verified_entries(self) -> int:
        """How many entries were fed so far."""
        return self._tree.size - self._first

    def feed(self, line: bytes) -> Sequence[Claim]:
        """Check the next line. Raises BadExportError."""
        self._line += 1
        if len(line) > MAX_LINE_BYTES:
            raise self._bad(f"longer than {MAX_LINE_BYTES} bytes")
        try:
            if self._checkpoint is None:
                self._read_checkpoint(line)
                return ()
            # An entry's bytes begin with its first member, and so do the other lines'.
            if self._chain is None and line.startswith(b'{"certificate":'):
                self._read_certificate(line)
                return ()
            if self._chain is None and line.startswith(b'{"entry":'):
                return self._begin_pruned(line)
            return self._check_entry(line)
        except BadEntryError as error:
            raise self._bad(error.reason, seq_num=error.seq_num) from None
        except (CheckpointError, ValueError) as error:
            raise self._bad(str(error)) from None

    def finish(self) -> tuple[ExportSummary, Sequence[Claim]]:
        """Check that the file is whole; return what it is, if every claim so far holds."""
        if self._checkpoint is None:
            raise self._bad("the file is empty")
        if self._chain is None:
            raise self._bad("the file holds no entry")
        checkpoint = self._checkpoint.checkpoint
        if self._tree.size != checkpoint.size:
            raise self._bad(
                f"the file ends with entry {self._tree.size - 1}, its checkpoint covers"
                f" {checkpoint.size} entries"
            )
        if self._chain.state.pruning is not None:
            raise self._bad("the entry that the log was pruned by is missing")
        if self._tree.root() != checkpoint.root:
            raise self._bad("the entries are not those of the checkpoint")
        claims = [*self._checkpoint_claims(self._chain), *self._certificate_claims(self._chain)]
        return self._summary(self._chain, checkpoint.origin), claims

    def _read_checkpoint(self, line: bytes) -> None:
        fields = _fields(line, "checkpoint", "note")
        if not isinstance(fields["note"], str):
            raise ValueError("note is of a wrong type")
        self._checkpoint = parse_signed_checkpoint(fields["note"])
        current = self._checkpoint.checkpoint
        for older in self._older:
            if older.checkpoint.origin != current.origin:
                raise ValueError("the checkpoint to compare with is another log's")
            if older.checkpoint.size > current.size:
                raise ValueError(
                    f"the file ends after {current.size} entries; a checkpoint of"
                    f" {older.checkpoint.size} was seen before"
                )

    def _read_certificate(self, line: bytes) -> None:
        if self._certificate is not None:
            raise ValueError("a second certificate")
        certificate = _fields(line, "certificate", "certificate")["certificate"]
        if not isinstance(certificate, dict):
            raise ValueError("certificate is of a wrong type")
        self._certificate, self._certificate_line = certificate, self._line

    def _begin_pruned(self, line: bytes) -> Sequence[Claim]:
        fields = _fields(line, "pruned", "entry", "subtrees")
        texts = fields["subtrees"]
        if not isinstance(texts, list):
            raise ValueError("subtrees is of a wrong type")
        subtrees = [require_hash(text, name="a subtree") for text in texts]
        entry = canonical_json(cast("Mapping[str, object]", fields["entry"]))
        pruned = verify_pruning(entry, subtrees, expected_uak=self._expected_key)
        self._first = pruned.first
        self._tree = CompactTree(pruned.first, subtrees)
        self._chain = ChainVerifier(start=pruned.start)
        for older in self._older:
            if older.checkpoint.size < pruned.first:
                raise ValueError(
                    f"the log was pruned up to entry {pruned.first}; a checkpoint of"
                    f" {older.checkpoint.size} entries cannot be compared with the file alone"
                )
        self._compare()
        return [Claim(check, self._line) for check in pruned.signatures]

    def _check_entry(self, line: bytes) -> Sequence[Claim]:
        if self._chain is None:
            self._chain = ChainVerifier(expected_uak=self._expected_key)
            self._compare()
        seq_num = self._chain.state.next_seq
        checked = self._chain.check(line)
        self._tree.add(checked.leaf)
        if self._older:
            self._compare()
        return [Claim(check, self._line, seq_num=seq_num) for check in checked.signatures]

    def _compare(self) -> None:
        size = self._tree.size
        seen = [each.checkpoint.root for each in self._older if each.checkpoint.size == size]
        if seen and set(seen) != {self._tree.root()}:
            raise ValueError(
                f"the first {size} entries are not those of the checkpoint that was seen before"
            )

    def _checkpoint_claims(self, chain: ChainVerifier) -> Sequence[Claim]:
        claims: list[Claim] = []
        kiak = cast(bytes, chain.state.kiak)
        own = cast(SignedCheckpoint, self._checkpoint)
        for each in (own, *self._older):
            named = "the checkpoint" if each is own else "the checkpoint to compare with"
            origin = each.checkpoint.origin
            try:
                if origin.rpartition("/")[2] != chain.state.instance_id:
                    raise NoteError("it is another instance's")
                check = signature_check(each.note, expected_name=origin, expected_public_raw=kiak)
            except NoteError as error:
                raise BadExportError(1, f"{named} is not this log's: {error}") from None
            claims.append(Claim(check, 1, f"the signature of {named} is not valid"))
        return claims

    def _certificate_claims(self, chain: ChainVerifier) -> Sequence[Claim]:
        certificate, line = self._certificate, self._certificate_line
        if certificate is None:
            if chain.state.uak is not None:
                raise BadExportError(2, "the certificate of the checkpoint's key is missing")
            return ()
        try:
            check = chain.check_instance_certificate(certificate)
        except ValueError as error:
            raise BadExportError(line, str(error)) from None
        return [Claim(check, line, "the certificate's signature is not valid")]

    def _summary(self, chain: ChainVerifier, origin: str) -> ExportSummary:
        state = chain.state
        uak = format_base64url(state.uak) if state.uak else None
        kiak = format_base64url(cast(bytes, state.kiak))
        if self._expected_key is not None and self._expected_key != (uak or kiak):
            raise BadExportError(1, "the log's key is not the expected one")
        return ExportSummary(
            origin=origin,
            size=self._tree.size,
            first=self._first,
            root_hash=self._tree.root().hex(),
            chain_hash=state.previous_hash,
            audit_public_key=uak,
            instance_public_key=kiak,
            is_pinned=self._expected_key is not None,
            compared=tuple(older.checkpoint.size for older in self._older),
        )

    def _bad(self, reason: str, *, seq_num: int | None = None) -> BadExportError:
        return BadExportError(self._line, reason, seq_num=seq_num)


def _fields(line: bytes, kind: str, *names: str) -> Mapping[str, object]:
    value = parse_canonical(line)
    if not isinstance(value, dict) or value.get("type") != kind:
        raise ValueError(f"a {kind} must stand here")
    if value.get("version") != _FORMAT_VERSION or type(value["version"]) is not int:
        raise ValueError("unknown version")
    if set(value) != {"type", "version", *names}:
        raise ValueError(f"the {kind} has an unknown or a missing field")
    return value
