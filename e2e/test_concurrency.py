"""Quotas, entries and the chain stay exact, however many calls and tabs there are at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs
import pytest
from oracles.audit_log import verify_log

from e2e.conftest import Leased, OpenPage, OpenTab
from e2e.driving.enclave import (
    PASSPHRASE,
    ROOMY,
    EnclavePage,
    Outcome,
    Wire,
    issue_params,
    parse_outcome,
)
from e2e.driving.shared import SharedEnclave


def lease_of_100_an_hour(enclave: SharedEnclave) -> Leased:
    return enclave.lease(quotas={"tokensPerHour": 100, **ROOMY})


def entries_of(page: EnclavePage, lease_id: str) -> list[Wire]:
    """Verify the log; return the entries of one lease."""
    entries = page.log()
    verify_log(entries)
    return [entry for entry in entries if entry.get("leaseId") == lease_id]


def logged_tokens(entries: Sequence[Wire]) -> list[str]:
    return sorted(entry["details"]["jti"] for entry in entries if entry["op"] == "sign")


def granted_tokens(outcomes: Sequence[Outcome]) -> list[str]:
    return sorted(outcome.result["jti"] for outcome in outcomes if outcome.code is None)


@attrs.frozen
class Flooded:
    """What became of 300 calls that a page makes in one turn, on a lease of 100 tokens."""

    outcomes: Sequence[Outcome]
    entries: Sequence[Wire]

    def of(self, code: str) -> list[Wire]:
        return [each.error for each in self.outcomes if each.error and each.code == code]


@pytest.fixture(scope="module")
def flooded(shared_enclave: SharedEnclave) -> Flooded:
    leased = lease_of_100_an_hour(shared_enclave)
    calls = [[issue_params(leased.lease_id)]] * 300
    outcomes = leased.page.call_together("issueVAPIDJWT", calls)
    return Flooded(outcomes, entries_of(leased.page, leased.lease_id))


def test_300_calls_at_once_grant_exactly_100(flooded: Flooded):
    # The eleventh refusal suspends the lease.
    assert Counter(outcome.code for outcome in flooded.outcomes) == {
        None: 100,
        "quota.exceeded.lease": 11,
        "quota.suspended": 189,
    }
    assert logged_tokens(flooded.entries) == granted_tokens(flooded.outcomes)


def test_refusal_says_when_the_call_would_be_granted(flooded: Flooded):
    for refused in flooded.of("quota.exceeded.lease"):
        assert 3_000_000 < refused["retryAfterMs"] <= 3_600_000
        assert refused["details"]["limit"] == 100


def test_refusals_at_once_are_one_entry_a_reason(flooded: Flooded):
    refused = [entry for entry in flooded.entries if entry["op"] == "issue.refused"]
    codes = [entry["details"]["code"] for entry in refused]
    assert sorted(codes) == sorted(set(codes)) != []


def in_both_tabs(tabs: Sequence[EnclavePage], lease_id: str, calls: int) -> list[Outcome]:
    """Begin calls in each tab before any tab is asked for what became of them."""
    for tab in tabs:
        tab.page.evaluate(
            "([p, n]) => { window.begun = callSdkTogether('issueVAPIDJWT', Array(n).fill([p])); }",
            [issue_params(lease_id), calls],
        )
    settled = [each for tab in tabs for each in tab.page.evaluate("window.begun")]
    return [parse_outcome(each) for each in settled]


def test_two_tabs_share_one_quota_and_write_one_chain(
    shared_enclave: SharedEnclave, open_tab: OpenTab
):
    leased, second = lease_of_100_an_hour(shared_enclave), open_tab()
    assert second.open_sdk().code is None
    outcomes = in_both_tabs([leased.page, second], leased.lease_id, 60)
    assert Counter(outcome.code for outcome in outcomes) == {
        None: 100,
        "quota.exceeded.lease": 11,
        "quota.suspended": 9,
    }
    for tab in (leased.page, second):
        assert logged_tokens(entries_of(tab, leased.lease_id)) == granted_tokens(outcomes)


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
