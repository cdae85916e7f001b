"""``audit show``: every entry that is asked for, readable, and never taken for verified."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import kms_enclave, write
from exports import exported
from forging import Forger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of two users' leases, an hour apart from 1970 on."""
    log = Forger()
    log.timestamp = 0
    log.genesis()
    log.setup(instanceCert=log.certificate("KIAK", notBefore=0))
    log.add("lease.create", "UAK", leaseId="lease-aa11", userId="alice")
    log.timestamp = 3_600_000
    log.add("lease.create", "UAK", leaseId="lease-bb22", userId="bob", details={"via": "page"})
    return write(tmp_path / "log.jsonl", log.export())


def _numbers(path: Path, *options: str) -> list[int]:
    ran = kms_enclave("audit", "show", path, "--json", *options)
    assert ran.status == 0
    return [json.loads(line)["seqNum"] for line in ran.out.splitlines()]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ([], [0, 1, 2, 3]),
        (["--op", "setup"], [1]),
        (["--op", "setup", "--op", "lease.create"], [1, 2, 3]),
        (["--lease", "lease-aa11"], [2]),
        (["--lease", "bb"], [3]),
        (["--user", "bob"], [3]),
        (["--user", "bo"], []),
        (["--since", "1970-01-01T01:00"], [3]),
        (["--since", "1970-01-01T03:00+02:00"], [3]),
        (["--until", "1970-01-01T01:00Z"], [0, 1, 2]),
        (["--op", "lease.create", "--user", "alice", "--until", "2026-01-31"], [2]),
    ],
)
def test_filters_leave_what_fits_all_of_them(
    path: Path, options: list[str], numbers: list[int]
) -> None:
    assert _numbers(path, *options) == numbers


def test_the_table_has_a_row_for_each_entry(path: Path) -> None:
    ran = kms_enclave("audit", "show", path)
    header, *rows = ran.out.splitlines()
    assert header.split()[:2] == ["#", "time"]
    assert [row.split()[0] for row in rows if row.split()[0].isdigit()] == ["0", "1", "2", "3"]
    assert "1970-01-01 01:00:00 lease.create" in rows[-1]
    assert all(word in rows[-1] for word in ("UAK", "bob", "bb22", "via=page"))


def test_a_long_table_has_one_header(tmp_path: Path) -> None:
    log = Forger()
    log.genesis()
    for _ in range(250):
        log.denial(cert=None)
    ran = kms_enclave("audit", "show", write(tmp_path / "log.jsonl", log.export()))
    assert len(ran.out.splitlines()) == 252
    assert ran.out.count("operation") == 1


def test_json_is_the_entries_themselves(tmp_path: Path) -> None:
    file = exported()
    ran = kms_enclave("audit", "show", write(tmp_path / "log.jsonl", file.lines), "--json")
    assert [json.loads(line) for line in ran.out.splitlines()] == [
        json.loads(line) for line in file.lines[2:]
    ]


def test_what_is_shown_is_said_to_be_unverified(path: Path) -> None:
    assert kms_enclave("audit", "show", path).err.startswith("not verified;")


def test_what_cannot_be_read_is_named_and_the_rest_shown(path: Path) -> None:
    lines = path.read_bytes().splitlines()
    others = [b'{"type":"x"}', b'{"seqNum":1e999}', b"cut off"]
    path.write_bytes(b"\n".join([*lines[:3], b"nonsense", b"{}", *lines[4:], *others]))
    ran = kms_enclave("audit", "show", path, "--json")
    assert ran.status == 1
    assert [json.loads(line)["seqNum"] for line in ran.out.splitlines()] == [0, 2, 3]
    assert f"{path}: line 4: is not JSON" in ran.err
    assert f"{path}: line 5: is no entry" in ran.err
    assert f"{path}: line 8: is no entry" in ran.err
    assert f"{path}: line 9: is not JSON" in ran.err
    assert f"{path}: line 10: the file is cut off" in ran.err


def test_a_file_without_a_line_is_no_log(tmp_path: Path) -> None:
    ran = kms_enclave("audit", "show", write(tmp_path / "log.jsonl", []))
    assert ran.status == 1
    assert "the file is empty" in ran.err


_STRANGE = "\x1b[2J\x9b\u202e[bold]x"


@pytest.mark.parametrize("is_json", [True, False])
def test_text_of_an_entry_does_not_move_the_terminals_cursor(tmp_path: Path, is_json: bool) -> None:
    log = Forger()
    log.genesis()
    log.add("generate", "UAK", userId=_STRANGE, origin=_STRANGE, details={_STRANGE: [_STRANGE]})
    path = write(tmp_path / "log.jsonl", log.export())
    ran = kms_enclave("audit", "show", path, *(["--json"] if is_json else []))
    assert not set(_STRANGE) & {"\x1b", "\x9b", "\u202e"} & set(ran.out)
    assert is_json or "[bold]" in ran.out


@pytest.mark.parametrize(
    "entry",
    [
        {"seqNum": "x", "timestamp": 1e300, "op": [], "details": 5, "leaseId": {}},
        {"seqNum": 2**80, "timestamp": 2**80, "details": {"a": None}},
        {"seqNum": None, "timestamp": -(2**60), "op": None},
    ],
)
def test_an_entry_of_any_shape_is_shown(tmp_path: Path, entry: dict[str, object]) -> None:
    path = write(tmp_path / "log.jsonl", [json.dumps(entry).encode()])
    for options in ([], ["--since", "2026-01-31"], ["--lease", "x", "--op", "x"]):
        assert kms_enclave("audit", "show", path, *options).status == 0


@pytest.mark.parametrize("name", ["op", "timestamp", "leaseId", "details"])
@pytest.mark.parametrize("options", [[], ["--json"], ["--op", "x"]])
def test_an_entry_that_is_nested_deeply_is_shown(
    tmp_path: Path, name: str, options: list[str]
) -> None:
    nested = b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"
    path = write(tmp_path / "log.jsonl", [b'{"seqNum":0,"%s":%s}' % (name.encode(), nested)])
    assert kms_enclave("audit", "show", path, *options).status == 0


@pytest.mark.parametrize("time", ["yesterday", "2026-13-01", ""])
def test_a_time_that_is_none_is_wrong_usage(path: Path, time: str) -> None:
    ran = kms_enclave("audit", "show", path, "--since", time)
    assert ran.status == 2
    assert "is not a time like 2026-01-31" in ran.err
