"""usage: python -m bench [--quick] [--entries N …] [--output FOLDER]

One browser session: prints a table and writes the figures as JSON. Asserts nothing about
time. Another process that is busy meanwhile shows in every figure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
from playwright.sync_api import Browser, sync_playwright

from bench.calls import QUICK, CallBench, Counts
from bench.figures import Figure, format_table, single
from bench.memory import renderer_megabytes
from bench.starts import measure_starts, open_starter
from e2e.driving.chromium import launch_chromium
from tools.server.deployment import PIECES, REPOSITORY
from tools.server.serving import LocalServer, ServeOptions, serve_in_background

PAGES = Path(__file__).parent / "pages"
RESULTS = Path(__file__).parent / "results"


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure an enclave.")
    parser.add_argument("--quick", action="store_true", help="few repetitions: does it run at all?")
    parser.add_argument(
        "--entries", type=int, nargs="+", help="sizes to which the log grows, the smallest first"
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for the JSON file")
    return parser.parse_args()


@contextlib.contextmanager
def _servers() -> Iterator[tuple[LocalServer, LocalServer]]:
    """The released enclave, and the same one as plain Pyodide from sources."""
    with contextlib.ExitStack() as stack:
        # A copy, so that the memory image is not made again, and others may load what is built.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pieces = shutil.copytree(PIECES, folder / "pieces")
        build = ["node", "worker/build/main.mjs", "--out", pieces, "--dev"]
        subprocess.run(build, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
        options = ServeOptions(app_root=PAGES, pieces=pieces)
        image = stack.enter_context(serve_in_background(options))
        plain = stack.enter_context(serve_in_background(attrs.evolve(options, development=True)))
        yield image, plain


def _measure(
    browser: Browser, image: LocalServer, plain: LocalServer, counts: Counts
) -> Iterator[Figure]:
    yield from measure_starts(browser, image=image, plain=plain, count=counts.starts)
    before = renderer_megabytes(browser)
    with open_starter(browser, image) as starter:
        starter.start()
        after = renderer_megabytes(browser)
        yield single("memory of a page with an enclave", after - before, unit="MB")
        yield from CallBench(starter.page, image.kms_origin, counts).run()


def _write(figures: Sequence[Figure], browser_version: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    machine = {
        "browser": f"Chromium {browser_version}",
        "cpus": os.cpu_count(),
        "loadAverage": os.getloadavg()[0],
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }
    result = {
        "measuredAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine,
        "figures": [attrs.asdict(figure) for figure in figures],
    }
    file = folder / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.json"
    file.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return file


def main() -> int:
    arguments = _parse_arguments()
    counts = QUICK if arguments.quick else Counts()
    if arguments.entries:
        counts = attrs.evolve(counts, log_sizes=tuple(arguments.entries))
    with _servers() as (image, plain), sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        figures = list(_measure(browser, image, plain, counts))
        version = browser.version
        browser.close()
    file = _write(figures, version, arguments.output)
    print(format_table(figures))
    print(f"\nload average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs; written to {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
