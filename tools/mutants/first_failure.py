"""A pytest plugin that writes down which test failed first, and with what."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

__all__ = ["FILE_VARIABLE"]

FILE_VARIABLE = "KMS_FIRST_FAILURE"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the first report of a failure, of a fixture's too."""
    _note(report.nodeid, report.failed and not hasattr(report, "wasxfail"), report.longreprtext)


def _note(node: str, failed: bool, text: str) -> None:
    path = Path(os.environ[FILE_VARIABLE])
    if failed and not path.exists():
        reasons = [line[2:].strip() for line in text.splitlines() if line.startswith("E ")]
        path.write_text(json.dumps({"test": node, "reason": (reasons or [""])[0][:300]}), "utf-8")
