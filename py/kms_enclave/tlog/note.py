"""Signed notes with one Ed25519 signature (https://c2sp.org/signed-note).

A note may have any number of signatures; those that are made and taken here have one, so
that nothing in them is not covered by it. Reading a note verifies nothing:
:func:`signature_check` says what remains to be verified.
"""

from __future__ import annotations

import binascii
import hashlib
from typing import Final

import attrs

from kms_enclave.ports.crypto import SignatureCheck

__all__ = [
    "Note",
    "NoteError",
    "format_base64",
    "format_note",
    "format_verifier_key",
    "key_id",
    "parse_base64",
    "parse_note",
    "signature_check",
]

_ED25519: Final = b"\x01"
_KEY_ID_BYTES: Final = 4
_SIGNATURE_BYTES: Final = 64
_LINE_START: Final = "\u2014 "


class NoteError(Exception):
    """A text is no signed note, or not one of this kind."""


@attrs.frozen
class Note:
    """``text`` is what is signed, and ends with a line feed; ``name`` is the key's."""

    text: str
    name: str
    key_id: bytes
    signature: bytes


def key_id(name: str, public_raw: bytes) -> bytes:
    """Return the four bytes that tell keys of one name apart."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_raw).digest()[:_KEY_ID_BYTES]


def format_verifier_key(name: str, public_raw: bytes) -> str:
    """Return the public key as other tools for signed notes take it."""
    return f"{name}+{key_id(name, public_raw).hex()}+{format_base64(_ED25519 + public_raw)}"


def format_note(note: Note) -> str:
    """Return the note's whole text."""
    return f"{note.text}\n{_LINE_START}{note.name} {format_base64(note.key_id + note.signature)}\n"


def parse_note(whole: str) -> Note:
    """Return the note in a text. Raises NoteError."""
    text, separator, signatures = whole.rpartition("\n\n")
    if not separator or not signatures.endswith("\n") or signatures.count("\n") != 1:
        raise NoteError("it has not one signature line at its end")
    # A control character could make two notes look the same to who reads them.
    if any(_is_control(character) for character in whole.replace("\n", "")):
        raise NoteError("it has a control character")
    fields = signatures.removesuffix("\n").split(" ")
    if len(fields) != 3 or f"{fields[0]} " != _LINE_START or not _is_name(fields[1]):
        raise NoteError("its signature line is malformed")
    data = parse_base64(fields[2])
    if len(data) != _KEY_ID_BYTES + _SIGNATURE_BYTES:
        raise NoteError("its signature has a wrong length")
    return Note(f"{text}\n", fields[1], data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"


def _is_name(text: str) -> bool:
    """Printable ASCII: no two look the same. Without ``+``, which ends it in a verifier key."""
    return text != "" and "+" not in text and all("!" <= character <= "~" for character in text)


def signature_check(
    note: Note, *, expected_name: str, expected_public_raw: bytes
) -> SignatureCheck:
    """Return the verification that shows who signed. Raises NoteError for another key's note."""
    if note.name != expected_name:
        raise NoteError("it is signed under another name")
    if note.key_id != key_id(expected_name, expected_public_raw):
        raise NoteError("it is signed by another key")
    return SignatureCheck(expected_public_raw, note.signature, note.text.encode())


def format_base64(data: bytes) -> str:
    """Return RFC 4648 section 4 base64, with padding."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def parse_base64(text: str) -> bytes:
    """Return the bytes; NoteError for anything but their one canonical spelling."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise NoteError("it holds something that is not base64") from None
    if format_base64(data) != text:
        raise NoteError("it holds base64 that is not canonical")
    return data
