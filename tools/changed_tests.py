"""Prints the fast tests, in CPython, that concern what has changed: for `make check`.

usage: python -m tools.changed_tests [COMMIT]

What changed is what differs from the commit (HEAD where none is given), files that Git does
not know included. A package of py/ has its tests in the folder of the same name below
tests/unit; a helper of the tests concerns those that import it. `make test` runs everything.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Of whatever changes: they read the sources.
_ALWAYS = ("tests/unit/test_architecture.py", "tests/unit/test_structure.py")
_SLOW = "tests/contract/browser"
_BY_FOLDER = {"tools/server/": "tests/unit/test_local_server.py", ".ci/": "tests/build"}


def changed_files(commit: str) -> list[str]:
    """Return what differs from a commit, as paths from the repository's root."""
    commands = (
        ["git", "diff", "--name-only", "--diff-filter=d", commit],
        ["git", "ls-files", "--others", "--exclude-standard"],
    )
    listed = [
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        for command in commands
    ]
    return "".join(listed).splitlines()


def concerned(changed: Iterable[str]) -> list[str]:
    """Return the files and folders of tests that concern the changed files, each once."""
    found = {test for path in changed for test in _tests_of(Path(path))}
    return sorted(test for test in {*found, *_ALWAYS} if (ROOT / test).exists())


def _tests_of(path: Path) -> Iterator[str]:
    text = path.as_posix()
    yield from (test for folder, test in _BY_FOLDER.items() if text.startswith(folder))
    match path.parts:
        case ("py", "kms_enclave", package, _, *_):
            yield f"tests/unit/{package}"
        case ("py", "kms_enclave", _):
            yield f"tests/unit/test_{path.stem}.py"
        case ("tests", *_) if text.startswith(_SLOW):
            return
        case ("tests", *_) if path.name.startswith("test_"):
            yield text
        case ("tests", name) if path.suffix == ".py":
            yield from _importers(name.removesuffix(".py"))


def _importers(module: str) -> Iterator[str]:
    imports = re.compile(rf"^(from|import) {module}\b", re.MULTILINE)
    for test in sorted((ROOT / "tests" / "unit").rglob("test_*.py")):
        if imports.search(test.read_text("utf-8")):
            yield test.relative_to(ROOT).as_posix()


if __name__ == "__main__":
    sys.stdout.write("\n".join(concerned(changed_files(*(sys.argv[1:2] or ["HEAD"])))) + "\n")
