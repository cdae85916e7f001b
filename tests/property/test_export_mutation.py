"""Whatever is changed in an export file, both verifiers notice, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from exports import Exported, every_kind, exported, judge, pruned, unset
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from independent.export import verify_export_file
from independent.jcs import NotVerified
from mutating import added, changed, members, without

_thoroughly = settings(max_examples=4 * settings.default.max_examples)
_FILES = {
    "used": exported,
    "pruned": pruned,
    "without a setup": unset,
    "every kind": every_kind,
}
_FILE = pytest.mark.parametrize("name", _FILES)
_Accepts = Callable[[Sequence[bytes]], bool]


def _enclave_accepts(lines: Sequence[bytes]) -> bool:
    return judge(lines) is None


def _other_accepts(lines: Sequence[bytes]) -> bool:
    try:
        verify_export_file(b"".join(line + b"\n" for line in lines))
    except NotVerified:
        return False
    return True


_VERIFIERS: dict[str, _Accepts] = {"enclave": _enclave_accepts, "other": _other_accepts}
_VERIFIER = pytest.mark.parametrize("accepts", _VERIFIERS.values(), ids=_VERIFIERS.keys())


def _survivors(accepts: _Accepts, file: Exported, number: int, lines: list[bytes]) -> list[bytes]:
    return [
        line for line in lines if accepts([*file.lines[:number], line, *file.lines[number + 1 :]])
    ]


@_FILE
@_VERIFIER
def test_the_files_verify_as_they_are(name: str, accepts: _Accepts) -> None:
    assert accepts(_FILES[name]().lines)


@_FILE
@_VERIFIER
def test_every_field_of_every_line_changed_or_removed_shows(name: str, accepts: _Accepts) -> None:
    file = _FILES[name]()
    for number, path in members(file.lines):
        line = file.lines[number]
        mutations = [*changed(path, line), without(path, line)]
        assert _survivors(accepts, file, number, mutations) == [], (number, path)


@_FILE
@_VERIFIER
def test_an_added_field_anywhere_shows(name: str, accepts: _Accepts) -> None:
    file = _FILES[name]()
    for number, path in members(file.lines, with_whole=True):
        assert _survivors(accepts, file, number, added(path, file.lines[number])) == []


@_FILE
@_VERIFIER
def test_every_line_left_out_doubled_or_swapped_shows(name: str, accepts: _Accepts) -> None:
    lines = list(_FILES[name]().lines)
    for number in range(len(lines)):
        assert not accepts([*lines[:number], *lines[number + 1 :]]), number
        assert not accepts([*lines[: number + 1], *lines[number:]]), number
        for other in range(number):
            swapped = list(lines)
            swapped[number], swapped[other] = swapped[other], swapped[number]
            assert not accepts(swapped), (number, other)


@_FILE
@_VERIFIER
def test_a_file_cut_anywhere_shows(name: str, accepts: _Accepts) -> None:
    lines = list(_FILES[name]().lines)
    for number, line in enumerate(lines):
        assert not accepts(lines[:number])
        for end in (0, 1, len(line) // 2, len(line) - 1):
            assert not accepts([*lines[:number], line[:end]]), (number, end)


@_thoroughly
@_VERIFIER
@given(data=st.data())
def test_a_changed_byte_shows(accepts: _Accepts, data: st.DataObject) -> None:
    lines = list(data.draw(st.sampled_from([make() for make in _FILES.values()])).lines)
    number = data.draw(st.integers(0, len(lines) - 1))
    line = bytearray(lines[number])
    line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    assume(bytes(line) != lines[number])
    lines[number] = bytes(line)
    assert not accepts(lines)


@_thoroughly
@_VERIFIER
@given(data=st.data())
def test_lines_of_other_logs_show(accepts: _Accepts, data: st.DataObject) -> None:
    files = [make() for make in _FILES.values()]
    lines = list(data.draw(st.sampled_from(files)).lines)
    other = data.draw(st.sampled_from(files)).lines
    number = data.draw(st.integers(0, len(lines) - 1))
    lines[number] = data.draw(st.sampled_from(other))
    assume(all(tuple(lines) != file.lines for file in files))
    assert not accepts(lines)
