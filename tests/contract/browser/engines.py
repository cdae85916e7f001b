"""Opens a page in the browsers that Playwright cannot drive here."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

__all__ = ["ENGINES", "open_page"]

_STOP_DEADLINE_S: Final = 5.0


def _firefox(profile: Path, url: str) -> list[str]:
    return ["firefox-esr", "--headless", "--no-remote", "--profile", str(profile), url]


def _webkit(profile: Path, url: str) -> list[str]:
    del profile  # MiniBrowser keeps its data under $HOME, which is the profile here.
    (browser,) = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"))
    return ["xvfb-run", "--auto-servernum", str(browser), url]


ENGINES: Final[Mapping[str, Callable[[Path, str], list[str]]]] = {
    "firefox": _firefox,
    "webkit": _webkit,
}


@contextlib.contextmanager
def open_page(engine: str, url: str, profile: Path) -> Iterator[None]:
    """Open ``url`` in a fresh profile, and end the browser with all its processes afterwards."""
    process = subprocess.Popen(
        ENGINES[engine](profile, url),
        env=os.environ | {"HOME": str(profile)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
