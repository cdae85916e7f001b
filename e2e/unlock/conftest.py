"""Enclaves that take no credentials from pages: the user gives them, in the enclave's dialogs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext

from e2e.conftest import Serve, open_page_in
from e2e.unlock.user import Authenticator, User, add_authenticator
from web.server.serving import LocalServer

OpenUser = Callable[..., User]


@pytest.fixture(scope="session")
def prompting_server(serve: Serve) -> LocalServer:
    return serve(page_credentials=False)


@pytest.fixture
def user(context: BrowserContext, prompting_server: LocalServer) -> User:
    """In front of an enclave that has started and is not set up."""
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
