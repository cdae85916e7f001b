"""Debian's Chromium under Playwright.

A browser that is missing fails the tests: skipped tests would show a promise that nobody
checked.
"""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterator, Sequence

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tools.patience import PATIENCE, patient

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")

# Playwright turns storage partitioning off, which no user's browser does. Of several
# `--disable-features` the last one counts; these are Playwright's others that matter here.
_AS_USERS_HAVE_IT = "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,PaintHolding"

# Playwright's own limits, for an action and for an assertion.
_ACTION_MS = 30_000
_ASSERTION_MS = 5_000

_browsers: weakref.WeakSet[Browser] = weakref.WeakSet()


def chromium_path() -> str:
    """Return where the system's Chromium is; raise RuntimeError where there is none."""
    path = shutil.which("chromium")
    if path is None:
        raise RuntimeError("these tests need Chromium: run 'make browsers'")
    return path


def launch_chromium(playwright: Playwright) -> Browser:
    """Launch a browser that gives an embedded page storage, partitioned by the embedding site."""
    return _launch(playwright, [*ARGUMENTS, _AS_USERS_HAVE_IT])


def launch_chromium_without_third_party_storage(playwright: Playwright) -> Browser:
    """Launch a browser that denies an embedded page of another site all storage.

    Debian's Chromium blocks third-party cookies; without partitioning, that is all storage.
    """
    return _launch(playwright, ARGUMENTS)


def _launch(playwright: Playwright, arguments: Sequence[str]) -> Browser:
    path = chromium_path()
    return watched(playwright.chromium.launch(executable_path=path, args=list(arguments)))


def watched(browser: Browser) -> Browser:
    """Give a browser's contexts this machine's limits, and its pages to `open_pages`."""
    _browsers.add(browser)
    expect.set_options(timeout=patient(_ASSERTION_MS))
    browser.on("context", _make_patient)
    for context in browser.contexts:
        _make_patient(context)
    return browser


def _make_patient(context: BrowserContext) -> None:
    context.set_default_timeout(patient(_ACTION_MS))
    if PATIENCE != 1:
        context.add_init_script(f"window.testPatience = {PATIENCE}")


def open_pages() -> Iterator[Page]:
    """Yield every page of every browser that runs."""
    for browser in list(_browsers):
        if browser.is_connected():
            for context in browser.contexts:
                yield from context.pages
