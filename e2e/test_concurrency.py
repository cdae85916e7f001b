"""Quotas, entries and the chain stay exact, however many calls and tabs there are at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from oracles.audit_log import verify_log

from e2e.conftest import Leased, OpenPage
from e2e.driving.enclave import (
    PASSPHRASE,
    ROOMY,
    EnclavePage,
    Outcome,
    issue_params,
    lease_params,
)

REFUSED_BEYOND_100 = {None: 100, "quota.exceeded.lease": 11, "quota.suspended": 189}
"""Of 300 calls: the eleventh refusal suspends the lease."""


def lease_of_100_an_hour(enclave: EnclavePage) -> str:
    quotas = {"tokensPerHour": 100, **ROOMY}
    return enclave.call("createLease", lease_params(quotas=quotas)).value["leaseId"]


@pytest.fixture
def ready(enclave: EnclavePage) -> Leased:
    assert enclave.call("setupPassphrase", PASSPHRASE).code is None
    return Leased(enclave, lease_of_100_an_hour(enclave))


def logged_tokens(page: EnclavePage) -> list[str]:
    entries = page.log()
    verify_log(entries)
    return [entry["details"]["jti"] for entry in entries if entry["op"] == "sign"]


def test_300_calls_at_once_grant_exactly_100(ready: Leased):
    outcomes = ready.page.call_together("issueVAPIDJWT", [[issue_params(ready.lease_id)]] * 300)
    assert Counter(outcome.code for outcome in outcomes) == REFUSED_BEYOND_100
    granted = [outcome.result["jti"] for outcome in outcomes if outcome.code is None]
    assert sorted(logged_tokens(ready.page)) == sorted(granted)


def test_refusal_says_when_the_call_would_be_granted(ready: Leased):
    outcomes = ready.page.call_together("issueVAPIDJWT", [[issue_params(ready.lease_id)]] * 101)
    (refused,) = [outcome for outcome in outcomes if outcome.code is not None]
    assert 3_500_000 < refused.error["retryAfterMs"] <= 3_600_000
    assert refused.error["details"]["limit"] == 100


def test_refusals_at_once_are_one_entry_a_reason(ready: Leased):
    ready.page.call_together("issueVAPIDJWT", [[issue_params(ready.lease_id)]] * 300)
    refused = [entry for entry in ready.page.log() if entry["op"] == "issue.refused"]
    codes = [entry["details"]["code"] for entry in refused]
    assert len(codes) == len(set(codes))


def in_both_tabs(tabs: Sequence[EnclavePage], lease_id: str, calls: int) -> list[Outcome]:
    """Begin calls in each tab before any tab is asked for what became of them."""
    for tab in tabs:
        tab.page.evaluate(
            "([p, n]) => { window.begun = callSdkTogether('issueVAPIDJWT', Array(n).fill([p])); }",
            [issue_params(lease_id), calls],
        )
    settled = [each for tab in tabs for each in tab.page.evaluate("window.begun")]
    return [Outcome(each["ms"], each.get("result"), each.get("error")) for each in settled]


def test_two_tabs_share_one_quota(ready: Leased, open_page: OpenPage):
    second = open_page()
    assert second.open_sdk().code is None
    outcomes = in_both_tabs([ready.page, second], ready.lease_id, 60)
    assert Counter(outcome.code for outcome in outcomes) == {
        None: 100,
        "quota.exceeded.lease": 11,
        "quota.suspended": 9,
    }


def test_two_tabs_write_one_chain(ready: Leased, open_page: OpenPage):
    second = open_page()
    assert second.open_sdk().code is None
    outcomes = in_both_tabs([ready.page, second], ready.lease_id, 40)
    assert [outcome.code for outcome in outcomes] == [None] * 80
    granted = sorted(outcome.result["jti"] for outcome in outcomes)
    assert sorted(logged_tokens(ready.page)) == sorted(logged_tokens(second)) == granted


def test_two_tabs_that_set_up_at_once_make_one_enclave(open_page: OpenPage):
    tabs = [open_page(), open_page()]
    for tab in tabs:
        assert tab.open_sdk().code is None
    for tab in tabs:
        tab.page.evaluate("(p) => { window.begun = callSdk('setupPassphrase', [p]); }", PASSPHRASE)
    settled = [tab.page.evaluate("window.begun") for tab in tabs]
    codes = [each.get("error", {}).get("code") for each in settled]
    assert sorted(codes, key=str) == [None, "enrollment.exists"]
    kids = {tab.call("getStatus").value["vapidKid"] for tab in tabs}
    assert kids == {each["result"]["vapidKid"] for each in settled if "result" in each}
