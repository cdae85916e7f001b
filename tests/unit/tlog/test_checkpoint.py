"""Checkpoints: the published form, and nothing but what this log's key has signed."""

from __future__ import annotations

import base64
import hashlib

import pytest
from forging import verify_signature
from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.tlog.checkpoint import (
    Checkpoint,
    CheckpointError,
    format_checkpoint,
    log_origin,
    parse_checkpoint,
    parse_signed_checkpoint,
    sign_checkpoint,
    verify_checkpoint,
)

# https://c2sp.org/tlog-checkpoint, the example
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
CHECKPOINT = Checkpoint(
    "example.com/behind-the-sofa",
    20852163,
    base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="),
)


def test_the_published_example_comes_back() -> None:
    assert parse_checkpoint(TEXT) == CHECKPOINT
    assert format_checkpoint(CHECKPOINT) == TEXT


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://kms.example", "kms.example/id"),
        ("http://kms.localhost:8501", "kms.localhost:8501/id"),
    ],
)
def test_the_origin_line_names_host_and_instance(origin: str, expected: str) -> None:
    assert log_origin(origin, "id") == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "three lines"),
        (TEXT.removesuffix("\n"), "three lines"),
        (f"{TEXT}extension\n", "three lines"),
        (f"\n{TEXT.partition(chr(10))[2]}", "three lines"),
        (TEXT.replace("20852163", "020852163"), "not a number"),
        (TEXT.replace("20852163", "-1"), "not a number"),
        (TEXT.replace("20852163", " 1"), "not a number"),
        (TEXT.replace("20852163", "\u0661"), "not a number"),
        (TEXT.replace("20852163", "1" * 17), "not a number"),
        (TEXT.replace("CsUY", ""), "not a hash"),
        (TEXT.replace("q2I=", "q2J="), "not a hash"),
        (TEXT.replace("/", "_"), "not a hash"),
    ],
)
def test_anything_else_is_no_checkpoint(text: str, reason: str) -> None:
    with pytest.raises(CheckpointError, match=reason):
        parse_checkpoint(text)


async def _signed() -> tuple[str, bytes]:
    crypto = NativeCrypto()
    key = await crypto.generate_audit_key()
    note = await sign_checkpoint(crypto, key.private, key.public_raw, CHECKPOINT)
    return note, key.public_raw


async def test_a_signed_checkpoint_verifies_by_others_code() -> None:
    note, public = await _signed()
    text, _, line = note.rpartition("\n\n")
    _, name, encoded = line.split(" ")
    data = base64.b64decode(encoded, validate=False)
    assert (f"{text}\n", name) == (TEXT, CHECKPOINT.origin)
    assert data[:4] == hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    assert verify_signature(public, data[4:], TEXT.encode())


async def test_a_checkpoint_of_this_logs_key_verifies() -> None:
    note, public = await _signed()
    assert (
        await verify_checkpoint(
            NativeCrypto(),
            note,
            expected_origin=CHECKPOINT.origin,
            expected_public_raw=public,
        )
        == CHECKPOINT
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("20852163", "20852164", "not valid"),
        ("\nCsUY", "\nDsUY", "not valid"),
        ("behind-the-sofa\n", "behind-the-sofb\n", "another log's"),
        ("\u2014 example", "\u2014 axample", "another name"),
        ("\n\n", "\n", "signed note"),
    ],
)
async def test_an_altered_checkpoint_is_refused(old: str, new: str, reason: str) -> None:
    note, public = await _signed()
    with pytest.raises(CheckpointError, match=reason):
        await verify_checkpoint(
            NativeCrypto(),
            note.replace(old, new, 1),
            expected_origin=CHECKPOINT.origin,
            expected_public_raw=public,
        )


async def test_another_keys_checkpoint_is_refused() -> None:
    note, _ = await _signed()
    _, other = await _signed()
    with pytest.raises(CheckpointError, match="another key"):
        await verify_checkpoint(
            NativeCrypto(), note, expected_origin=CHECKPOINT.origin, expected_public_raw=other
        )


def test_a_text_of_any_length_is_not_read() -> None:
    with pytest.raises(CheckpointError, match="too long"):
        parse_signed_checkpoint("x" * 1025)
