"""Debian's Chromium under Playwright.

A browser that is missing fails the tests: skipped tests would show a promise that nobody
checked.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Playwright

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")

# Debian's build blocks third-party storage unless a profile says otherwise. What is left
# then is storage that is partitioned by the embedding site.
_PARTITIONED = {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}


def chromium_path() -> str:
    """Return where the system's Chromium is; raise RuntimeError where there is none."""
    path = shutil.which("chromium")
    if path is None:
        raise RuntimeError("these tests need Chromium: run 'make browsers'")
    return path


def launch_chromium(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=chromium_path(), args=[*ARGUMENTS])


def launch_with_partitioned_storage(playwright: Playwright, profile: Path) -> BrowserContext:
    """Launch a browser of its own whose third-party storage is partitioned instead of blocked."""
    preferences = profile / "Default" / "Preferences"
    preferences.parent.mkdir(parents=True)
    preferences.write_text(json.dumps(_PARTITIONED), "utf-8")
    return playwright.chromium.launch_persistent_context(
        str(profile), executable_path=chromium_path(), args=[*ARGUMENTS]
    )
