"""Keeps what a failed browser test leaves: screenshots, consoles, and the enclave's log.

They are in `build/evidence/<test>/`, and the report of the test names the folder and shows
the consoles. Of the enclave's storage only the log is read, which holds no secret. What does
not answer in time is named in the place of what it would have said.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from alarms import limited
from playwright.sync_api import Error, Page

from e2e.driving.chromium import open_pages
from tools.patience import patient
from tools.server.deployment import REPOSITORY

pytest_plugins = ("time_limit", "e2e.driving.running_server")

EVIDENCE = REPOSITORY / "build" / "evidence"

_LIMIT_S = 5.0
_MOST_ENTRIES = 200
_READ_LOG = (Path(__file__).parents[1] / "origin_scripts" / "read_log.js").read_text("utf-8")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the evidence while the fixtures of the test, and so its pages, are still there."""
    report = yield
    if report.failed:
        folder = EVIDENCE / re.sub(r"[^\w.-]+", "_", item.nodeid)[-120:]
        pages = list(open_pages())
        if pages:
            told = [f"kept in {folder.relative_to(REPOSITORY)}"]
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for number, page in enumerate(pages, 1):
                told += _keep(page, folder, f"page-{number}")
            report.sections.append(("evidence", "\n".join(told)))
    return report


def _keep(page: Page, folder: Path, name: str) -> list[str]:
    """Write what one page shows and says; return it as lines for the report."""

    def screenshot() -> str:
        path = folder / f"{name}.png"
        page.screenshot(path=path, timeout=patient(_LIMIT_S) * 1000)
        return path.name

    console = _ask(lambda: _console(page))
    log = _ask(lambda: _log(page))
    (folder / f"{name}.console.txt").write_text(console, "utf-8")
    (folder / f"{name}.log.jsonl").write_text(log, "utf-8")
    return [
        f"{name}: {page.url}",
        f"screenshot: {_ask(screenshot)}",
        f"console: {console}",
        f"enclave's log: {_outline(log)}",
    ]


def _ask(question: Callable[[], str]) -> str:
    try:
        with limited(patient(_LIMIT_S)):
            return question()
    except TimeoutError:
        return "none: the page did not answer"
    except Error as error:
        return f"none: {error}"


def _console(page: Page) -> str:
    """Return the last messages of the page, its frames and their workers, and its errors."""
    said = [f"{message.type}: {message.text}" for message in page.console_messages()]
    return "\n".join([*said, *(f"uncaught: {error}" for error in page.page_errors())])


def _log(page: Page) -> str:
    """Return the entries of every enclave that the page embeds, one a line."""
    frames = [frame for frame in page.frames if frame.parent_frame is not None]
    entries = [entry for frame in frames for entry in frame.evaluate(_READ_LOG, _MOST_ENTRIES)]
    return "\n".join(entries)


def _outline(log: str) -> str:
    """Return what the entries of a log are about, where it is one."""
    operations = [json.loads(line)["op"] for line in log.splitlines() if line.startswith("{")]
    return ", ".join(operations) or log
