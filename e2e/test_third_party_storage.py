"""The enclave embedded across sites: storage that is blocked, and storage that is partitioned."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from oracles.audit_log import verify_log
from playwright.sync_api import Browser, Playwright

from e2e.conftest import OpenPage, open_page_in
from e2e.driving.chromium import launch_chromium_without_third_party_storage
from e2e.driving.enclave import (
    PASSPHRASE,
    EnclavePage,
    Outcome,
    at_once_ms,
    issue_params,
    lease_params,
)
from web.server.serving import LocalServer


@pytest.fixture(scope="module")
def blocking_chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = launch_chromium_without_third_party_storage(playwright)
    yield browser
    browser.close()


@pytest.fixture
def denied(blocking_chromium: Browser, server: LocalServer) -> Iterator[EnclavePage]:
    """A page that embeds the enclave of another site, in a browser that denies that storage."""
    with contextlib.closing(blocking_chromium.new_context()) as context:
        yield open_page_in(
            context,
            app_origin=server.cross_site_app_origin,
            kms_origin=server.cross_site_kms_origin,
        )


@pytest.fixture
def cross_site(open_page: OpenPage, server: LocalServer) -> EnclavePage:
    return open_page(
        app_origin=server.cross_site_app_origin, kms_origin=server.cross_site_kms_origin
    )


@pytest.fixture
def ordinary(open_page: OpenPage) -> Outcome:
    """What a first start takes where nothing is blocked."""
    return open_page().open_sdk()


@pytest.fixture
def blocked(denied: EnclavePage) -> Outcome:
    """What `init()` says, on a second visit."""
    denied.open_sdk()
    denied.reload()
    return denied.open_sdk()


def test_blocked_storage_is_named(blocked: Outcome):
    assert (blocked.error["name"], blocked.code) == ("KMSError", "storage.blocked")


def test_blocked_storage_is_told_within_a_second(blocked: Outcome, ordinary: Outcome):
    assert blocked.elapsed_ms < at_once_ms(ordinary)


def test_blocked_storage_is_told_within_a_second_on_a_first_visit(
    ordinary: Outcome, denied: EnclavePage
):
    assert denied.open_sdk().elapsed_ms < at_once_ms(ordinary)


def test_message_says_what_to_do(blocked: Outcome):
    assert "third-party" in blocked.error["message"].lower()


def test_calls_after_it_are_rejected_by_name(denied: EnclavePage):
    denied.open_sdk()
    assert denied.call("isSetup").code == "channel.closed"


def test_partitioned_storage_carries_a_lease_over_a_reload(cross_site: EnclavePage):
    assert cross_site.open_sdk().code is None
    assert cross_site.call("setupPassphrase", PASSPHRASE).code is None
    lease_id = cross_site.call("createLease", lease_params()).value["leaseId"]
    cross_site.reload()
    assert cross_site.open_sdk().code is None
    assert cross_site.call("issueVAPIDJWT", issue_params(lease_id)).code is None
    verify_log(cross_site.log())


def test_enclave_under_another_site_is_another_one(
    cross_site: EnclavePage, open_page: OpenPage, server: LocalServer
):
    assert cross_site.open_sdk().code is None
    assert cross_site.call("setupPassphrase", PASSPHRASE).code is None
    elsewhere = open_page(
        app_origin=f"http://127.0.0.1:{server.app_port}", kms_origin=server.cross_site_kms_origin
    )
    assert elsewhere.open_sdk().code is None
    assert elsewhere.call("isSetup").value["isSetup"] is False
