"""A configured origin that reaches for a lease of another one: refused, and told nothing of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from playwright.sync_api import Browser

from e2e.conftest import Serve, open_page_in
from e2e.driving.enclave import (
    CREDENTIALS,
    ENDPOINT,
    PASSPHRASE,
    ROOMY,
    EnclavePage,
    issue_params,
    lease_params,
)
from web.server.serving import LocalServer


@attrs.frozen
class TwoOrigins:
    """An owner with a lease that has issued one token, and another page that knows its id."""

    owner: EnclavePage
    other: EnclavePage
    lease_id: str
    jti: str

    def state(self) -> Any:
        """Return what the owner sees of its lease, and the records behind it."""
        records = self.owner.records()
        kept = [each for each in records if each["store"] not in ("audit", "meta")]
        quota = self.owner.call("getQuota", {"leaseId": self.lease_id}).value
        return [self.owner.call("getLeases").value, quota, kept]


@pytest.fixture(scope="module")
def origins(chromium: Browser, serve: Serve, server: LocalServer) -> Iterator[TwoOrigins]:
    shared = serve(more_origins=(server.app_origin,))
    with contextlib.closing(chromium.new_context()) as context:
        owner = open_page_in(context, app_origin=shared.app_origin, kms_origin=shared.kms_origin)
        assert owner.open_sdk().code is None
        assert owner.call("setupPassphrase", PASSPHRASE).code is None
        lease_id = owner.call("createLease", lease_params(quotas=ROOMY)).value["leaseId"]
        jti = owner.call("issueVAPIDJWT", issue_params(lease_id)).value["jti"]
        other = open_page_in(context, app_origin=server.app_origin, kms_origin=shared.kms_origin)
        assert other.open_sdk().code is None
        yield TwoOrigins(owner, other, lease_id, jti)


SUBSCRIPTION = {"endpoint": ENDPOINT["url"]}


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("issueVAPIDJWT", {"endpoint": ENDPOINT}),
        ("issueVAPIDJWTs", {"endpoint": ENDPOINT, "count": 2}),
        ("recordSends", {"eid": ENDPOINT["eid"], "count": 1}),
        ("getQuota", {}),
        ("extendLease", {"addHours": 1, "credentials": CREDENTIALS}),
        ("refreshLease", {"credentials": CREDENTIALS}),
        ("resumeLease", {"credentials": CREDENTIALS}),
        ("revokeLease", {}),
        ("setPushSubscription", {"subscription": SUBSCRIPTION}),
    ],
)
def test_another_origins_lease_is_refused_and_unchanged(
    origins: TwoOrigins, method: str, fields: dict[str, object]
):
    before = origins.state()
    outcome = origins.other.call(method, {"leaseId": origins.lease_id, **fields})
    assert outcome.code == "origin.denied"
    assert outcome.elapsed_ms < 1000
    assert origins.state() == before


def test_another_origins_lease_is_not_listed(origins: TwoOrigins):
    assert origins.other.call("getLeases").value["leases"] == []


def test_another_origins_lease_is_not_valid_and_says_nothing_of_itself(origins: TwoOrigins):
    verdict = origins.other.call("verifyLease", {"leaseId": origins.lease_id}).value
    assert verdict["valid"] is False
    assert (verdict["reason"], verdict["kid"], verdict["exp"]) == ("origin.denied", None, None)


def test_revoking_all_leases_revokes_ones_own(origins: TwoOrigins):
    own = origins.other.call("createLease", lease_params()).value["leaseId"]
    assert origins.other.call("revokeAllLeases").value["revoked"] == [own]
    assert origins.owner.call("issueVAPIDJWT", issue_params(origins.lease_id)).code is None


def test_suspending_users_suspends_ones_own(origins: TwoOrigins):
    pattern = {"userIdPattern": "*", "credentials": CREDENTIALS}
    assert origins.other.call("suspendPattern", pattern).code is None
    assert origins.owner.call("issueVAPIDJWT", issue_params(origins.lease_id)).code is None
    assert origins.other.call("unsuspendPattern", pattern).code is None


def test_emergency_list_is_of_ones_own_tokens(origins: TwoOrigins):
    lost = origins.owner.call("createLease", lease_params()).value["leaseId"]
    jti = origins.owner.call("issueVAPIDJWT", issue_params(lost)).value["jti"]
    assert origins.owner.call("revokeLease", {"leaseId": lost}).code is None
    assert origins.owner.call("isTokenRevoked", jti).value == {"revoked": True}
    assert origins.other.call("isTokenRevoked", jti).value == {"revoked": False}
    assert origins.other.call("revokedTokens").value == {"tokens": []}


def test_same_users_sends_are_counted_apart(origins: TwoOrigins):
    own = origins.other.call("createLease", lease_params(userId="ada")).value["leaseId"]
    quota = origins.other.call("getQuota", {"leaseId": own}).value
    assert quota["perUserPerDay"]["used"] == 0
