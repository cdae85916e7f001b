"""What came of the faults, for people and for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import attrs

from tools.mutants.trial import Outcome, Trial

__all__ = ["exit_status", "format_json", "format_line", "format_table", "summary"]


def exit_status(trials: Sequence[Trial]) -> int:
    """Return 0 where every fault was caught, else 1."""
    return 0 if all(trial.outcome is Outcome.CAUGHT for trial in trials) else 1


def format_line(trial: Trial) -> str:
    """Return one line that tells what came of a fault, more where no test noticed it."""
    told = trial.caught.test if trial.caught else f"{trial.outcome} {trial.words}".rstrip()
    return f"{trial.seconds:6.1f} s  {trial.mutant.name}: {told}"


def format_table(trials: Sequence[Trial]) -> str:
    """Return a table in Markdown."""
    lines = ["| mutant | file | caught by | s |", "| --- | --- | --- | --: |"]
    for trial in trials:
        told = f"`{trial.caught.test}`" if trial.caught else f"**{trial.outcome}**"
        told = told.replace("|", "\\|")
        lines.append(
            f"| {trial.mutant.name} | `{trial.mutant.file}` | {told} | {trial.seconds:.1f} |"
        )
    return "\n".join(lines)


def summary(trials: Sequence[Trial]) -> str:
    """Return how many there are of each outcome."""
    counts = Counter(trial.outcome for trial in trials)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])


def format_json(trials: Sequence[Trial]) -> str:
    """Return everything as JSON."""
    values = [
        {
            "name": trial.mutant.name,
            "file": trial.mutant.file,
            "outcome": trial.outcome,
            "caughtBy": trial.caught.test if trial.caught else None,
            "reason": trial.caught.reason if trial.caught else trial.words,
            "seconds": round(trial.seconds, 1),
            "mutant": attrs.asdict(trial.mutant),
        }
        for trial in trials
    ]
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"
