"""A configured origin that reaches for a lease of another one, each in a page of its own.

What else another origin is refused is tested in CPython: `tests/unit/leases/test_foreign_lease.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from e2e.conftest import Leased, Serve, lease_in, open_page_in
from e2e.driving.enclave import EnclavePage, issue_params, lease_params
from tools.server.serving import LocalServer


@pytest.fixture(scope="module")
def two_origins(
    chromium: Browser, serve: Serve, server: LocalServer
) -> Iterator[tuple[Leased, EnclavePage]]:
    """A lease of one configured origin, and a page of another with the same enclave."""
    shared = serve(more_origins=(server.app_origin,))
    with contextlib.closing(chromium.new_context()) as context:
        leased = lease_in(context, shared)
        other = open_page_in(context, app_origin=server.app_origin, kms_origin=shared.kms_origin)
        assert other.open_sdk().code is None
        yield leased, other


def test_another_origins_lease_is_refused_and_unchanged(
    two_origins: tuple[Leased, EnclavePage], server: LocalServer
):
    leased, other = two_origins
    before = leased.page.call("getLeases").value
    assert other.call("issueVAPIDJWT", issue_params(leased.lease_id)).code == "origin.denied"
    assert leased.page.call("getLeases").value == before
    (refused,) = [entry for entry in leased.page.log() if entry["op"] == "issue.refused"]
    assert (refused["origin"], refused["details"]["code"]) == (server.app_origin, "origin.denied")
    assert leased.issue().code is None


def test_each_origin_has_leases_of_its_own(two_origins: tuple[Leased, EnclavePage]):
    leased, other = two_origins
    own = other.call("createLease", lease_params()).value["leaseId"]
    assert [each["leaseId"] for each in other.call("getLeases").value["leases"]] == [own]
    assert other.call("issueVAPIDJWT", issue_params(own)).code is None
    assert leased.page.call("issueVAPIDJWT", issue_params(own)).code == "origin.denied"
