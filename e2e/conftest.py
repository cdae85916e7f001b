"""Real browsers, two origins, the built output under the headers of a release.

`chromium` is the one Playwright browser of a test session: its synchronous interface can
run only once in a process.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from e2e.driving.chromium import launch_chromium
from e2e.driving.enclave import PASSPHRASE, EnclavePage, Outcome, issue_params, lease_params
from web.server.deployment import PIECES, REPOSITORY
from web.server.serving import LocalServer, ServeOptions, serve_in_background

PAGES = Path(__file__).parent / "pages"

Serve = Callable[..., LocalServer]
OpenPage = Callable[..., EnclavePage]


@pytest.fixture(scope="session")
def pieces() -> Path:
    """The built pieces: brought up to date, or those in the folder that KMS_PIECES names."""
    given = os.environ.get("KMS_PIECES")
    if given:
        return Path(given)
    subprocess.run(["node", "worker/build/main.mjs"], cwd=REPOSITORY, check=True, timeout=300)
    return PIECES


@pytest.fixture(scope="session")
def serve(pieces: Path) -> Iterator[Serve]:
    """Serve a configuration: `serve(page_credentials=False)`. Each is stamped once a session."""
    running: dict[ServeOptions, LocalServer] = {}
    with contextlib.ExitStack() as stack:

        def serve_(**options: object) -> LocalServer:
            wanted = attrs.evolve(ServeOptions(app_root=PAGES, pieces=pieces), **options)
            if wanted not in running:
                running[wanted] = stack.enter_context(serve_in_background(wanted))
            return running[wanted]

        yield serve_


@pytest.fixture(scope="session")
def server(serve: Serve) -> LocalServer:
    """The configuration in which a page may pass credentials itself."""
    return serve()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = launch_chromium(playwright)
    yield browser
    browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """Storage and cache of its own."""
    with contextlib.closing(chromium.new_context()) as fresh:
        yield fresh


def open_page_in(
    context: BrowserContext, *, app_origin: str, kms_origin: str, path: str = "/"
) -> EnclavePage:
    """Open a page of `pages`, without an enclave so far."""
    page = context.new_page()
    page.goto(f"{app_origin}{path}")
    page.wait_for_function("window.isLoaded")
    return EnclavePage(page, kms_origin)


@pytest.fixture
def open_page(context: BrowserContext, server: LocalServer) -> OpenPage:
    """Open a page on the app's origin, same-site with the enclave unless told otherwise."""

    def open_(**places: str) -> EnclavePage:
        origins = {"app_origin": server.app_origin, "kms_origin": server.kms_origin}
        return open_page_in(context, **{**origins, **places})

    return open_


@pytest.fixture
def enclave(open_page: OpenPage) -> EnclavePage:
    """A page whose enclave has started, through the SDK."""
    page = open_page()
    assert page.open_sdk().code is None
    return page


@attrs.frozen
class Leased:
    """A page whose enclave is set up, and a lease."""

    page: EnclavePage
    lease_id: str

    def issue(self, **fields: object) -> Outcome:
        return self.page.call("issueVAPIDJWT", issue_params(self.lease_id, **fields))


def _lease(page: EnclavePage) -> Leased:
    assert page.open_sdk().code is None
    assert page.call("setupPassphrase", PASSPHRASE).code is None
    return Leased(page, page.call("createLease", lease_params()).value["leaseId"])


def lease_in(context: BrowserContext, server: LocalServer) -> Leased:
    """Set an enclave up in a context of one's own."""
    origins = {"app_origin": server.app_origin, "kms_origin": server.kms_origin}
    return _lease(open_page_in(context, **origins))


@pytest.fixture
def leased(open_page: OpenPage) -> Leased:
    return _lease(open_page())


@pytest.fixture(scope="module")
def shared_lease(chromium: Browser, server: LocalServer) -> Iterator[Leased]:
    """One for all tests of a module: for those that change nothing, or only add tokens."""
    with contextlib.closing(chromium.new_context()) as context:
        yield lease_in(context, server)
