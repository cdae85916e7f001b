"""``audit compare``: whether one file's log grew into the other's, and by what."""

from __future__ import annotations

from pathlib import Path

from commands import Ran, kms_enclave, write
from exports import exported, unset
from forging import Forger, b64, public


def _log() -> Forger:
    log = Forger()
    log.genesis()
    log.denial(cert=None)
    return log


def _compare(folder: Path, old: list[bytes], new: list[bytes], *options: str) -> Ran:
    files = write(folder / "old", old), write(folder / "new", new)
    return kms_enclave("audit", "compare", *files, *options)


def test_a_log_that_grew_says_by_what(tmp_path: Path) -> None:
    log = _log()
    old = log.export()
    log.setup()
    log.denial()
    log.denial()
    ran = _compare(tmp_path, old, log.export(), "--public-key", b64(public(log.uak)))
    assert ran.status == 0
    assert "grew from    2 entries by 3" in ran.out
    assert [line.split() for line in ran.out.splitlines() if line.startswith("   ")] == [
        ["1", "setup"],
        ["2", "unlock.denied"],
    ]


def test_without_a_key_whose_log_it_is_stays_open(tmp_path: Path) -> None:
    log = _log()
    ran = _compare(tmp_path, log.export(), log.export())
    assert ran.status == 3
    assert "grew from    2 entries by 0" in ran.out


def test_a_log_that_was_cut_back_fails(tmp_path: Path) -> None:
    log = _log()
    old = log.export()
    log.denial(cert=None)
    ran = _compare(tmp_path, log.export(), old)
    assert ran.status == 1
    assert "the file ends after 2 entries; a checkpoint of 3 was seen before" in ran.err


def test_another_history_under_the_same_keys_fails(tmp_path: Path) -> None:
    log = _log()
    old = log.export()
    log.entries.pop()
    log.denial(cert=None, details={"method": "passkey"})
    log.denial(cert=None)
    ran = _compare(tmp_path, old, log.export())
    assert ran.status == 1
    assert "the first 2 entries are not those of the checkpoint that was seen before" in ran.err


def test_logs_of_two_enclaves_have_nothing_in_common(tmp_path: Path) -> None:
    ran = _compare(tmp_path, list(unset().lines), list(exported().lines))
    assert ran.status == 1
    assert "is another log's" in ran.err


def test_an_older_file_that_does_not_verify_is_named(tmp_path: Path) -> None:
    log = _log()
    ran = _compare(tmp_path, log.export()[:-1], log.export())
    assert ran.status == 1
    assert ran.err.startswith(f"does not verify: {tmp_path / 'old'}: ")


def test_another_key_than_the_newer_logs_fails(tmp_path: Path) -> None:
    log = _log()
    ran = _compare(tmp_path, log.export(), log.export(), "--public-key", b64(public(log.uak)))
    assert ran.status == 1
    assert "not the expected one" in ran.err
