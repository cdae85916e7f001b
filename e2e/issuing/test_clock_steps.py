"""A clock that is set forward and back: what is refused, the way out, and what still counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oracles.audit_log import verify_log

from e2e.conftest import OpenPage
from e2e.driving.enclave import (
    CREDENTIALS,
    ENDPOINT,
    PASSPHRASE,
    ROOMY,
    EnclavePage,
    Outcome,
    issue_params,
    lease_params,
)

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
MONTH_MS = 30 * 24 * HOUR_MS


def lease_of(page: EnclavePage, tokens: int) -> str:
    asked = lease_params(ttlHours=20, quotas={**ROOMY, "tokensPerHour": tokens})
    return page.call("createLease", asked).value["leaseId"]


def issue(page: EnclavePage, lease_id: str) -> Outcome:
    return page.call("issueVAPIDJWT", issue_params(lease_id))


def authenticate(page: EnclavePage, lease_id: str) -> None:
    """Do something that the user authenticates, whatever it is."""
    asked = {"leaseId": lease_id, "addHours": 1, "credentials": CREDENTIALS}
    assert page.call("extendLease", asked).code is None


def verify(page: EnclavePage) -> list[str]:
    """Verify the log, with the oracle and by the enclave itself; return its operations."""
    entries = page.log()
    verify_log(entries)
    assert page.call("verifyAuditChain").value["valid"] is True
    return [entry["op"] for entry in entries]


@pytest.fixture
def ready(enclave: EnclavePage) -> EnclavePage:
    assert enclave.call("setupPassphrase", PASSPHRASE).code is None
    return enclave


def back_at_once(page: EnclavePage) -> None:
    page.set_clock(0)


def back_before_a_restart(page: EnclavePage) -> None:
    page.reload()
    assert page.open_sdk().code is None


def back_before_a_crash(page: EnclavePage) -> None:
    page.crash_worker()


EVERY_WAY_BACK = pytest.mark.parametrize(
    "set_back", [back_at_once, back_before_a_restart, back_before_a_crash]
)
SetBack = Callable[[EnclavePage], None]


@EVERY_WAY_BACK
def test_clock_set_back_by_an_hour_issues_nothing(ready: EnclavePage, set_back: SetBack):
    lease_id = lease_of(ready, 10)
    ready.set_clock(HOUR_MS)
    assert issue(ready, lease_id).code is None
    set_back(ready)
    before = ready.records()
    calls = {
        "issueVAPIDJWT": issue_params(lease_id),
        "issueVAPIDJWTs": issue_params(lease_id, count=2),
        "recordSends": {"leaseId": lease_id, "eid": ENDPOINT["eid"], "count": 1},
    }
    for method, params in calls.items():
        refused = ready.call(method, params)
        assert refused.code == "clock.skew"
        assert HOUR_MS - MINUTE_MS < refused.error["details"]["behindMs"] <= HOUR_MS
        waits = refused.error["retryAfterMs"]
        assert waits == refused.error["details"]["behindMs"] - 5 * MINUTE_MS
    verdict = ready.call("verifyLease", {"leaseId": lease_id}).value
    assert (verdict["valid"], verdict["reason"]) == (False, "clock.skew")
    assert ready.records() == before


@EVERY_WAY_BACK
def test_what_the_user_authenticates_is_the_way_out(ready: EnclavePage, set_back: SetBack):
    lease_id = lease_of(ready, 3)
    ready.set_clock(HOUR_MS)
    assert [issue(ready, lease_id).code for _ in range(3)] == [None] * 3
    set_back(ready)
    assert issue(ready, lease_id).code == "clock.skew"
    authenticate(ready, lease_id)
    # What was granted in the hour that never was counts from now on.
    refused = issue(ready, lease_id)
    assert refused.code == "quota.exceeded.lease"
    assert HOUR_MS - MINUTE_MS < refused.error["retryAfterMs"] <= HOUR_MS
    ready.set_clock(refused.error["retryAfterMs"])
    assert [issue(ready, lease_id).code for _ in range(3)] == [None] * 3
    operations = verify(ready)
    assert operations.count("clock.adjust") == 1
    assert operations.count("sign") == 6


def test_clock_a_month_ahead_and_back_grants_nothing_twice_and_holds_nothing_up(
    ready: EnclavePage,
):
    used_up = lease_of(ready, 2)
    assert [issue(ready, used_up).code for _ in range(2)] == [None] * 2
    ready.set_clock(MONTH_MS)
    assert issue(ready, used_up).code == "lease.expired"
    ahead = lease_of(ready, 2)
    token = issue(ready, ahead).value
    ready.set_clock(0)
    assert issue(ready, used_up).code == issue(ready, ahead).code == "clock.skew"
    back = lease_of(ready, 2)
    # It may have been swept while it seemed to be over.
    assert issue(ready, used_up).code in ("quota.exceeded.lease", "lease.expired")
    assert issue(ready, ahead).code == "lease.revoked"
    assert ready.call("isTokenRevoked", token["jti"]).value == {"revoked": True}
    assert [issue(ready, back).code for _ in range(3)] == [None, None, "quota.exceeded.lease"]
    ready.set_clock(HOUR_MS + MINUTE_MS)
    assert issue(ready, back).code is None
    operations = verify(ready)
    assert operations.count("clock.adjust") == 1
    assert operations.count("sign") == 6


def test_what_one_tab_authenticates_is_the_way_out_for_the_others(
    ready: EnclavePage, open_page: OpenPage
):
    lease_id = lease_of(ready, 10)
    other = open_page()
    assert other.open_sdk().code is None
    ready.set_clock(HOUR_MS)
    assert issue(ready, lease_id).code is None
    ready.set_clock(0)
    assert issue(other, lease_id).code == "clock.skew"
    authenticate(ready, lease_id)
    assert issue(other, lease_id).code == issue(ready, lease_id).code is None
    verify(other)


def test_clock_four_minutes_back_goes_on_and_counts_as_before(ready: EnclavePage):
    lease_id = lease_of(ready, 2)
    ready.set_clock(4 * MINUTE_MS)
    assert issue(ready, lease_id).code is None
    ready.set_clock(0)
    assert issue(ready, lease_id).code is None
    refused = issue(ready, lease_id)
    assert refused.code == "quota.exceeded.lease"
    assert HOUR_MS + 3 * MINUTE_MS < refused.error["retryAfterMs"] <= HOUR_MS + 4 * MINUTE_MS
    assert "clock.adjust" not in verify(ready)
