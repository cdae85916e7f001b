"""Real browsers, two origins, the built output under the headers of a release.

`chromium` is the one Playwright browser of a test session: its synchronous interface can
run only once in a process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from e2e.driving.building import build_once
from e2e.driving.chromium import launch_chromium
from e2e.driving.enclave import PASSPHRASE, EnclavePage
from e2e.driving.shared import Leased, SharedEnclave, open_page_in, share_enclave
from tools.server.deployment import PIECES
from tools.server.serving import LocalServer, ServeOptions, serve_in_background

pytest_plugins = ("e2e.driving.evidence",)

PAGES = Path(__file__).parent / "pages"

Serve = Callable[..., LocalServer]
OpenPage = Callable[..., EnclavePage]
OpenTab = Callable[[], EnclavePage]


@pytest.fixture(scope="session")
def pieces() -> Path:
    """The built pieces: brought up to date, or those in the folder that KMS_PIECES names."""
    given = os.environ.get("KMS_PIECES")
    if given:
        return Path(given)
    build_once("worker/build/main.mjs")
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
def server(running_server: LocalServer | None, request: pytest.FixtureRequest) -> LocalServer:
    """The configuration in which a page may pass credentials itself."""
    return running_server or request.getfixturevalue("serve")()


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


def set_up(page: EnclavePage) -> None:
    """Set the enclave up with the tests' passphrase, which the page passes."""
    assert page.call("setupPassphrase", PASSPHRASE).code is None


def lease_in(context: BrowserContext, server: LocalServer) -> Leased:
    """Set an enclave up in a context of one's own, and make a lease."""
    shared = SharedEnclave(context, server)
    set_up(shared.page)
    return shared.lease()


@pytest.fixture(scope="module")
def shared_enclave(chromium: Browser, server: LocalServer) -> Iterator[SharedEnclave]:
    """One for all tests of a module, set up."""
    with share_enclave(chromium, server, set_up) as shared:
        yield shared


@pytest.fixture
def restored(shared_enclave: SharedEnclave) -> Iterator[SharedEnclave]:
    """The module's enclave as it was after its setup, in a new tab once its page is asked for.

    A test may leave anything behind in it.
    """
    shared_enclave.restore()
    yield shared_enclave
    shared_enclave.is_altered = True


@pytest.fixture
def open_tab(shared_enclave: SharedEnclave) -> Iterator[OpenTab]:
    """Open another tab of the module's enclave, without the enclave in it, until the test ends."""
    opened: list[EnclavePage] = []

    def open_() -> EnclavePage:
        opened.append(shared_enclave.new_tab())
        return opened[-1]

    yield open_
    for tab in opened:
        tab.page.close()


@pytest.fixture
def leased(restored: SharedEnclave) -> Leased:
    """A lease in an enclave whose log holds nothing but its setup, and this lease."""
    return restored.lease()


@pytest.fixture
def own_lease(shared_enclave: SharedEnclave) -> Leased:
    """A lease of the test's own, in the enclave that all tests of the module use."""
    return shared_enclave.lease()


@pytest.fixture(scope="module")
def shared_lease(shared_enclave: SharedEnclave) -> Leased:
    """One lease for all tests of a module: for those that change nothing, or only add tokens.

    A module that uses it does not use `restored`, which takes it away.
    """
    return shared_enclave.lease()
