"""The command line on a log that the browser wrote: from the page's export to the verdict."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

from bench.figures import Figure, single

COMMAND = Path(sys.executable).with_name("kms-enclave")


def measure_offline(page: Page, *, entries: int) -> Iterator[Figure]:
    """The file goes to the disk as a download: no message holds all of it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log.jsonl"
        with page.expect_download(timeout=0) as download:
            exporting = page.evaluate("measureExport()")
        download.value.save_as(file)
        key = page.evaluate("auditPublicKey()")
        yield single(f"exportAudit, {entries} entries", exporting, unit="ms")
        seconds, megabytes = _verify(file, key)
    name = f"kms-enclave audit verify, {entries} entries"
    yield single(name, seconds * 1000, unit="ms", target=f"{0.15 * entries:.0f}")
    yield single(f"{name}: memory", megabytes, unit="MB")


def _verify(file: Path, key: str) -> tuple[float, float]:
    """Return seconds, the start of both processes among them, and the larger one's memory."""
    begun = time.perf_counter()
    running = subprocess.Popen(
        [COMMAND, "audit", "verify", file, "--public-key", key], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(running.pid, 0)
    seconds = time.perf_counter() - begun
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode != 0:
        raise RuntimeError("the log of the benchmark does not verify offline")
    return seconds, usage.ru_maxrss / 1024
