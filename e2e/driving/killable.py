"""Chromium as a process of the test's own, on a profile that outlives it.

Playwright ends its browsers in good order and does not say which processes they are. A
crash is a SIGKILL to this browser and to every process that it started; what it had
committed is on its profile, and the next browser opens that.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
from playwright.sync_api import BrowserContext, Playwright

from e2e.driving.chromium import ARGUMENTS, chromium_path, watched
from tools.patience import patient

_START_DEADLINE_S = patient(30.0)
_PAUSE_S = 0.01
_ON_A_PROFILE = (
    "--headless",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--remote-debugging-port=0",
)


@attrs.frozen
class KillableChromium:
    """A running browser and its one context, that of the profile."""

    context: BrowserContext
    _process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it and all that it started, with nothing tidied up."""
        # The group is the browser's own: it was started in a session of its own.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextlib.contextmanager
def killable_chromium(playwright: Playwright, profile: Path) -> Iterator[KillableChromium]:
    """Open a profile; what is not killed in the block is killed after it."""
    port_file = profile / "DevToolsActivePort"
    port_file.unlink(missing_ok=True)
    process = subprocess.Popen(
        [chromium_path(), *ARGUMENTS, *_ON_A_PROFILE, f"--user-data-dir={profile}", "about:blank"],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port = _announced_port(port_file, process)
        address = f"http://127.0.0.1:{port}"
        browser = watched(playwright.chromium.connect_over_cdp(address))
        running = KillableChromium(browser.contexts[0], process)
        try:
            yield running
        finally:
            if process.poll() is None:
                running.kill()
            browser.close()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _announced_port(port_file: Path, process: subprocess.Popen[bytes]) -> int:
    """Return the debugger's port; raise RuntimeError where the browser does not start."""
    end = time.monotonic() + _START_DEADLINE_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(FileNotFoundError, IndexError, ValueError):
            return int(port_file.read_text("ascii").splitlines()[0])
        time.sleep(_PAUSE_S)
    raise RuntimeError("Chromium did not start")
