"""Whether every test of the set passes where nothing is wrong: else it notices nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tools.mutants.mutant import Mutant, MutantError
from tools.mutants.runners import build_pieces, needs_pieces, run_tests
from tools.mutants.workspace import Workspace

__all__ = ["check_tests", "groups_of"]

_LIMIT_S: Final = 3_600.0
_APART: Final = ("tests/contract/browser/", "e2e/")
"""Playwright's synchronous interface does not run in one process with an event loop."""


def groups_of(mutants: Sequence[Mutant]) -> Sequence[Sequence[str]]:
    """Return every test of the set once, in groups that can run in one process."""
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    groups = {prefix: [test for test in tests if test.startswith(prefix)] for prefix in _APART}
    rest = [test for test in tests if not test.startswith(_APART)]
    return [group for group in (rest, *groups.values()) if group]


def check_tests(workspace: Workspace, mutants: Sequence[Mutant]) -> Sequence[str]:
    """Run the tests without a fault; return what is wrong with them, a line for each group."""
    wrong: list[str] = []
    for tests in groups_of(mutants):
        try:
            if needs_pieces(tests):
                build_pieces(workspace)
            caught = run_tests(workspace, tests, limit_s=_LIMIT_S)
        except (MutantError, TimeoutError) as error:
            wrong.append(str(error))
            continue
        if caught is not None:
            wrong.append(f"{caught.test} fails without a fault: {caught.reason}")
    return wrong
