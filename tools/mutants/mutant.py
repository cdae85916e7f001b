"""A fault as it is written down, and what is wrong with one that cannot be applied."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import attrs

__all__ = ["FAULTS", "Mutant", "MutantError", "choose", "faults_of", "load_mutants", "mutate"]

FAULTS: Final = Path(__file__).parent / "faults"
_FIELDS: Final = ("name", "file", "text", "becomes", "tests")


class MutantError(Exception):
    """A fault that cannot be applied, or tests that cannot be run: the set must be corrected."""


@attrs.frozen
class Mutant:
    """``text`` stands once in ``file`` and is replaced by ``becomes``; ``tests`` must notice."""

    name: str
    file: str
    text: str
    becomes: str
    tests: tuple[str, ...]


def load_mutants(folder: Path = FAULTS) -> Sequence[Mutant]:
    """Return the mutants of every file of a folder, in order. Raises MutantError."""
    mutants: list[Mutant] = []
    for path in sorted(folder.glob("*.toml")):
        tables: list[object] = tomllib.loads(path.read_text("utf-8")).get("mutant", [])
        mutants += [_parse(table, path.name) for table in tables]
    twice = [name for name, count in Counter(each.name for each in mutants).items() if count > 1]
    if twice:
        raise MutantError(f"names that stand twice: {', '.join(twice)}")
    return mutants


def _parse(table: object, where: str) -> Mutant:
    if not isinstance(table, dict) or set(table) != set(_FIELDS):
        raise MutantError(f"{where}: a mutant has {', '.join(_FIELDS)} and nothing else: {table}")
    tests = table["tests"]
    if not isinstance(tests, list) or not tests:
        raise MutantError(f"{where}: {table['name']} names no test")
    return Mutant(
        name=str(table["name"]),
        file=str(table["file"]),
        text=str(table["text"]),
        becomes=str(table["becomes"]),
        tests=tuple(str(test) for test in tests),
    )


def choose(mutants: Iterable[Mutant], pattern: str) -> Sequence[Mutant]:
    """Return the mutants whose name or file matches a glob."""
    return [
        each
        for each in mutants
        if fnmatchcase(each.name, pattern) or fnmatchcase(each.file, pattern)
    ]


def mutate(source: str, mutant: Mutant) -> str:
    """Return the source with the fault. Raises MutantError unless its text stands there once."""
    count = source.count(mutant.text)
    if count != 1:
        raise MutantError(
            f"{mutant.name}: its text stands {count} times in {mutant.file}, not once"
        )
    if mutant.becomes == mutant.text:
        raise MutantError(f"{mutant.name}: it changes nothing")
    return source.replace(mutant.text, mutant.becomes)


def faults_of(mutants: Iterable[Mutant], root: Path) -> Sequence[str]:
    """Return what keeps mutants from being applied to a checkout and its tests from being run."""
    found: list[str] = []
    for mutant in mutants:
        path = root / mutant.file
        try:
            mutate(path.read_text("utf-8") if path.is_file() else "", mutant)
        except MutantError as error:
            found.append(str(error))
        found += [
            f"{mutant.name}: there is no {test}"
            for test in mutant.tests
            if not _is_there(test, root)
        ]
    return found


def _is_there(test: str, root: Path) -> bool:
    """Look for the file, and in a Python one for the function."""
    file, _, name = test.partition("::")
    path = root / file
    function = name.partition("[")[0]
    if not function or path.suffix != ".py":
        return path.exists()
    return path.is_file() and f"def {function}(" in path.read_text("utf-8")
