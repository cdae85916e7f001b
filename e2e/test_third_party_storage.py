"""The enclave embedded across sites: storage that is blocked, and storage that is partitioned."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import attrs
import pytest
from oracles.audit_log import verify_log
from playwright.sync_api import Browser, Playwright

from e2e.conftest import open_page_in
from e2e.driving.chromium import launch_chromium_without_third_party_storage
from e2e.driving.enclave import (
    AT_ONCE_MS,
    PASSPHRASE,
    EnclavePage,
    Outcome,
    issue_params,
    lease_params,
)
from e2e.driving.shared import start_fresh
from tools.server.serving import LocalServer


@attrs.frozen
class Blocked:
    """What a page is told in a browser that denies the enclave of another site all storage."""

    first_visit: Outcome
    second_visit: Outcome
    call_after_it: Outcome


@pytest.fixture(scope="module")
def blocked(playwright: Playwright, server: LocalServer) -> Blocked:
    with contextlib.closing(launch_chromium_without_third_party_storage(playwright)) as browser:
        page = open_page_in(
            browser.new_context(),
            app_origin=server.cross_site_app_origin,
            kms_origin=server.cross_site_kms_origin,
        )
        first_visit = page.open_sdk()
        page.reload()
        return Blocked(first_visit, page.open_sdk(), page.call("isSetup"))


def test_blocked_storage_is_named(blocked: Blocked):
    error = blocked.second_visit.error
    assert (error["name"], error["code"]) == ("KMSError", "storage.blocked")


def test_blocked_storage_is_told_within_a_second(blocked: Blocked):
    assert blocked.first_visit.code == "storage.blocked"
    assert blocked.first_visit.elapsed_ms < AT_ONCE_MS
    assert blocked.second_visit.elapsed_ms < AT_ONCE_MS


def test_message_says_what_to_do(blocked: Blocked):
    assert "third-party" in blocked.second_visit.error["message"].lower()


def test_calls_after_it_are_rejected_by_name(blocked: Blocked):
    assert blocked.call_after_it.code == "channel.closed"


@pytest.fixture(scope="module")
def cross_site(chromium: Browser, server: LocalServer) -> Iterator[EnclavePage]:
    """A page that has set up the enclave of another site."""
    with start_fresh(
        chromium,
        app_origin=server.cross_site_app_origin,
        kms_origin=server.cross_site_kms_origin,
    ) as page:
        assert page.call("setupPassphrase", PASSPHRASE).code is None
        yield page


def test_partitioned_storage_carries_a_lease_over_a_reload(cross_site: EnclavePage):
    lease_id = cross_site.call("createLease", lease_params()).value["leaseId"]
    cross_site.reload()
    assert cross_site.open_sdk().code is None
    assert cross_site.call("issueVAPIDJWT", issue_params(lease_id)).code is None
    verify_log(cross_site.log())


def test_enclave_under_another_site_is_another_one(cross_site: EnclavePage, server: LocalServer):
    elsewhere = open_page_in(
        cross_site.page.context,
        app_origin=f"http://127.0.0.1:{server.app_port}",
        kms_origin=server.cross_site_kms_origin,
    )
    assert elsewhere.open_sdk().code is None
    assert elsewhere.call("isSetup").value["isSetup"] is False
