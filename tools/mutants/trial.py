"""Trying every fault, a few at a time, and what came of each."""

from __future__ import annotations

import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

import attrs

from tools.mutants.mutant import Mutant, MutantError
from tools.mutants.runners import Caught, build_pieces, needs_pieces, run_tests
from tools.mutants.workspace import Workspace, make_workspace

__all__ = ["LIMIT_S", "Outcome", "Trial", "in_order", "try_all", "try_one", "workspaces"]

LIMIT_S: Final = 300.0

Try = Callable[[Workspace, Mutant], "Trial"]


class Outcome(StrEnum):
    """Only what a test noticed is well."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    BROKEN = "BROKEN"
    HUNG = "HUNG"


@attrs.frozen
class Trial:
    """What came of a fault; ``words`` say why where no test failed."""

    mutant: Mutant
    outcome: Outcome
    seconds: float
    caught: Caught | None = None
    words: str = ""


@contextmanager
def workspaces(checkout: Path, count: int) -> Iterator[Sequence[Workspace]]:
    """Make copies of the checkout that go at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="kms-mutants-") as folder:
        yield [make_workspace(checkout, Path(folder) / str(number)) for number in range(count)]


def try_one(workspace: Workspace, mutant: Mutant) -> Trial:
    """Put a fault into the copy and run its tests."""
    started = time.monotonic()

    def ended(outcome: Outcome, caught: Caught | None = None, words: str = "") -> Trial:
        return Trial(mutant, outcome, time.monotonic() - started, caught, words)

    try:
        with workspace.mutated(mutant):
            if needs_pieces(mutant.tests):
                build_pieces(workspace)
            caught = run_tests(workspace, mutant.tests, limit_s=LIMIT_S)
    except MutantError as error:
        return ended(Outcome.BROKEN, words=str(error))
    except TimeoutError as error:
        # A hang is no verdict: it may be the machine's.
        return ended(Outcome.HUNG, words=str(error))
    return ended(Outcome.CAUGHT if caught else Outcome.SURVIVED, caught)


def in_order(mutants: Sequence[Mutant]) -> Sequence[Mutant]:
    """Put the long ones first, those that change the memory image behind those that need it."""

    def rank(mutant: Mutant) -> int:
        is_in_browser = needs_pieces(mutant.tests) or any(
            "browser" in test for test in mutant.tests
        )
        return (0 if not mutant.file.startswith("py/") else 1) if is_in_browser else 2

    return sorted(mutants, key=rank)


def try_all(
    mutants: Sequence[Mutant],
    copies: Sequence[Workspace],
    *,
    report: Callable[[Trial], None],
    try_: Try = try_one,
) -> Sequence[Trial]:
    """Try mutants, as many at a time as there are copies; return what came of them, in order."""
    free: queue.Queue[Workspace] = queue.Queue()
    for copy in copies:
        free.put(copy)
    telling = threading.Lock()

    def run(mutant: Mutant) -> Trial:
        workspace = free.get()
        try:
            trial = try_(workspace, mutant)
        finally:
            free.put(workspace)
        with telling:
            report(trial)
        return trial

    with ThreadPoolExecutor(len(copies)) as pool:
        trials = list(pool.map(run, in_order(mutants)))
    by_name = {trial.mutant.name: trial for trial in trials}
    return [by_name[mutant.name] for mutant in mutants]
