"""How long an enclave takes to start: from its memory image, and as plain Pyodide.

Both behind the same frame and headers, in the same browser, by turns, each with a warm
cache. What counts is the worker's making to its `kms:ready`, and also the whole from the
frame's navigation on, since parts are loaded before there is a worker.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
from playwright.sync_api import Browser, Page

from bench.figures import Figure, single, summarise
from tools.server.serving import LocalServer

WATCH = Path(__file__).parent / "pages" / "watch_start.js"


@attrs.frozen
class Start:
    """Milliseconds of one start, since the frame's navigation."""

    created: float
    ready: float
    marks: Mapping[str, float]

    @property
    def of_worker(self) -> float:
        return self.ready - self.created


@attrs.frozen
class Starter:
    """A page that starts the enclave of a server again and again."""

    page: Page
    server: LocalServer

    def start(self) -> Start:
        self.page.goto(f"{self.server.app_origin}/")
        self.page.wait_for_function("window.isLoaded")
        self.page.evaluate("(origin) => open(origin)", self.server.kms_origin)
        seen = self.frame.evaluate("window.start")
        return Start(seen["createdMs"], seen["readyMs"], dict(seen["marks"]))

    @property
    def frame(self):
        return next(f for f in self.page.frames if f.url.startswith(self.server.kms_origin))


@contextlib.contextmanager
def open_starter(browser: Browser, server: LocalServer) -> Iterator[Starter]:
    with contextlib.closing(browser.new_context()) as context:
        context.add_init_script(path=WATCH)
        yield Starter(context.new_page(), server)


def measure_starts(
    browser: Browser, *, image: LocalServer, plain: LocalServer, count: int
) -> Sequence[Figure]:
    with open_starter(browser, image) as fast, open_starter(browser, plain) as slow:
        cold = fast.start()
        transferred = fast.frame.evaluate(
            "performance.getEntries().reduce((sum, { transferSize = 0 }) => sum + transferSize, 0)"
        )
        slow.start()
        pairs = [(fast.start(), slow.start()) for _ in range(count)]
    from_image = [each for each, _ in pairs]
    from_sources = [each for _, each in pairs]
    worker = summarise(
        "start: worker made → ready, image",
        [start.of_worker for start in from_image],
        target="500, a fifth of plain",
    )
    plain_worker = summarise(
        "start: worker made → ready, plain Pyodide", [start.of_worker for start in from_sources]
    )
    return [
        worker,
        plain_worker,
        single(
            "start: image / plain",
            worker.median / plain_worker.median,
            unit="×",
            n=count,
            target="0.2",
        ),
        summarise("start: frame opened → ready, image", [start.ready for start in from_image]),
        summarise("start: frame opened → ready, plain", [start.ready for start in from_sources]),
        *_stages(from_image),
        single("start: frame opened → ready, first visit", cold.ready, unit="ms"),
        single("transferred, first visit", transferred / 1e6, unit="MB"),
    ]


def _stages(starts: Sequence[Start]) -> Iterator[Figure]:
    for mark in starts[0].marks:
        times = [start.marks[mark] - start.created for start in starts if mark in start.marks]
        yield summarise(f"start: worker made → {mark}", times)
