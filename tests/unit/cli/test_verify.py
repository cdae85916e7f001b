"""``audit verify``: its verdicts, its exit statuses, and no traceback for any file."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import rfc8785
from commands import environment, kms_enclave, write
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from exports import Exported, exported, pruned, unset
from forging import LEASE_ID, Forger, b64, long_log, public

from tools.patience import patient

_FILES = pytest.mark.parametrize("make", [exported, pruned, unset])
Lines = list[bytes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


@_FILES
def test_a_file_of_the_expected_key_is_verified(make: Callable[[], Exported], path: Path) -> None:
    file = make()
    ran = kms_enclave("audit", "verify", write(path, file.lines), "--public-key", file.key)
    assert (ran.status, ran.err) == (0, "")
    assert file.key in ran.out
    assert "verified: all of it holds" in ran.out


@_FILES
def test_without_a_key_it_is_consistent_only(make: Callable[[], Exported], path: Path) -> None:
    ran = kms_enclave("audit", "verify", write(path, make().lines))
    assert ran.status == 3
    assert "consistent, key not pinned" in ran.out
    assert "verified" not in ran.out


@_FILES
def test_another_key_than_the_logs_fails(make: Callable[[], Exported], path: Path) -> None:
    other = b64(public(Ed25519PrivateKey.generate()))
    ran = kms_enclave("audit", "verify", write(path, make().lines), "--public-key", other)
    assert (ran.status, ran.out) == (1, "")
    assert "not the expected one" in ran.err


def _edited(line: bytes, **changes: object) -> bytes:
    return rfc8785.dumps({**json.loads(line), **changes})


def _signed_over_other_bytes(_: Lines) -> Lines:
    log = Forger()
    log.genesis()
    entry = log.entries[0]
    # The hash's text instead of its 32 bytes.
    entry["sig"] = b64(log.kiak.sign(entry["chainHash"].encode()))
    return log.export()


def _larger_tree(_: Lines) -> Lines:
    log = Forger()
    log.genesis()
    return log.export(size=2)


_BAD: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "empty": (lambda _: [], "log.jsonl: the file is empty"),
    "not JSON": (lambda lines: [b"hello", *lines], "line 1: is not JSON"),
    "nested a million times": (lambda lines: [b"[" * 1_000_000, *lines], "line 1: is not JSON"),
    "not UTF-8": (lambda lines: [*lines[:3], b"\xff\xfe", *lines[3:]], "entry 1: is not JSON"),
    "an endless number": (lambda lines: [b'{"a":' + b"9" * 9999 + b"}"], "line 1: is not JSON"),
    "a line of 10 MB": (lambda lines: [*lines[:4], b"x" * 10_000_000], "line 5: longer than"),
    "a repeated number": (lambda lines: [*lines[:5], lines[4], *lines[5:]], "entry 3: number 2"),
    "a missing number": (lambda lines: [*lines[:5], *lines[6:]], "line 6, entry 3: number 4"),
    "entries of another order": (lambda lines: [*lines[:4], *lines[:3:-1]], "entry 2: number 5"),
    "an unknown version": (
        lambda lines: [_edited(lines[0], version=2), *lines[1:]], "line 1: unknown version"
    ),
    "an entry of an unknown version": (
        lambda lines: [*lines[:3], _edited(lines[3], kmsVersion=3), *lines[4:]],
        "line 4, entry 1: unknown version",
    ),
    "a certificate of another instance": (
        lambda lines: [lines[0], pruned().lines[1], *lines[2:]],
        "line 2: the certificate is another instance's",
    ),
    "a signature over the wrong bytes": (
        _signed_over_other_bytes, "line 2, entry 0: a signature is not valid"
    ),
    "a checkpoint for a larger tree": (_larger_tree, "its checkpoint covers 2 entries"),
    "an end that was cut off": (lambda lines: lines[:-1], "ends with entry 4"),
    "no checkpoint": (lambda lines: lines[1:], "line 1: a checkpoint must stand here"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "reason"), _BAD.values(), ids=_BAD.keys())
def test_a_bad_file_is_told_where_and_why_on_standard_error(
    damage: Callable[[Lines], Lines], reason: str, path: Path
) -> None:
    ran = kms_enclave("audit", "verify", write(path, damage(list(exported().lines))))
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(f"does not verify: {path}: ")
    assert reason in ran.err


@pytest.mark.parametrize("end", [1, 1000, -1])
def test_a_file_that_is_cut_off_within_a_line_is_told_so(end: int, path: Path) -> None:
    data = write(path, exported().lines).read_bytes()
    path.write_bytes(data[:end])
    ran = kms_enclave("audit", "verify", path)
    assert ran.status == 1
    assert "the file is cut off: its last line has no end" in ran.err


def test_an_older_checkpoint_is_grown_from(path: Path, tmp_path: Path) -> None:
    log = Forger()
    log.genesis()
    note = tmp_path / "note"
    note.write_text(log.note(), "utf-8")
    log.setup()
    ran = kms_enclave("audit", "verify", write(path, log.export()), "--checkpoint", note)
    assert ran.status == 3
    assert "grew from    a checkpoint of 1 entries" in ran.out


def test_a_file_that_was_cut_back_fails_beside_the_newer_checkpoint(
    path: Path, tmp_path: Path
) -> None:
    log = Forger()
    log.genesis()
    write(path, log.export())
    log.setup()
    note = tmp_path / "note"
    note.write_text(log.note(), "utf-8")
    assert kms_enclave("audit", "verify", path).status == 3
    ran = kms_enclave("audit", "verify", path, "--checkpoint", note)
    assert ran.status == 1
    assert "the file ends after 1 entries; a checkpoint of 2 was seen before" in ran.err


_USAGE: dict[str, tuple[list[str], str]] = {
    "no file": (["missing.jsonl"], "does not exist"),
    "a folder": (["."], "is a directory"),
    "a key that is none": (["log", "--public-key", "abc"], "not an Ed25519 public key"),
    "a key with padding": (["log", "--public-key", "A" * 43 + "="], "not an Ed25519 public key"),
    "a checkpoint that is none": (["log", "--checkpoint", "log"], "is no signed note"),
    "a checkpoint that is no text": (["log", "--checkpoint", "bytes"], "is not text"),
    "an unknown option": (["log", "--fast"], "No such option"),
}


@pytest.mark.parametrize(("arguments", "reason"), _USAGE.values(), ids=_USAGE.keys())
def test_wrong_usage_has_a_status_of_its_own(
    arguments: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("log"), exported().lines)
    Path("bytes").write_bytes(b"\xff")
    ran = kms_enclave("audit", "verify", *arguments)
    assert ran.status == 2
    assert reason in ran.err


def test_text_of_a_file_does_not_move_the_terminals_cursor(path: Path) -> None:
    log = Forger()
    log.genesis()
    ran = kms_enclave("audit", "verify", write(path, log.export(origin="\u202e\x9b/11111111")))
    assert "\x9b" not in ran.out + ran.err
    assert "\u202e" not in ran.out + ran.err


def test_a_long_file_is_verified_by_another_process_too(path: Path) -> None:
    log = long_log()
    assert kms_enclave("audit", "verify", write(path, log.export())).status == 3
    lines = log.export()
    forged = log.lak.sign(b"something else")
    lines[1503] = _edited(lines[1503], sig=b64(forged))
    ran = kms_enclave("audit", "verify", write(path, lines))
    assert ran.status == 1
    assert "line 1504, entry 1501: a signature is not valid" in ran.err


def test_the_progress_of_a_long_file_is_shown_on_a_terminal(path: Path) -> None:
    write(path, long_log().export())
    program = Path(sys.executable).with_name("kms-enclave")
    ours, its = pty.openpty()
    running = subprocess.Popen(
        [program, "audit", "verify", path],
        stdout=subprocess.DEVNULL, stderr=its, env=environment(TERM="xterm"),
    )  # fmt: skip
    os.close(its)
    shown = b""
    # Linux tells the end of a terminal as an error.
    with contextlib.suppress(OSError):
        while read := os.read(ours, 4096):
            shown += read
    os.close(ours)
    assert running.wait(timeout=patient(60)) == 3
    assert b"512/2102" in shown


def _command(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("kms-enclave"), *arguments]
    options = {"env": environment(), **options}
    return subprocess.run(command, capture_output=True, text=True, timeout=patient(120), **options)


def test_the_installed_command_ends_with_the_status(path: Path) -> None:
    file = exported()
    write(path, file.lines)
    assert _command("audit", "verify", path, "--public-key", file.key).returncode == 0
    assert _command("audit", "verify", path).returncode == 3
    write(path, file.lines[:-1])
    ran = _command("audit", "verify", path)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("arguments", [["verify"], ["show"], ["show", "--json"]])
def test_output_that_nobody_reads_is_no_verdict(arguments: list[str], path: Path) -> None:
    write(path, exported().lines)
    reading, writing = os.pipe()
    os.close(reading)
    program = Path(sys.executable).with_name("kms-enclave")
    ran = subprocess.run(
        [program, "audit", *arguments, path],
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=patient(60),
    )
    os.close(writing)
    assert ran.returncode == 141
    assert b"Traceback" not in ran.stderr
    assert b"Exception" not in ran.stderr


def test_a_terminal_without_the_characters_gets_their_numbers(path: Path) -> None:
    log = Forger()
    log.genesis()
    log.setup()
    log.add("lease.create", "UAK", leaseId=LEASE_ID, userId="Zoë")
    ascii_only = environment(PYTHONIOENCODING="ascii")
    ran = _command("audit", "show", write(path, log.export()), env=ascii_only)
    assert ran.returncode == 0
    assert "Zo\\xeb" in ran.stdout


_MEASURE = """
import resource, sys
from kms_enclave.cli.main import run
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.exit(run(["audit", "verify", sys.argv[2]]))
"""


def test_memory_does_not_grow_with_the_file(path: Path) -> None:
    # The worst that a line can be: a certificate of its own, nearly as long as a line may be.
    log = Forger()
    log.genesis()
    log.setup()
    long = base64.b64encode(bytes(600_000)).decode()
    with path.open("wb") as file:
        for number in range(160):
            log.token(
                leaseId=f"l{number}",
                cert=log.certificate("LAK", leaseId=f"l{number}", codeHash=long),
            )
        for line in log.export():
            file.write(line + b"\n")
    allowed = 64 * 2**20
    assert path.stat().st_size > 2 * allowed - 8 * 2**20
    ran = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(allowed), path],
        capture_output=True, text=True, timeout=patient(120),
    )  # fmt: skip
    assert ran.returncode == 3, ran.stderr
