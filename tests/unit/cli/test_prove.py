"""``audit prove``: proofs that somebody else's code verifies, for every entry of any log."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import kms_enclave, write
from exports import exported, pruned
from forging import Forger
from independent.keys import Checkpoint
from independent.tree import is_included, leaf_hash


def _verify(proof: str, number: int) -> bytes:
    """Return the entry that a tlog-proof proves."""
    head, _, note = proof.partition("\n\n")
    version, extra, index, *path = head.split("\n")
    assert version == "c2sp.org/tlog-proof@v1"
    assert index == f"index {number}"
    entry = base64.b64decode(extra.removeprefix("extra "), validate=True)
    checkpoint = Checkpoint.parse(note)
    hashes = [base64.b64decode(text, validate=True) for text in path]
    assert is_included(leaf_hash(entry), number, checkpoint.size, hashes, checkpoint.root)
    return entry


def _proof(path: Path, number: int) -> str:
    ran = kms_enclave("audit", "prove", path, "--seq", str(number))
    assert ran.status == 3
    return ran.out


def _prove_all(path: Path, lines: Sequence[bytes], first: int) -> None:
    write(path, lines)
    entries = [line for line in lines if b'"seqNum"' in line and b'"subtrees"' not in line]
    for number, entry in enumerate(entries, start=first):
        assert _verify(_proof(path, number), number) == entry


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 13])
def test_every_entry_of_a_log_is_proved(size: int, tmp_path: Path) -> None:
    log = Forger()
    log.genesis()
    while len(log.entries) < size:
        log.denial(cert=None)
    _prove_all(tmp_path / "log.jsonl", log.export(), 0)


def test_every_entry_of_an_enclaves_log_is_proved(tmp_path: Path) -> None:
    _prove_all(tmp_path / "log.jsonl", exported().lines, 0)


def _pruned_log(size: int, first: int) -> list[bytes]:
    """Return the lines of a log of which the entries below ``first`` were dropped."""
    log = Forger()
    log.genesis()
    log.setup()
    while len(log.entries) < size - 1:
        log.add("generate", "UAK")
    log.prune(first)
    return log.export_pruned(first)


@pytest.mark.parametrize(
    ("size", "first"), [(size, first) for size in (4, 7, 9, 16) for first in range(2, size)]
)
def test_every_entry_that_was_kept_is_proved(size: int, first: int, tmp_path: Path) -> None:
    _prove_all(tmp_path / "log.jsonl", _pruned_log(size, first), first)


def test_every_entry_of_an_enclaves_pruned_log_is_proved(tmp_path: Path) -> None:
    first = json.loads(pruned().lines[2])["entry"]["details"]["first"]
    _prove_all(tmp_path / "log.jsonl", pruned().lines, first)


@pytest.mark.parametrize("number", ["2", "8", "99999999999999999999"])
def test_an_entry_that_is_not_in_the_file_is_wrong_usage(number: str, tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", pruned().lines)
    ran = kms_enclave("audit", "prove", path, "--seq", number)
    assert (ran.status, ran.out) == (2, "")
    assert "the file has the entries 3 to 7" in ran.err


def test_the_key_is_pinned_for_a_proof_too(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", exported().lines)
    prove = ("audit", "prove", path, "--seq", "0", "--public-key")
    assert kms_enclave(*prove, exported().key).status == 0
    assert kms_enclave(*prove, pruned().key).status == 1


def test_a_file_that_does_not_verify_proves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", exported().lines[:-1])
    ran = kms_enclave("audit", "prove", path, "--seq", "0")
    assert (ran.status, ran.out) == (1, "")
