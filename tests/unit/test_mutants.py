"""The tool of ``make mutants``: what it refuses, what is caught, and that only copies change."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.mutants.checking import groups_of
from tools.mutants.mutant import Mutant, MutantError, choose, faults_of, load_mutants, mutate
from tools.mutants.runners import Caught, first_failure, run_tests, split_by_runner
from tools.mutants.table import exit_status, format_line, format_table
from tools.mutants.trial import Outcome, Trial, in_order, try_all, try_one
from tools.mutants.workspace import Workspace, make_workspace

MUTANT = Mutant("adds-wrongly", "sum.py", "a + b", "a - b", ("test_sum.py",))
SOURCE = "def add(a, b):\n    return a + b\n"
TEST = "from sum import add\n\ndef test_adds():\n    assert add(1, 2) == 3\n"
TABLE = """
[[mutant]]
name = "{name}"
file = "sum.py"
text = "a + b"
becomes = "a - b"
tests = ["test_sum.py"]
"""

Checkout = Callable[..., Path]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A repository of git's with a module and its test."""

    def make(source: str = SOURCE, test: str = TEST) -> Path:
        root = tmp_path / "checkout"
        (root / "node_modules").mkdir(parents=True)
        (root / ".venv").symlink_to(sys.prefix)
        (root / ".gitignore").write_text("/.venv\n/node_modules\n/build/\n")
        (root / "sum.py").write_text(source)
        (root / "test_sum.py").write_text(test)
        plugin = Path(__file__).parents[2] / "tools"
        (root / "tools").symlink_to(plugin)
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        return root

    return make


@pytest.fixture
def workspace(checkout: Checkout, tmp_path: Path) -> Callable[..., Workspace]:
    def make(**texts: str) -> Workspace:
        copy = make_workspace(checkout(**texts), tmp_path / "copy")
        (copy.root / "tools").symlink_to(Path(__file__).parents[2] / "tools")
        return copy

    return make


@pytest.mark.parametrize(("source", "count"), [("", 0), ("a + b\na + b\n", 2)])
def test_a_text_that_does_not_stand_once_is_refused(source: str, count: int):
    with pytest.raises(MutantError, match=f"stands {count} times in sum.py, not once"):
        mutate(source, MUTANT)


def test_a_fault_that_changes_nothing_is_refused():
    with pytest.raises(MutantError, match="changes nothing"):
        mutate(SOURCE, Mutant("none", "sum.py", "a + b", "a + b", ("test_sum.py",)))


def test_a_set_is_read_from_every_file_of_its_folder(tmp_path: Path):
    (tmp_path / "one.toml").write_text(TABLE.format(name="adds-wrongly"))
    (tmp_path / "two.toml").write_text(TABLE.format(name="again") + TABLE.format(name="and-again"))
    mutants = load_mutants(tmp_path)
    assert mutants[0] == MUTANT
    assert [each.name for each in mutants] == ["adds-wrongly", "again", "and-again"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TABLE.format(name="one") * 2, "stand twice: one"),
        (TABLE.format(name="one") + 'test = "test_sum.py"\n', "and nothing else"),
        (TABLE.format(name="one").replace('["test_sum.py"]', "[]"), "names no test"),
    ],
)
def test_a_set_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, reason: str):
    (tmp_path / "set.toml").write_text(text)
    with pytest.raises(MutantError, match=reason):
        load_mutants(tmp_path)


def test_what_is_not_in_the_checkout_is_named(tmp_path: Path):
    (tmp_path / "sum.py").write_text(SOURCE)
    (tmp_path / "test_other.py").write_text(TEST)
    renamed = ("test_other.py::test_adds[1]", "test_other.py::test_sums")
    other = Mutant("other", "sum.py", "a + b", "a - b", renamed)
    moved = Mutant("moved", "total.py", "a + b", "a - b", ("sum.py",))
    assert faults_of([MUTANT], tmp_path) == ["adds-wrongly: there is no test_sum.py"]
    assert faults_of([other], tmp_path) == ["other: there is no test_other.py::test_sums"]
    assert faults_of([moved], tmp_path) == ["moved: its text stands 0 times in total.py, not once"]


def test_mutants_are_chosen_by_name_or_by_file():
    other = Mutant("other", "web/other.ts", "x", "y", ("other.test.ts",))
    assert choose([MUTANT, other], "adds-*") == [MUTANT]
    assert choose([MUTANT, other], "web/*") == [other]


def test_a_copy_has_what_is_not_committed_and_not_what_is_ignored(
    checkout: Checkout, tmp_path: Path
):
    root = checkout()
    (root / "build" / "pieces").mkdir(parents=True)
    (root / "build" / "pieces" / "frame.js").write_text("0;")
    (root / "build" / "other").mkdir()
    copy = make_workspace(root, tmp_path / "copy")
    assert (copy.root / "sum.py").read_text() == SOURCE
    assert (copy.pieces / "frame.js").read_text() == "0;"
    assert not (copy.root / "build" / "other").exists()
    assert (copy.root / ".venv").readlink() == root / ".venv"


def test_a_fault_is_in_the_copy_alone_and_only_for_its_time(checkout: Checkout, tmp_path: Path):
    root = checkout()
    copy = make_workspace(root, tmp_path / "copy")
    with copy.mutated(MUTANT):
        assert "a - b" in (copy.root / "sum.py").read_text()
        assert (root / "sum.py").read_text() == SOURCE
    assert (copy.root / "sum.py").read_text() == SOURCE


def test_a_fault_is_taken_out_of_the_copy_whatever_happens(checkout: Checkout, tmp_path: Path):
    copy = make_workspace(checkout(), tmp_path / "copy")
    with contextlib.suppress(ZeroDivisionError), copy.mutated(MUTANT):
        raise ZeroDivisionError
    assert (copy.root / "sum.py").read_text() == SOURCE


def test_the_test_that_notices_a_fault_is_named(workspace: Callable[..., Workspace]):
    copy = workspace()
    trial = try_one(copy, MUTANT)
    assert trial.outcome is Outcome.CAUGHT
    assert trial.caught is not None
    assert trial.caught.test == "test_sum.py::test_adds"
    assert "assert -1 == 3" in trial.caught.reason
    # And the copy is as it was, its byte code as well.
    assert run_tests(copy, MUTANT.tests, limit_s=60) is None


def test_a_fault_that_no_test_notices_survives(workspace: Callable[..., Workspace]):
    trial = try_one(workspace(test="def test_nothing():\n    pass\n"), MUTANT)
    assert trial.outcome is Outcome.SURVIVED


@pytest.mark.parametrize("test", ["import nothing_of_this_name\n", ""])
def test_tests_that_cannot_be_run_notice_nothing(workspace: Callable[..., Workspace], test: str):
    assert try_one(workspace(test=test), MUTANT).outcome is Outcome.BROKEN


def test_tests_without_an_end_are_ended_and_are_no_verdict(workspace: Callable[..., Workspace]):
    copy = workspace(test="import time\n\ndef test_waits():\n    time.sleep(600)\n")
    with pytest.raises(TimeoutError, match="no end within"):
        run_tests(copy, MUTANT.tests, limit_s=3)


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ((Outcome.CAUGHT, Outcome.CAUGHT), 0),
        ((Outcome.CAUGHT, Outcome.SURVIVED), 1),
        ((Outcome.BROKEN, Outcome.CAUGHT), 1),
        ((Outcome.HUNG,), 1),
    ],
)
def test_only_a_set_of_which_all_are_caught_ends_well(outcomes: tuple[Outcome, ...], status: int):
    trials = [Trial(MUTANT, outcome, 1.0) for outcome in outcomes]
    assert exit_status(trials) == status


def test_the_table_names_the_test_or_what_came_instead():
    caught = Trial(MUTANT, Outcome.CAUGHT, 1.25, Caught("test_sum.py::test_adds[a|b]", "assert"))
    survived = Trial(MUTANT, Outcome.SURVIVED, 2.0)
    assert format_table([caught, survived]).splitlines()[2:] == [
        "| adds-wrongly | `sum.py` | `test_sum.py::test_adds[a\\|b]` | 1.2 |",
        "| adds-wrongly | `sum.py` | **SURVIVED** | 2.0 |",
    ]
    assert format_line(survived) == "   2.0 s  adds-wrongly: SURVIVED"


def test_as_many_are_tried_at_a_time_as_there_are_copies(tmp_path: Path):
    mutants = [Mutant(f"m{each}", "sum.py", "a", "b", ("test_sum.py",)) for each in range(6)]
    copies = [Workspace(tmp_path / "0"), Workspace(tmp_path / "1")]
    busy: list[Path] = []

    def try_(workspace: Workspace, mutant: Mutant) -> Trial:
        assert workspace.root not in busy
        busy.append(workspace.root)
        time.sleep(0.01)
        busy.remove(workspace.root)
        return Trial(mutant, Outcome.CAUGHT, 0.01)

    told: list[Trial] = []
    trials = try_all(mutants, copies, report=told.append, try_=try_)
    assert [trial.mutant for trial in trials] == mutants
    assert len(told) == len(mutants)


def test_what_changes_the_memory_image_comes_after_what_needs_it():
    page = Mutant("page", "web/sdk/a.ts", "a", "b", ("e2e/test_a.py",))
    image = Mutant("image", "py/kms_enclave/a.py", "a", "b", ("e2e/test_a.py",))
    assert in_order([MUTANT, image, page]) == [page, image, MUTANT]


def test_the_runner_is_chosen_by_the_files_ending():
    tests = ("tests/web/a.test.ts::reads a page", "tests/unit/test_a.py::test_a[x.test.ts]")
    assert split_by_runner(tests) == ([tests[0]], [tests[1]])


def test_the_first_failure_of_vitest_is_named_below_the_copy(tmp_path: Path):
    passed = {"status": "passed", "fullName": "json reads"}
    failed = {"status": "failed", "fullName": "json refuses", "failureMessages": ["Error: x\n at"]}
    file = {"name": f"{tmp_path}/tests/web/json.test.ts", "assertionResults": [passed, failed]}
    caught = Caught("tests/web/json.test.ts::json refuses", "Error: x")
    assert first_failure({"testResults": [file]}, tmp_path) == caught
    assert (
        first_failure({"testResults": [{**file, "assertionResults": [passed]}]}, tmp_path) is None
    )


def test_tests_are_checked_once_and_apart_where_one_process_does_not_do():
    page = Mutant("page", "web/sdk/a.ts", "a", "b", ("e2e/test_a.py", "test_sum.py"))
    contract = Mutant("contract", "a.ts", "a", "b", ("tests/contract/browser/test_a.py",))
    assert groups_of([MUTANT, page, contract]) == [
        ["test_sum.py"],
        ["tests/contract/browser/test_a.py"],
        ["e2e/test_a.py"],
    ]
