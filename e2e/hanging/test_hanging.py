"""A test that hangs ends at its limit, with its name and what its page showed and said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from e2e.driving.enclave import PASSPHRASE
from e2e.driving.evidence import EVIDENCE
from tools.patience import patient
from tools.server.deployment import REPOSITORY

CASES = Path(__file__).with_name("cases.py").relative_to(REPOSITORY)
HANGING = (
    "test_a_promise_that_never_settles",
    "test_a_condition_that_never_holds",
    "test_a_page_that_never_yields",
    "test_python_that_sleeps",
)


@attrs.frozen
class Run:
    """What a run of the cases printed and kept."""

    printed: str

    def evidence(self, name: str) -> Path:
        (folder,) = EVIDENCE.glob(f"*cases.py_{name}")
        return folder


pytestmark = pytest.mark.timeout(330)


@pytest.fixture(scope="module")
def run() -> Run:
    without = ["-p", "no:xdist", "-p", "no:cacheprovider", "--color=no"]
    command = [sys.executable, "-m", "pytest", CASES, *without]
    ran = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=patient(300), check=False
    )
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout
    return Run(ran.stdout)


@pytest.mark.parametrize("name", HANGING)
def test_a_test_that_hangs_fails_by_its_name(run: Run, name: str):
    assert f"{CASES}::{name} hung: it did not end in " in run.printed


def test_the_tests_after_it_run(run: Run):
    assert f"{len(HANGING)} failed, 1 passed" in run.printed


def test_its_screenshot_console_and_log_are_kept_and_named(run: Run):
    folder = run.evidence("test_a_promise_that_never_settles")
    assert f"kept in {folder.relative_to(REPOSITORY)}" in run.printed
    assert (folder / "page-1.png").read_bytes().startswith(b"\x89PNG")
    console = (folder / "page-1.console.txt").read_text("utf-8").splitlines()
    assert console[-1] == "warning: said before it hung"
    lines = (folder / "page-1.log.jsonl").read_text("utf-8").splitlines()
    operations = ["instance.start", "setup", "lease.create"]
    assert [json.loads(line)["op"] for line in lines] == operations
    assert f"enclave's log: {', '.join(operations)}" in run.printed


def test_a_page_that_does_not_answer_is_named_in_its_place(run: Run):
    folder = run.evidence("test_a_page_that_never_yields")
    assert not list(folder.glob("*.png"))
    assert "screenshot: none: the page did not answer" in run.printed


def test_nothing_that_is_kept_holds_the_passphrase(run: Run):
    kept = [file for file in EVIDENCE.glob("*cases.py_*/*") if file.suffix != ".png"]
    assert kept
    assert PASSPHRASE not in run.printed
    assert not [file for file in kept if PASSPHRASE in file.read_text("utf-8")]
