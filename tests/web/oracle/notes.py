"""Writes checkpoints (https://c2sp.org/tlog-checkpoint) as JSON: signed ones, and others.

Made without the project's code. Also canonical JSON as `rfc8785` has it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import sys
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_VECTORS = Path(__file__).parents[2] / "vectors"


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _signed_note(
    log: str, size: int, root: bytes, key: Ed25519PrivateKey, *, name: str | None = None
) -> str:
    name = name or log
    text = f"{log}\n{size}\n{base64.b64encode(root).decode()}\n"
    key_id = hashlib.sha256(f"{name}\n".encode() + b"\x01" + _public(key)).digest()[:4]
    signature = base64.b64encode(key_id + key.sign(text.encode())).decode()
    return f"{text}\n\u2014 {name} {signature}\n"


def _of_exports() -> list[dict[str, str]]:
    """The first lines of the export vectors, with the keys of their logs."""
    notes = []
    for name in ("audit-export.jsonl", "audit-export-without-setup.jsonl"):
        lines = (_VECTORS / name).read_text("utf-8").splitlines()
        genesis = next(json.loads(line) for line in lines if '"op":"instance.start"' in line)
        text = genesis["details"]["instancePublicKey"]
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
        notes.append({"note": json.loads(lines[0])["note"], "key": key})
    return notes


def _with_another_character(note: str) -> list[str]:
    altered = {
        f"{note[:at]}{char}{note[at + 1 :]}"
        for at in range(len(note))
        for char in "1A \n\x00\u00e9"
    }
    altered |= {note[:at] + note[at + 1 :] for at in range(len(note))}
    altered |= {note[:at] + char + note[at:] for at in range(len(note) + 1) for char in " \n0"}
    return sorted(altered - {note})


def _of_another_form(note: str, key: Ed25519PrivateKey) -> list[str]:
    text, _, line = note.rpartition("\n\n")
    log = "kms.example/id"
    return [
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
        _signed_note(log, 1, bytes(32), key, name="kms.example/another"),
        _signed_note(log, 1, bytes(32), Ed25519PrivateKey.generate()),
        note.replace("\u2014 kms.example:8501/3f0e8a52", "\u2014 kms.example:8501/another"),
    ]


def _canonical() -> dict[str, Any]:
    value: dict[str, Any] = {
        "b": [1, -1, 2**53 - 1, True, False, None, [], {}],
        "a": {"\u20ac": '\u20ac\n\u0007"\\/\u007f\u2028', "Z": "", "10": "x", "9": "y"},
        "\U0001f600": 1,
        "\ufb33": 2,
    }
    rng = random.Random(5)
    value |= {"".join(chr(rng.randrange(0x20, 0x3000)) for _ in range(5)): n for n in range(200)}
    return {"value": value, "text": rfc8785.dumps(value).decode()}


def _notes() -> dict[str, Any]:
    key = Ed25519PrivateKey.generate()
    note = _signed_note("kms.example:8501/3f0e8a52", 20852163, bytes(range(32)), key)
    return {
        "key": _public(key).hex(),
        "note": note,
        "ofExports": _of_exports(),
        "withAnotherCharacter": _with_another_character(note),
        "ofAnotherForm": _of_another_form(note, key),
        "canonicalJson": _canonical(),
    }


json.dump(_notes(), sys.stdout)
