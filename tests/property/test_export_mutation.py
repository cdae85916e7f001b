"""Whatever is changed in an export file, its verification notices, and names a line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from exports import Exported, exported, judge, pruned, unset
from hypothesis import assume, given, settings
from hypothesis import strategies as st

_thoroughly = settings(max_examples=4 * settings.default.max_examples)
_FILES = {"used": exported, "pruned": pruned, "without a setup": unset}
_FILE = pytest.mark.parametrize("name", _FILES)


def _encode(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the way to every member of a JSON value, at any depth."""
    members: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    return [
        found
        for name, member in members
        for found in [(*path, name), *_paths(member, (*path, name))]
    ]


def _other(value: object) -> list[object]:
    """Return values of the same type that are nearly the same, and one of another."""
    if isinstance(value, bool):
        return [not value, 1]
    if isinstance(value, int):
        return [value + 1, value - 1, -value - 1, str(value), None]
    if isinstance(value, str):
        flipped = [chr(ord(value[-1]) ^ 1), "A", "_"] if value else ["x"]
        return [*(value[:-1] + last for last in flipped if value[-1:] != last), value + "x", 5]
    if value is None:
        return [0, ""]
    return [None, [], {}]


def _without(path: tuple[str | int, ...], line: bytes) -> bytes:
    value = json.loads(line)
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return _encode(value)


def _changed(path: tuple[str | int, ...], line: bytes) -> list[bytes]:
    changed: list[bytes] = []
    value = json.loads(line)
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    before = holder[path[-1]]
    for other in _other(before):
        holder[path[-1]] = other
        changed.append(_encode(value))
    return [each for each in changed if each != line]


def _survivors(file: Exported, number: int, lines: list[bytes]) -> list[bytes]:
    return [
        line
        for line in lines
        if judge([*file.lines[:number], line, *file.lines[number + 1 :]]) is None
    ]


@_FILE
def test_the_files_verify_as_they_are(name: str) -> None:
    file = _FILES[name]()
    assert judge(file.lines) is None
    assert judge(file.lines, key=file.key) is None


@_FILE
def test_every_field_of_every_line_changed_removed_or_doubled_shows(name: str) -> None:
    file = _FILES[name]()
    for number, line in enumerate(file.lines):
        for path in _paths(json.loads(line)):
            mutations = [*_changed(path, line), _without(path, line)]
            assert _survivors(file, number, mutations) == [], (number, path)


@_FILE
def test_an_added_field_anywhere_shows(name: str) -> None:
    file = _FILES[name]()
    for number, line in enumerate(file.lines):
        for path in [(), *_paths(json.loads(line))]:
            value = json.loads(line)
            holder = value
            for step in path:
                holder = holder[step]
            if isinstance(holder, dict):
                holder["added"] = "x"
            elif isinstance(holder, list):
                holder.append("x")
            else:
                continue
            assert _survivors(file, number, [_encode(value)]) == [], (number, path)


@_FILE
def test_every_line_left_out_doubled_or_swapped_shows(name: str) -> None:
    lines = list(_FILES[name]().lines)
    for number in range(len(lines)):
        assert judge([*lines[:number], *lines[number + 1 :]]) is not None, number
        assert judge([*lines[: number + 1], *lines[number:]]) is not None, number
        for other in range(number):
            swapped = list(lines)
            swapped[number], swapped[other] = swapped[other], swapped[number]
            assert judge(swapped) is not None, (number, other)


@_FILE
def test_a_file_cut_anywhere_shows(name: str) -> None:
    lines = list(_FILES[name]().lines)
    for number, line in enumerate(lines):
        assert judge(lines[:number]) is not None
        for end in (0, 1, len(line) // 2, len(line) - 1):
            assert judge([*lines[:number], line[:end]]) is not None, (number, end)


@_thoroughly
@given(st.data())
def test_a_changed_byte_shows(data: st.DataObject) -> None:
    lines = list(data.draw(st.sampled_from([make() for make in _FILES.values()])).lines)
    number = data.draw(st.integers(0, len(lines) - 1))
    line = bytearray(lines[number])
    line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    assume(bytes(line) != lines[number])
    lines[number] = bytes(line)
    assert judge(lines) is not None


@_thoroughly
@given(st.data())
def test_lines_of_other_logs_show(data: st.DataObject) -> None:
    files = [make() for make in _FILES.values()]
    lines = list(data.draw(st.sampled_from(files)).lines)
    other = data.draw(st.sampled_from(files)).lines
    number = data.draw(st.integers(0, len(lines) - 1))
    lines[number] = data.draw(st.sampled_from(other))
    assume(all(tuple(lines) != file.lines for file in files))
    assert judge(lines) is not None
