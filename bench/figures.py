"""Durations reduced to what is quoted: a median, a p99, and how many there were."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import attrs


@attrs.frozen
class Figure:
    """`target` is in words; nothing is asserted. In milliseconds unless `unit` says otherwise."""

    name: str
    median: float
    p99: float | None
    n: int
    unit: str = "ms"
    target: str = ""


def summarise(name: str, durations: Sequence[float], *, target: str = "") -> Figure:
    ordered = sorted(durations)
    # The nearest rank: with fewer than 100 values it is the largest.
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return Figure(name, statistics.median(ordered), p99, len(ordered), target=target)


def single(name: str, value: float, *, unit: str, n: int = 1, target: str = "") -> Figure:
    return Figure(name, value, None, n, unit, target)


def format_table(figures: Sequence[Figure]) -> str:
    """Return lines of equal columns."""
    rows = [("", "median", "p99", "N", "unit", "to reach")]
    for figure in figures:
        p99 = "" if figure.p99 is None else f"{figure.p99:.2f}"
        row = (figure.name, f"{figure.median:.2f}", p99, str(figure.n), figure.unit, figure.target)
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = []
    for name, *numbers, unit, target in rows:
        cells = [name.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(numbers, widths[1:4], strict=True)]
        lines.append("  ".join([*cells, unit.ljust(widths[4]), target]).rstrip())
    return "\n".join(lines)
