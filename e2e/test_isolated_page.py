"""A page that is cross-origin isolated embeds the enclave: what the release's headers are for.

Such a page has a Cross-Origin-Embedder-Policy, which blocks every frame that does not say in
its own headers that it may be embedded, and asks the same of whatever that frame loads.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from oracles.audit_log import verify_log
from playwright.sync_api import BrowserContext
from py_vapid import Vapid02

from e2e.conftest import PAGES, Serve, open_page_in
from e2e.driving.enclave import PASSPHRASE, issue_params, lease_params
from e2e.driving.isolated_site import CUT_OFF, IsolatedSite, isolated_site
from e2e.unlock.user import User, add_authenticator
from tools.server.serving import LocalServer

POLICIES = ("require-corp", "credentialless")


@pytest.fixture(scope="module", params=POLICIES)
def site(request: pytest.FixtureRequest, pieces: Path) -> Iterator[IsolatedSite]:
    headers = {**CUT_OFF, "Cross-Origin-Embedder-Policy": request.param}
    with isolated_site(root=PAGES, sdk=pieces / "sdk.js", headers=headers) as site:
        yield site


@pytest.fixture
def isolated_server(site: IsolatedSite, serve: Serve) -> LocalServer:
    """An enclave that both names of the isolated site may embed."""
    origins = (site.origin, site.cross_site_origin)
    return serve(page_credentials=False, more_origins=origins)


def open_isolated(context: BrowserContext, *, app_origin: str, kms_origin: str) -> User:
    enclave = open_page_in(context, app_origin=app_origin, kms_origin=kms_origin)
    assert enclave.page.evaluate("crossOriginIsolated") is True
    assert enclave.open_sdk().code is None
    return User(enclave)


def gets_a_token(user: User) -> None:
    """Set up and create a lease in the enclave's dialogs, then issue and read the log."""
    user.sets_up()
    user.begin("createLease", lease_params(credentials=None))
    user.sees("Confirm it’s you")
    user.type(PASSPHRASE)
    lease_id = user.outcome().value["leaseId"]
    token = user.enclave.call("issueVAPIDJWT", issue_params(lease_id)).value
    assert Vapid02.verify(f"vapid t={token['jwt']},k={token['vapidPublicKey']}")
    verify_log(user.enclave.log())


def test_isolated_page_gets_a_token_and_a_passkey(
    context: BrowserContext, site: IsolatedSite, isolated_server: LocalServer
):
    user = open_isolated(context, app_origin=site.origin, kms_origin=isolated_server.kms_origin)
    gets_a_token(user)
    add_authenticator(user.page)
    user.begin("addEnrollment", "passkey-prf")
    user.sees("Confirm it’s you")
    user.type(PASSPHRASE)
    user.sees("Create a passkey")
    user.press("Create passkey")
    assert user.outcome().code is None
    assert user.unlocks_with("passkey").code is None


def test_isolated_page_of_another_site_gets_a_token(
    context: BrowserContext, site: IsolatedSite, isolated_server: LocalServer
):
    gets_a_token(
        open_isolated(
            context,
            app_origin=site.cross_site_origin,
            kms_origin=isolated_server.cross_site_kms_origin,
        )
    )


def test_a_frame_without_such_headers_is_blocked_in_that_page(
    context: BrowserContext, site: IsolatedSite, isolated_server: LocalServer
):
    """So that the tests above show what the headers do, not what the browser lets through."""
    bare = isolated_server.app_origin
    page = context.new_page()
    page.goto(site.origin)
    page.evaluate(
        """(src) => new Promise((resolve) => {
          const frame = document.createElement("iframe");
          frame.addEventListener("load", resolve, { once: true });
          frame.src = src;
          document.body.append(frame);
        })""",
        bare,
    )
    assert not any(frame.url.startswith(bare) for frame in page.frames)
