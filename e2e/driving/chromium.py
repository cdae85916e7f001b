"""Debian's Chromium under Playwright.

A browser that is missing fails the tests: skipped tests would show a promise that nobody
checked.
"""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")

# Playwright turns storage partitioning off, which no user's browser does. Of several
# `--disable-features` the last one counts; these are Playwright's others that matter here.
_AS_USERS_HAVE_IT = "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,PaintHolding"


def chromium_path() -> str:
    """Return where the system's Chromium is; raise RuntimeError where there is none."""
    path = shutil.which("chromium")
    if path is None:
        raise RuntimeError("these tests need Chromium: run 'make browsers'")
    return path


def launch_chromium(playwright: Playwright) -> Browser:
    """Launch a browser that gives an embedded page storage, partitioned by the embedding site."""
    return playwright.chromium.launch(
        executable_path=chromium_path(), args=[*ARGUMENTS, _AS_USERS_HAVE_IT]
    )


def launch_chromium_without_third_party_storage(playwright: Playwright) -> Browser:
    """Launch a browser that denies an embedded page of another site all storage.

    Debian's Chromium blocks third-party cookies; without partitioning, that is all storage.
    """
    return playwright.chromium.launch(executable_path=chromium_path(), args=[*ARGUMENTS])
