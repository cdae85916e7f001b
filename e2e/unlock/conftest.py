"""Enclaves that take no credentials from pages: the user gives them, in the enclave's dialogs.

A test that only asks, and adds to what is stored, takes `set_up_user` or `newcomer`: a tab that
the tests of a module share. A test that alters the enclave's document takes `user`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from e2e.conftest import Serve, open_page_in
from e2e.driving.shared import SharedEnclave
from e2e.unlock.user import Authenticator, User, add_authenticator
from tools.server.serving import LocalServer


@pytest.fixture(scope="session")
def prompting_server(serve: Serve) -> LocalServer:
    return serve(page_credentials=False)


@pytest.fixture
def user(context: BrowserContext, prompting_server: LocalServer) -> User:
    """In front of an enclave that has started and is not set up, with a storage of its own."""
    origins = {
        "app_origin": prompting_server.app_origin,
        "kms_origin": prompting_server.kms_origin,
    }
    enclave = open_page_in(context, **origins)
    assert enclave.open_sdk().code is None
    return User(enclave)


@pytest.fixture
def authenticator(user: User) -> Authenticator:
    """With PRF."""
    return add_authenticator(user.page)


@contextlib.contextmanager
def prompting_enclave(
    chromium: Browser, server: LocalServer, **options: object
) -> Iterator[SharedEnclave]:
    """One that is not set up, in a browser context of its own; `options` are the SDK's."""
    with contextlib.closing(chromium.new_context()) as context:
        yield SharedEnclave(context, server, options)


@contextlib.contextmanager
def user_of(shared: SharedEnclave) -> Iterator[User]:
    """A `KMSUser` of one test, `own` of the page; the enclave stays for that of the next.

    What it has asked for goes with it, and is no refusal. After five refusals nothing more would
    be shown in this tab, so they are forgotten.
    """
    user = User(shared.page)
    user.page.evaluate("window.first ??= kms")
    assert user.enclave.open_sdk(**shared.options).code is None
    user.page.evaluate("window.own = kms")
    yield user
    user.page.evaluate("own.terminate().then(() => { window.kms = first; })")
    expect(user.dialog).to_have_count(0)
    user.frame.evaluate("sessionStorage.clear()")


@pytest.fixture(scope="module")
def new_enclave(chromium: Browser, prompting_server: LocalServer) -> Iterator[SharedEnclave]:
    """One for all tests of a module, not set up."""
    with prompting_enclave(chromium, prompting_server) as shared:
        yield shared


@pytest.fixture
def newcomer(new_enclave: SharedEnclave) -> Iterator[User]:
    """In front of the module's enclave, which is not set up; it is reset where the test did so."""
    with user_of(new_enclave) as user:
        yield user
    reset(new_enclave)


def reset(shared: SharedEnclave) -> None:
    """Leave an enclave that is not set up."""
    user = User(shared.page)
    if user.enclave.call("isSetup").value["isSetup"]:
        user.resets()


@pytest.fixture(scope="module")
def set_up_enclave(chromium: Browser, prompting_server: LocalServer) -> Iterator[SharedEnclave]:
    """One for all tests of a module, which its user has set up with the passphrase."""
    with prompting_enclave(chromium, prompting_server) as shared:
        User(shared.page).sets_up()
        yield shared


@pytest.fixture
def set_up_user(set_up_enclave: SharedEnclave) -> Iterator[User]:
    """In front of the module's enclave, which is set up."""
    with user_of(set_up_enclave) as user:
        yield user
