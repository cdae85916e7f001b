"""Durations of a benchmark, reduced to what is quoted of them."""

from __future__ import annotations

import pytest

from bench.figures import format_table, single, summarise


@pytest.mark.parametrize(
    ("count", "median", "p99"), [(1, 1, 1), (2, 1.5, 2), (99, 50, 99), (100, 50.5, 100)]
)
def test_median_and_p99_in_any_order(count: int, median: float, p99: float) -> None:
    figure = summarise("a call", range(count, 0, -1))
    assert (figure.median, figure.p99, figure.n) == (median, p99, count)


def test_p99_leaves_out_one_of_a_hundred() -> None:
    assert summarise("a call", [*range(199), 10_000]).p99 == 198


def test_a_table_has_equal_columns_and_no_p99_of_a_single_figure() -> None:
    figures = [
        summarise("a call", [1, 2, 3], target="10"),
        single("memory", 1234.5, unit="MB"),
    ]
    assert format_table(figures).splitlines() == [
        "         median   p99  N  unit  to reach",
        "a call     2.00  3.00  3  ms    10",
        "memory  1234.50        1  MB",
    ]
