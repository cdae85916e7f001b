"""`make bench` runs and says what it promises; how fast anything is, no test asserts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from tools.patience import patient
from tools.server.deployment import REPOSITORY

# Each measured more than once: a median, a p99, and how many there were.
MEASURED = (
    "start: worker made → ready, image",
    "start: worker made → ready, plain Pyodide",
    "setupPassphrase",
    "createLease",
    "signJWT",
    "issueVAPIDJWT, short log",
    "getStatus",
    "baseline: plain JavaScript",
    "issueVAPIDJWTs, batch of 10",
    "getQuota",
    "verifyLease",
)

# What two of them say about each other.
COMPARED = {
    "start: image / plain": MEASURED[0:2],
    "issueVAPIDJWT / baseline": ("issueVAPIDJWT, short log", "baseline: plain JavaScript"),
}


@attrs.frozen
class Report:
    """What one run has printed and written."""

    printed: str
    written: Mapping[str, Any]

    def figure(self, pattern: str) -> Mapping[str, Any]:
        """Return the one figure of this name."""
        names = re.compile(pattern)
        (found,) = [each for each in self.written["figures"] if names.fullmatch(each["name"])]
        return found


@pytest.fixture(scope="module")
def report(pieces: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Run the benchmarks on the built pieces, once they are whole: it copies them."""
    folder = tmp_path_factory.mktemp("bench")
    command = [sys.executable, "-m", "bench", "--quick", "--output", str(folder)]
    run = subprocess.run(
        command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True, timeout=patient(150)
    )
    (file,) = Path(folder).iterdir()
    return Report(run.stdout, json.loads(file.read_text("utf-8")))


def test_every_promised_row_has_median_p99_and_number(report: Report):
    for figure in map(report.figure, MEASURED):
        assert 0 < figure["median"] <= figure["p99"], figure
        assert figure["n"] > 1, figure


def test_ratio_is_of_two_medians_of_the_same_run(report: Report):
    for name, rows in COMPARED.items():
        above, below = (report.figure(each)["median"] for each in rows)
        assert report.figure(name)["median"] == pytest.approx(above / below), name


def test_the_table_that_is_printed_has_a_line_for_every_figure(report: Report):
    lines = report.printed.splitlines()
    for figure in report.written["figures"]:
        assert any(line.startswith(figure["name"]) for line in lines), figure


def test_the_json_says_where_it_was_measured(report: Report):
    machine = report.written["machine"]
    assert set(machine) == {"browser", "cpus", "loadAverage", "system", "python"}


def test_issuing_and_verifying_are_measured_at_every_size_of_the_log(report: Report):
    names = [figure["name"] for figure in report.written["figures"]]
    for pattern in (
        r"issueVAPIDJWT, \d+ entries",
        r"issueVAPIDJWT, \d+ entries / short log",
        r"verifyAuditChain, an entry of \d+",
        r"exportAudit, \d+ entries",
        r"kms-enclave audit verify, \d+ entries",
        r"kms-enclave audit verify, \d+ entries: memory",
    ):
        assert len([name for name in names if re.fullmatch(pattern, name)]) == 2
