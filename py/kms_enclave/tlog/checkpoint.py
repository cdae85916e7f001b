"""Checkpoints: the Instance Audit Key's word on the log's size and root.

A https://c2sp.org/tlog-checkpoint in a signed note. Its origin line, which is also the
key's name, has the enclave's host and the instance id, so that no two logs share one. A
checkpoint shows that the log grew only together with an older one, or with a later
log: whoever holds the key can sign any. Specification: docs/spec/audit.md, Checkpoint.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from kms_enclave.ports.crypto import AuditSigningKey, CryptoPort
from kms_enclave.tlog.merkle import HASH_BYTES
from kms_enclave.tlog.note import (
    Note,
    NoteError,
    format_base64,
    format_note,
    key_id,
    parse_base64,
    parse_note,
    signature_check,
)

__all__ = [
    "MAX_CHECKPOINT_CHARACTERS",
    "Checkpoint",
    "CheckpointError",
    "SignedCheckpoint",
    "format_checkpoint",
    "log_origin",
    "parse_checkpoint",
    "parse_signed_checkpoint",
    "sign_checkpoint",
    "verify_checkpoint",
]

MAX_CHECKPOINT_CHARACTERS: Final = 1024
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


class CheckpointError(Exception):
    """A text is no checkpoint, or not one that this log's key has signed."""


@attrs.frozen
class Checkpoint:
    """A tree's size and root, and whose it is."""

    origin: str
    size: int
    root: bytes


@attrs.frozen
class SignedCheckpoint:
    """A checkpoint and the note that holds it; nothing is verified yet."""

    checkpoint: Checkpoint
    note: Note


def log_origin(enclave_origin: str, instance_id: str) -> str:
    """Return the origin line: the enclave's host, with a port if it has one, and the instance."""
    return f"{enclave_origin.partition('://')[2]}/{instance_id}"


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the three lines that are signed."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{format_base64(checkpoint.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint of three lines. Raises CheckpointError."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise CheckpointError("the checkpoint has not three lines")
    if not _SIZE.fullmatch(lines[1]):
        raise CheckpointError("the checkpoint's size is not a number")
    try:
        root = parse_base64(lines[2])
    except NoteError:
        root = b""
    if len(root) != HASH_BYTES:
        raise CheckpointError("the checkpoint's root is not a hash")
    return Checkpoint(lines[0], int(lines[1]), root)


def parse_signed_checkpoint(text: str) -> SignedCheckpoint:
    """Return what a note holds, unverified. Raises CheckpointError."""
    try:
        if len(text) > MAX_CHECKPOINT_CHARACTERS:
            raise NoteError("it is too long")
        note = parse_note(text)
    except NoteError as error:
        raise CheckpointError(f"the checkpoint is no signed note: {error}") from None
    return SignedCheckpoint(parse_checkpoint(note.text), note)


async def sign_checkpoint(
    crypto: CryptoPort, key: AuditSigningKey, public_raw: bytes, checkpoint: Checkpoint
) -> str:
    """Return the signed note's text."""
    text = format_checkpoint(checkpoint)
    signature = await crypto.sign_ed25519(key, text.encode())
    name = checkpoint.origin
    return format_note(Note(text, name, key_id(name, public_raw), signature))


async def verify_checkpoint(
    crypto: CryptoPort, text: str, *, expected_origin: str, expected_public_raw: bytes
) -> Checkpoint:
    """Return the checkpoint that this log's key has signed. Raises CheckpointError."""
    signed = parse_signed_checkpoint(text)
    if signed.checkpoint.origin != expected_origin:
        raise CheckpointError("the checkpoint is another log's")
    try:
        check = signature_check(
            signed.note, expected_name=expected_origin, expected_public_raw=expected_public_raw
        )
    except NoteError as error:
        raise CheckpointError(f"the checkpoint is another log's: {error}") from None
    (holds,) = await crypto.verify_ed25519([check])
    if not holds:
        raise CheckpointError("the checkpoint's signature is not valid")
    return signed.checkpoint
