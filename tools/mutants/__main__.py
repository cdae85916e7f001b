"""``python -m tools.mutants``: apply every fault, one by one, and say which test noticed it."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.mutants.checking import check_tests
from tools.mutants.mutant import Mutant, MutantError, choose, faults_of, load_mutants
from tools.mutants.table import exit_status, format_json, format_line, format_table, summary
from tools.mutants.trial import Trial, try_all, workspaces

CHECKOUT: Final = Path(__file__).resolve().parents[2]


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--only", metavar="GLOB", default="*", help="by name or file")
    parser.add_argument(
        "--list", action="store_true", help="name them, check their texts, run none"
    )
    parser.add_argument(
        "--check", action="store_true", help="run their tests without any fault; all must pass"
    )
    parser.add_argument("--jobs", type=int, default=2, help="at a time (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what came of them there")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the table there as well")
    return parser.parse_args()


def main() -> int:
    """Return 0 where every fault was caught."""
    started = time.monotonic()
    arguments = _parse_arguments()
    try:
        mutants = choose(load_mutants(), arguments.only)
    except MutantError as error:
        return _complain([str(error)])
    wrong = faults_of(mutants, CHECKOUT) if mutants else [f"none is named {arguments.only}"]
    if wrong:
        return _complain(wrong)
    if arguments.list:
        return _list(mutants)
    with workspaces(CHECKOUT, 1 if arguments.check else arguments.jobs) as copies:
        if arguments.check:
            return _complain(check_tests(copies[0], mutants))
        trials = try_all(mutants, copies, report=_Report(arguments.json))
    table = format_table(trials)
    sys.stdout.write(f"\n{table}\n\n{summary(trials)} of {len(trials)} in {_times(started)}\n")
    if arguments.json:
        arguments.json.write_text(format_json(trials), "utf-8")  # In the order of the set now.
    if arguments.table:
        arguments.table.write_text(f"{table}\n", "utf-8")
    return exit_status(trials)


def _complain(wrong: Sequence[str]) -> int:
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    return 1 if wrong else 0


def _list(mutants: Sequence[Mutant]) -> int:
    for mutant in mutants:
        sys.stdout.write(f"{mutant.name}  {mutant.file}  {' '.join(mutant.tests)}\n")
    sys.stdout.write(f"{len(mutants)} mutants\n")
    return 0


class _Report:
    """Tells and keeps every result at once: what is interrupted has not been for nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._trials: list[Trial] = []

    def __call__(self, trial: Trial) -> None:
        sys.stdout.write(f"{format_line(trial)}\n")
        sys.stdout.flush()
        self._trials.append(trial)
        if self._file:
            self._file.write_text(format_json(self._trials), "utf-8")


def _times(started: float) -> str:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    took_s, processor_s = time.monotonic() - started, used.ru_utime + used.ru_stime
    return f"{took_s:.0f} s, {processor_s:.0f} s of processor"


if __name__ == "__main__":
    sys.exit(main())
