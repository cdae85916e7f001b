"""No file that was changed anywhere gets past the command, and none ends it in a traceback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from commands import kms_enclave, write
from exports import Exported, every_kind, exported, pruned, unset
from mutating import changed, members, without


def _field_by_field(lines: Sequence[bytes]) -> Iterator[list[bytes]]:
    for number, path in members(lines):
        for line in [*changed(path, lines[number])[:1], without(path, lines[number])]:
            yield [*lines[:number], line, *lines[number + 1 :]]


def _line_by_line(lines: Sequence[bytes]) -> Iterator[list[bytes]]:
    for number, line in enumerate(lines):
        before, after = lines[:number], lines[number + 1 :]
        yield [*before, *after]
        yield [*before, line, line, *after]
        yield [*before, line[: len(line) // 2], *after]
        yield [*before, line[: len(line) // 2]]
        yield list(before)
        if after:
            yield [*before, after[0], line, *after[1:]]


_RULES = [(make, _field_by_field) for make in (exported, pruned, unset)]
_RULES += [(make, _line_by_line) for make in (exported, pruned, unset, every_kind)]


@pytest.mark.parametrize(("make", "mutate"), _RULES)
def test_nothing_that_was_changed_verifies(
    make: Callable[[], Exported],
    mutate: Callable[[Sequence[bytes]], Iterator[list[bytes]]],
    tmp_path: Path,
) -> None:
    file = make()
    path = tmp_path / "log.jsonl"
    verify = ("audit", "verify", path, "--public-key", file.key)
    write(path, file.lines)
    assert kms_enclave(*verify).status == 0
    for lines in mutate(file.lines):
        write(path, lines)
        ran = kms_enclave(*verify)
        assert (ran.status, ran.out) == (1, ""), lines
        assert ran.err.startswith("does not verify: ")
        assert ran.err.count("\n") == 1
