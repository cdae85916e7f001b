"""Tabs that issue at once under one lease, each with a worker of its own.

No call fails because others run, every token has exactly one entry, all tabs write one
chain, and the quota has counted each token once. KMS_LONG=1 issues for a minute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from oracles.audit_log import verify_log

from e2e.driving.enclave import ROOMY, EnclavePage, Outcome, Wire, issue_params, parse_outcome
from e2e.driving.killing import IS_LONG
from e2e.driving.shared import SharedEnclave
from tools.patience import patient

TABS = 5
ISSUING_MS = patient(60_000 if IS_LONG else 3_000)
BATCH = 3
PLENTY = {**dict.fromkeys(ROOMY, 100_000), "tokensPerHour": 100_000}

# Four calls of each tab are under way at any time, one of them for a batch. Of what is
# answered only what is compared is kept: a minute's tokens are many.
_ISSUE = """([params, batch, ms]) => {
    const end = performance.now() + ms;
    const lane = async (method, asked) => {
        const told = [];
        while (performance.now() < end) {
            const { result, error, ms } = await callSdk(method, [asked]);
            const tokens = [result ?? []].flat();
            told.push({
                ms,
                code: error?.code ?? null,
                tokens: tokens.map(({ jti, auditEntry }) => [jti, auditEntry.chainHash]),
            });
        }
        return told;
    };
    const lanes = [1, 2, 3].map(() => lane("issueVAPIDJWT", params));
    lanes.push(lane("issueVAPIDJWTs", { ...params, count: batch }));
    window.issuing = Promise.all(lanes).then((told) => told.flat());
}"""


@attrs.frozen
class Tabs:
    """Pages on one enclave, and a lease of it."""

    pages: Sequence[EnclavePage]
    lease_id: str

    def issue_for_a_while(self) -> list[list[dict[str, Any]]]:
        """Issue in every tab for a while; return what each was told, call by call."""
        arguments = [issue_params(self.lease_id), BATCH, ISSUING_MS]
        for tab in self.pages:
            tab.page.evaluate(_ISSUE, arguments)
        return [tab.page.evaluate("issuing") for tab in self.pages]

    def call_at_once(self, method: str, params: object, calls: int = 1) -> list[Outcome]:
        """Begin calls in every tab before any is asked for what became of them."""
        begin = "([m, p]) => { window.begun = callSdkTogether(m, p); }"
        for tab in self.pages:
            tab.page.evaluate(begin, [method, [[params]] * calls])
        settled = [each for tab in self.pages for each in tab.page.evaluate("begun")]
        return [parse_outcome(each) for each in settled]

    def used(self, tab: EnclavePage) -> int:
        quota = tab.call("getQuota", {"leaseId": self.lease_id}).value
        return quota["tokensPerHour"]["used"]

    def signed(self) -> list[Wire]:
        """Verify the log; return the entries of the lease's tokens."""
        entries = self.pages[-1].log()
        verify_log(entries)
        signed = [entry for entry in entries if entry["op"] == "sign"]
        return [entry for entry in signed if entry["leaseId"] == self.lease_id]


@pytest.fixture(scope="module")
def pages(shared_enclave: SharedEnclave) -> Sequence[EnclavePage]:
    others = [shared_enclave.new_tab() for _ in range(TABS - 1)]
    for page in others:
        assert page.open_sdk().code is None
    return [shared_enclave.page, *others]


@pytest.fixture
def tabs(
    request: pytest.FixtureRequest, shared_enclave: SharedEnclave, pages: Sequence[EnclavePage]
) -> Tabs:
    """All five tabs, and a lease of the quotas that the test is marked with."""
    quotas = {**PLENTY, **getattr(request, "param", {})}
    return Tabs(pages, shared_enclave.lease(quotas=quotas).lease_id)


def test_tabs_that_issue_at_once(tabs: Tabs):
    told = tabs.issue_for_a_while()
    calls = [call for tab in told for call in tab]
    assert Counter(call["code"] for call in calls) == {None: len(calls)}
    granted = [tuple(token) for call in calls for token in call["tokens"]]
    signed = tabs.signed()
    logged = [(entry["details"]["jti"], entry["chainHash"]) for entry in signed]
    assert Counter(logged) == Counter(granted)
    assert len({jti for jti, _ in logged}) == len(logged)
    # The number that each token had in the lease's window.
    numbers = [entry["details"]["quotas"]["tokensPerHour"]["used"] for entry in signed]
    assert numbers == list(range(1, len(granted) + 1))
    assert [tabs.used(tab) for tab in tabs.pages] == [len(granted)] * TABS
    # Nobody is kept out: a tab has a fifth of its even share at least.
    assert min(len(tab) for tab in told) * TABS * 5 >= len(calls)


def codes_of(outcomes: Sequence[Outcome]) -> Counter[str | None]:
    return Counter(outcome.code for outcome in outcomes)


def of_tokens(signed: Sequence[Wire]) -> list[str]:
    return sorted(entry["details"]["jti"] for entry in signed)


@pytest.mark.parametrize("tabs", [{"tokensPerHour": 25}], indirect=True, ids=["25"])
def test_batches_of_10_in_five_tabs_take_20_of_25_tokens(tabs: Tabs):
    outcomes = tabs.call_at_once("issueVAPIDJWTs", issue_params(tabs.lease_id, count=10))
    assert codes_of(outcomes) == {None: 2, "quota.exceeded.lease": 3}
    refused = [outcome.error for outcome in outcomes if outcome.error is not None]
    assert [error["details"]["fits"] for error in refused] == [5] * 3
    returned = [token["jti"] for outcome in outcomes for token in outcome.result or []]
    assert len(returned) == 20
    assert of_tokens(tabs.signed()) == sorted(returned)
    assert [tabs.used(tab) for tab in tabs.pages] == [20] * TABS


@pytest.mark.parametrize("tabs", [{"tokensPerHour": 12}], indirect=True, ids=["12"])
def test_calls_in_five_tabs_take_the_last_tokens_and_no_more(tabs: Tabs):
    outcomes = tabs.call_at_once("issueVAPIDJWT", issue_params(tabs.lease_id), calls=4)
    assert codes_of(outcomes) == {None: 12, "quota.exceeded.lease": 8}
    returned = [outcome.result["jti"] for outcome in outcomes if outcome.code is None]
    assert of_tokens(tabs.signed()) == sorted(returned)


@pytest.mark.parametrize("tabs", [{"sendsPerMinute": 7}], indirect=True, ids=["7"])
def test_sends_recorded_in_five_tabs_stay_within_the_minute(tabs: Tabs):
    asked = {"leaseId": tabs.lease_id, "eid": "laptop", "count": 2}
    outcomes = tabs.call_at_once("recordSends", asked)
    assert codes_of(outcomes) == {None: 3, "quota.exceeded.lease": 2}
