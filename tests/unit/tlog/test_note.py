"""Signed notes, against notes and keys that other implementations published."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from forging import verify_signature
from kms_enclave.tlog.note import (
    Note,
    NoteError,
    format_note,
    format_verifier_key,
    key_id,
    parse_note,
    signature_check,
)

# https://c2sp.org/signed-note, Verifier keys
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"

# golang.org/x/mod/sumdb/note, package documentation
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = (
    f"{GO_TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2p"
    "ZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

# A tree of the Go checksum database, and its key
SUMDB_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SUMDB_NOTE = (
    "go.sum database tree\n65209736\n5+uGFjx6xBZG8ip1+wi77v+grwbhhukIrxEUS8PXvRo=\n\n"
    "\u2014 sum.golang.org Az3grnbssgK7ubgFX36gVETtNv0U23qxyAhAMai2QUfeGa3nB/akvkMdlUErfcZz7l/R3cVt"
    "Yspg3dxXABkGZZKdsQ8=\n"
)


def _public(verifier_key: str) -> bytes:
    return base64.b64decode(verifier_key.split("+", 2)[2])[1:]


@pytest.mark.parametrize("verifier_key", [SPEC_KEY, GO_KEY, SUMDB_KEY])
def test_a_verifier_key_and_its_id_are_as_published(verifier_key: str) -> None:
    name, number, _ = verifier_key.split("+", 2)
    assert key_id(name, _public(verifier_key)).hex() == number
    assert format_verifier_key(name, _public(verifier_key)) == verifier_key


def test_a_note_is_written_as_published() -> None:
    signature = Ed25519PrivateKey.from_private_bytes(GO_SEED).sign(GO_TEXT.encode())
    number = key_id("PeterNeumann", _public(GO_KEY))
    assert format_note(Note(GO_TEXT, "PeterNeumann", number, signature)) == GO_NOTE


@pytest.mark.parametrize(("whole", "verifier_key"), [(GO_NOTE, GO_KEY), (SUMDB_NOTE, SUMDB_KEY)])
def test_a_published_note_comes_back_and_verifies(whole: str, verifier_key: str) -> None:
    note = parse_note(whole)
    assert format_note(note) == whole
    name, public = verifier_key.split("+")[0], _public(verifier_key)
    check = signature_check(note, expected_name=name, expected_public_raw=public)
    assert check.public_raw == public
    assert verify_signature(public, check.signature, check.message)


def test_another_name_or_another_key_is_refused() -> None:
    note = parse_note(GO_NOTE)
    with pytest.raises(NoteError, match="another name"):
        signature_check(note, expected_name="Peter", expected_public_raw=_public(GO_KEY))
    with pytest.raises(NoteError, match="another key"):
        signature_check(note, expected_name="PeterNeumann", expected_public_raw=_public(SPEC_KEY))


_LINE = GO_NOTE.removeprefix(f"{GO_TEXT}\n")


@pytest.mark.parametrize(
    ("whole", "reason"),
    [
        ("", "one signature line"),
        (GO_TEXT, "one signature line"),
        (GO_NOTE.removesuffix("\n"), "one signature line"),
        (f"{GO_NOTE}{_LINE}", "one signature line"),
        (f"{GO_NOTE}\n", "one signature line"),
        (f"{GO_TEXT}{_LINE}", "one signature line"),
        (GO_NOTE.replace("\u2014", "-"), "malformed"),
        (GO_NOTE.replace("\u2014 ", "\u2014  "), "malformed"),
        (GO_NOTE.replace("PeterNeumann", "Peter Neumann"), "malformed"),
        (GO_NOTE.replace("PeterNeumann", "Peter+Neumann"), "malformed"),
        (GO_NOTE.replace("PeterNeumann ", " "), "malformed"),
        (GO_NOTE.replace("nAM=\n", "nAM\n"), "base64"),
        (GO_NOTE.replace("nAM=\n", "nAN=\n"), "not canonical"),
        (GO_NOTE.replace("x08g", ""), "wrong length"),
        (GO_NOTE.replace("If", "I\x00f"), "control character"),
        (GO_NOTE.replace("If", "I\rf"), "control character"),
        (GO_NOTE.replace("If", "I\x7ff"), "control character"),
        (GO_NOTE.replace("If", "I\x85f"), "control character"),
        (GO_NOTE.replace("PeterNeumann", "Peter\u3000Neumann"), "malformed"),
    ],
)
def test_anything_else_is_no_note(whole: str, reason: str) -> None:
    with pytest.raises(NoteError, match=reason):
        parse_note(whole)
