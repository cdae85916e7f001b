"""The page's own verification of proofs and notes: others' vectors, and what others' code makes.

Every altered proof has to be refused, whatever was altered in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from independent.tree import is_included, leaf_hash, root_of
from playwright.sync_api import Page

_FOLDER = Path(__file__).parents[2] / "tests" / "vectors"
_VECTORS: dict[str, Any] = json.loads((_FOLDER / "merkle.json").read_text("utf-8"))
_ENTRIES = [str(number).encode() for number in range(70)]
_LEAVES = [leaf_hash(entry) for entry in _ENTRIES]

Case = dict[str, Any]


def _inclusion(index: int, size: int) -> Case:
    return {
        "path": [each.hex() for each in _path(index, _LEAVES[:size])],
        "entry": _ENTRIES[index].hex(),
        "index": index,
        "size": size,
        "root": root_of(_LEAVES[:size]).hex(),
    }


def _consistency(old_size: int, size: int) -> Case:
    return {
        "path": [each.hex() for each in _subproof(old_size, _LEAVES[:size], complete=True)],
        "oldSize": old_size,
        "oldRoot": root_of(_LEAVES[:old_size]).hex(),
        "size": size,
        "root": root_of(_LEAVES[:size]).hex(),
    }


def _split(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)


def _path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*_path(index, leaves[:middle]), root_of(leaves[middle:])]
    return [*_path(index - middle, leaves[middle:]), root_of(leaves[:middle])]


def _subproof(old_size: int, leaves: Sequence[bytes], *, complete: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2."""
    if old_size == len(leaves):
        return [] if complete else [root_of(leaves)]
    middle = _split(len(leaves))
    if old_size <= middle:
        inner = _subproof(old_size, leaves[:middle], complete=complete)
        return [*inner, root_of(leaves[middle:])]
    inner = _subproof(old_size - middle, leaves[middle:], complete=False)
    return [*inner, root_of(leaves[:middle])]


def _findings(page: Page, kind: str, cases: Sequence[Case]) -> list[str | None]:
    found: list[str | None] = page.evaluate(f"(cases) => findingsOf{kind}(cases)", list(cases))
    assert len(found) == len(cases)
    return found


def _altered_paths(path: Sequence[str]) -> Iterator[list[str]]:
    """Every proof that differs from this one by one hash: dropped, doubled, swapped, changed."""
    for at, step in enumerate(path):
        before, after = [*path[:at]], [*path[at + 1 :]]
        yield [*before, *after]
        yield [*before, step, step, *after]
        for bit in (0, 255):
            changed = (int(step, 16) ^ (1 << bit)).to_bytes(32).hex()
            yield [*before, changed, *after]
        yield [*before, step[:-2], *after]
        yield [*before, "", *after]
        if after and after[0] != step:
            yield [*before, after[0], step, *after[1:]]
    yield [*path, "00" * 32]
    yield ["00" * 32, *path]


def test_others_vectors_of_inclusion(verifier: Page):
    cases = [
        {
            **each,
            "entry": _VECTORS["entries"][each["index"]],
            "root": _VECTORS["roots"][each["size"]],
        }
        for each in _VECTORS["inclusion"]
    ]
    assert _findings(verifier, "Inclusion", cases) == [None] * len(cases)


def test_others_vectors_of_consistency(verifier: Page):
    roots = _VECTORS["roots"]
    cases = [
        {**each, "oldRoot": roots[each["oldSize"]], "root": roots[each["size"]]}
        for each in _VECTORS["consistency"]
    ]
    assert _findings(verifier, "Consistency", cases) == [None] * len(cases)


def test_every_leaf_of_every_tree_is_found(verifier: Page):
    cases = [_inclusion(index, size) for size in range(1, 71) for index in range(size)]
    assert set(_findings(verifier, "Inclusion", cases)) == {None}


def test_every_tree_is_found_to_begin_with_every_smaller_one(verifier: Page):
    cases = [_consistency(old, size) for size in range(1, 71) for old in range(1, size + 1)]
    assert set(_findings(verifier, "Consistency", cases)) == {None}


_SIZES = (1, 2, 3, 7, 8, 9, 33, 70)


def test_no_altered_proof_of_inclusion_survives(verifier: Page):
    cases: list[Case] = []
    for size in _SIZES:
        for index in {0, size // 2, size - 1}:
            case = _inclusion(index, size)
            cases += [{**case, "path": path} for path in _altered_paths(case["path"])]
            cases += [
                {**case, "entry": "ff"},
                {**case, "root": "00" * 32},
                {**case, "root": ""},
                {**case, "index": -1},
                {**case, "index": size},
                {**case, "index": index + 0.5},
                {**case, "size": 0},
                {**case, "size": 2**53},
            ]
            cases += [{**case, "index": other} for other in range(size) if other != index]
    assert None not in _findings(verifier, "Inclusion", cases)


def test_a_proof_of_another_size_proves_what_it_proves_by_the_rfc(verifier: Page):
    """A size is not always covered by a proof; here both verifiers have to say the same."""
    cases = [
        {**_inclusion(index, size), "size": other}
        for size in _SIZES
        for index in {0, size // 2, size - 1}
        for other in range(1, 75)
    ]
    expected = [
        is_included(
            leaf_hash(bytes.fromhex(case["entry"])),
            case["index"],
            case["size"],
            [bytes.fromhex(each) for each in case["path"]],
            bytes.fromhex(case["root"]),
        )
        for case in cases
    ]
    findings = _findings(verifier, "Inclusion", cases)
    assert [finding is None for finding in findings] == expected


def test_no_altered_proof_of_consistency_survives(verifier: Page):
    cases: list[Case] = []
    for size in _SIZES:
        for old_size in {1, (size + 1) // 2, max(1, size - 1), size}:
            case = _consistency(old_size, size)
            cases += [{**case, "path": path} for path in _altered_paths(case["path"])]
            cases += [
                {**case, "root": "00" * 32},
                {**case, "oldRoot": "00" * 32},
                {**case, "oldRoot": ""},
                {**case, "oldSize": 0},
                {**case, "oldSize": size + 1},
                {**case, "oldSize": old_size + 0.5},
                {**case, "size": 2**53},
            ]
            cases += [
                {**case, "oldRoot": root_of(_LEAVES[:other]).hex()}
                for other in range(1, size + 1)
                if other != old_size
            ]
    assert None not in _findings(verifier, "Consistency", cases)


def test_a_tree_of_a_size_beyond_32_bits_is_walked_exactly(verifier: Page):
    """A leaf of the right edge of 2**40 + 1 leaves: its only neighbour is all the rest."""
    rest, leaf = bytes(32), leaf_hash(b"last")
    case = {
        "path": [rest.hex()],
        "entry": b"last".hex(),
        "index": 2**40,
        "size": 2**40 + 1,
        "root": hashlib.sha256(b"\x01" + rest + leaf).hexdigest(),
    }
    assert _findings(verifier, "Inclusion", [case]) == [None]
    assert _findings(verifier, "Inclusion", [{**case, "index": 2**40 - 1}]) != [None]


# Notes


def _signed_note(log: str, size: int, root: bytes, key: Ed25519PrivateKey) -> str:
    """A checkpoint made without the project's code (https://c2sp.org/tlog-checkpoint)."""
    text = f"{log}\n{size}\n{base64.b64encode(root).decode()}\n"
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key_id = hashlib.sha256(f"{log}\n".encode() + b"\x01" + raw).digest()[:4]
    signature = base64.b64encode(key_id + key.sign(text.encode())).decode()
    return f"{text}\n\u2014 {log} {signature}\n"


@pytest.fixture(scope="module")
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


@pytest.fixture(scope="module")
def note(key: Ed25519PrivateKey) -> str:
    return _signed_note("kms.example:8501/3f0e8a52", 20852163, bytes(range(32)), key)


def _of_notes(page: Page, notes: Sequence[str], public: str) -> list[str | None]:
    found: list[str | None] = page.evaluate(
        "([notes, key]) => findingsOfNotes(notes, key)", [list(notes), public]
    )
    return found


def test_a_note_made_by_others_verifies(verifier: Page, note: str, public: str):
    assert _of_notes(verifier, [note], public) == [None]


def test_the_notes_of_the_export_vectors_verify(verifier: Page):
    for name in ("audit-export.jsonl", "audit-export-without-setup.jsonl"):
        lines = (_FOLDER / name).read_text("utf-8").splitlines()
        genesis = next(json.loads(line) for line in lines if '"op":"instance.start"' in line)
        text = genesis["details"]["instancePublicKey"]
        public = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
        assert _of_notes(verifier, [json.loads(lines[0])["note"]], public) == [None]


def test_no_note_with_another_character_survives(verifier: Page, note: str, public: str):
    altered = {
        f"{note[:at]}{char}{note[at + 1 :]}"
        for at in range(len(note))
        for char in "1A \n\x00\u00e9"
    }
    altered |= {note[:at] + note[at + 1 :] for at in range(len(note))}
    altered |= {note[:at] + char + note[at:] for at in range(len(note) + 1) for char in " \n0"}
    altered -= {note}
    assert None not in _of_notes(verifier, sorted(altered), public)


def test_what_is_no_checkpoint_of_one_signature_is_refused(
    verifier: Page, key: Ed25519PrivateKey, note: str, public: str
):
    text, _, line = note.rpartition("\n\n")
    log = "kms.example/id"
    made = [
        "",
        note + line,
        f"{text}\nan extension\n\n{line}",
        f"{text}\n\n{line}{line}",
        _signed_note("kms.example/a b", 1, bytes(32), key),
        _signed_note("kms.example/a+b", 1, bytes(32), key),
        _signed_note("kms.example/\u0430", 1, bytes(32), key),
        _signed_note(log, 1, bytes(31), key),
        _signed_note(log, 2**53, bytes(32), key),
        _signed_note("x" * 1000, 1, bytes(32), key),
        _signed_note(log, 1, bytes(32), key).replace("\n1\n", "\n01\n"),
        _signed_note(log, 1, bytes(32), Ed25519PrivateKey.generate()),
        note.replace("\u2014 kms.example:8501/3f0e8a52", "\u2014 kms.example:8501/another"),
    ]
    assert None not in _of_notes(verifier, made, public)


@pytest.mark.parametrize("bad", ["", "00", "00" * 31, "00" * 33])
def test_what_is_no_key_verifies_nothing(verifier: Page, note: str, bad: str):
    assert _of_notes(verifier, [note], bad) != [None]


def test_canonical_json_is_that_of_rfc_8785(verifier: Page):
    value: dict[str, Any] = {
        "b": [1, -1, 2**53 - 1, True, False, None, [], {}],
        "a": {"\u20ac": '\u20ac\n\u0007"\\/\u007f\u2028', "Z": "", "10": "x", "9": "y"},
        "\U0001f600": 1,
        "\ufb33": 2,
    }
    rng = random.Random(5)
    value |= {"".join(chr(rng.randrange(0x20, 0x3000)) for _ in range(5)): n for n in range(200)}
    assert verifier.evaluate("canonicalJson", value).encode() == rfc8785.dumps(value)


@pytest.mark.parametrize("value", ["0.5", "NaN", "2 ** 53", "undefined", "[() => 1]", "1n"])
def test_what_is_not_of_the_logs_json_is_no_entry(verifier: Page, value: str):
    attempt = f"(() => {{ try {{ canonicalJson({value}); }} catch {{ return true; }} }})()"
    assert verifier.evaluate(attempt) is True
