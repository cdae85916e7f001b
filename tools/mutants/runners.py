"""Running tests until the first fails: pytest for ``.py``, vitest for ``.test.ts``."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from tools.mutants.first_failure import FILE_VARIABLE
from tools.mutants.mutant import MutantError
from tools.mutants.workspace import Workspace

__all__ = ["Caught", "build_pieces", "needs_pieces", "run_tests", "split_by_runner"]

_NEED_PIECES: Final = ("e2e/",)
"""Tests of what browsers load. Those of the adapters' contract build their own."""
_TYPESCRIPT: Final = ".test.ts"
_BUILD_LIMIT_S: Final = 300
_PYTEST_FAILED: Final = 1


@attrs.frozen
class Caught:
    """The first test that failed, and the first line of why."""

    test: str
    reason: str


def needs_pieces(tests: Sequence[str]) -> bool:
    """Tell whether some of the tests load what is built."""
    return any(test.startswith(_NEED_PIECES) for test in tests)


def split_by_runner(tests: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the tests for vitest and those for pytest."""
    typescript = [test for test in tests if test.partition("::")[0].endswith(_TYPESCRIPT)]
    return typescript, [test for test in tests if test not in typescript]


def build_pieces(workspace: Workspace) -> None:
    """Bring the built pieces up to date: bundles, and where Python changed the memory image."""
    command = ["node", "worker/build/main.mjs", "--out", "build/pieces"]
    status, output = _run(command, workspace, {}, limit_s=_BUILD_LIMIT_S)
    if status != 0:
        raise MutantError(f"it does not build:\n{_tail(output)}")


def run_tests(workspace: Workspace, tests: Sequence[str], *, limit_s: float) -> Caught | None:
    """Return the first test that fails, or ``None``.

    Raises MutantError where tests cannot be collected, and TimeoutError after ``limit_s`` seconds.
    """
    typescript, python = split_by_runner(tests)
    caught = _run_vitest(workspace, typescript, limit_s) if typescript else None
    if caught is None and python:
        caught = _run_pytest(workspace, python, limit_s)
    return caught


def _run_pytest(workspace: Workspace, tests: Sequence[str], limit_s: float) -> Caught | None:
    with tempfile.TemporaryDirectory(prefix="kms-mutant-") as folder:
        note = Path(folder) / "failure.json"
        options = ["-x", "-q", "-p", "tools.mutants.first_failure", "-p", "no:cacheprovider"]
        command = [".venv/bin/python", "-m", "pytest", *options, *tests]
        status, output = _run(command, workspace, {FILE_VARIABLE: str(note)}, limit_s=limit_s)
        if status == 0:
            return None
        if status != _PYTEST_FAILED or not note.exists():
            raise MutantError(f"pytest ended with {status}:\n{_tail(output)}")
        return Caught(**json.loads(note.read_text("utf-8")))


def _run_vitest(workspace: Workspace, tests: Sequence[str], limit_s: float) -> Caught | None:
    files = sorted({test.partition("::")[0] for test in tests})
    names = [re.escape(name) for test in tests if (name := test.partition("::")[2])]
    with tempfile.TemporaryDirectory(prefix="kms-mutant-") as folder:
        report = Path(folder) / "report.json"
        options = ["--bail=1", "--reporter=json", f"--outputFile={report}"]
        options += ["-t", "|".join(names)] if names else []
        command = ["npx", "--no-install", "vitest", "run", *options, *files]
        status, output = _run(command, workspace, {}, limit_s=limit_s)
        results = json.loads(report.read_text("utf-8")) if report.exists() else {}
        caught = first_failure(results, workspace.root)
        if caught is None and (status != 0 or not results.get("numPassedTests")):
            raise MutantError(f"vitest ended with {status}:\n{_tail(output)}")
        return caught


def first_failure(report: Mapping[str, object], root: Path) -> Caught | None:
    """Return the first failed test of vitest's JSON report."""
    results = report.get("testResults")
    for file in results if isinstance(results, list) else []:
        name = os.path.relpath(file["name"], root)
        for test in file["assertionResults"]:
            if test["status"] == "failed":
                reason = (test.get("failureMessages") or [""])[0].partition("\n")[0][:300]
                return Caught(f"{name}::{test['fullName']}", reason)
    return None


def _run(
    command: Sequence[str], workspace: Workspace, more: Mapping[str, str], *, limit_s: float
) -> tuple[int, str]:
    """Run a command in the copy; at its limit all of its processes end. Raises TimeoutError."""
    root = workspace.root
    # The package is installed in an editable way, from the checkout: the copy's comes first.
    paths = {"PYTHONPATH": f"{root / 'py'}:{root}", "KMS_PIECES": str(workspace.pieces)}
    with subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, **paths, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        errors="replace",
    ) as process:
        try:
            output, _ = process.communicate(timeout=limit_s)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise TimeoutError(f"no end within {limit_s:.0f} s") from None
            raise
    return process.returncode, output


def _tail(output: str) -> str:
    return "\n".join(output.splitlines()[-25:])
