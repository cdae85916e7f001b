"""The pages that the build makes for the app's origin, served as `make demo` serves them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright

from e2e.app_pages.driver import Demo
from e2e.app_pages.receiver import Receiver, receive_reports
from e2e.conftest import Serve
from e2e.driving.chromium import launch_chromium_without_third_party_storage
from tools.server.serving import LocalServer

OpenDemo = Callable[[], Demo]


@pytest.fixture(scope="session")
def demo_server(serve: Serve, pieces: Path) -> LocalServer:
    return serve(app_root=pieces / "demo")


def open_demo_in(context: BrowserContext, server: LocalServer) -> Demo:
    page = context.new_page()
    page.goto(f"{server.app_origin}/")
    return Demo(page)


@pytest.fixture
def open_demo(context: BrowserContext, demo_server: LocalServer) -> OpenDemo:
    return functools.partial(open_demo_in, context, demo_server)


@pytest.fixture
def demo(open_demo: OpenDemo) -> Demo:
    opened = open_demo()
    opened.wait_until_ready()
    return opened


@pytest.fixture
def leased_demo(demo: Demo) -> Demo:
    """For tests that alter the lease, the log or what the page has stored."""
    demo.set_up_from_page()
    demo.create_lease_in_enclave()
    return demo


@pytest.fixture(scope="module")
def issued_demo(chromium: Browser, demo_server: LocalServer) -> Iterator[Demo]:
    """With one token, for all tests of a module: those that only look."""
    with contextlib.closing(chromium.new_context()) as context:
        demo = open_demo_in(context, demo_server)
        demo.wait_until_ready()
        demo.set_up_from_page()
        demo.create_lease_in_enclave()
        demo.issue()
        yield demo


@pytest.fixture
def context_without_storage(playwright: Playwright) -> Iterator[BrowserContext]:
    """A browser that gives an embedded page of another site no storage at all."""
    browser = launch_chromium_without_third_party_storage(playwright)
    yield browser.new_context()
    browser.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive_reports() as running:
        yield running
