"""Tabs that issue at once under one lease, each with a worker of its own.

No call fails because others run, every token has exactly one entry, all tabs write one
chain, and the quota has counted each token once. KMS_LONG=1 issues for a minute.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from oracles.audit_log import verify_log

from e2e.conftest import OpenPage
from e2e.driving.enclave import PASSPHRASE, EnclavePage, Wire, issue_params, lease_params
from e2e.driving.killing import IS_LONG

ISSUING_MS = 60_000 if IS_LONG else 5_000
BATCH = 3
PLENTY = dict.fromkeys(
    ("tokensPerHour", "sendsPerMinute", "burstSends", "sendsPerMinutePerEid"), 100_000
)

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

    def issue_at_once(self) -> list[list[dict[str, Any]]]:
        """Issue in every tab for a while; return what each was told, call by call."""
        arguments = [issue_params(self.lease_id), BATCH, ISSUING_MS]
        for tab in self.pages:
            tab.page.evaluate(_ISSUE, arguments)
        return [tab.page.evaluate("issuing") for tab in self.pages]

    def used(self, tab: EnclavePage) -> int:
        quota = tab.call("getQuota", {"leaseId": self.lease_id}).value
        return quota["tokensPerHour"]["used"]


def open_tabs(open_page: OpenPage, count: int, **quotas: int) -> Tabs:
    pages = [open_page() for _ in range(count)]
    for page in pages:
        assert page.open_sdk().code is None
    assert pages[0].call("setupPassphrase", PASSPHRASE).code is None
    lease = pages[0].call("createLease", lease_params(quotas={**PLENTY, **quotas})).value
    return Tabs(pages, lease["leaseId"])


def signed(entries: Sequence[Wire]) -> list[Wire]:
    return [entry for entry in entries if entry["op"] == "sign"]


@pytest.mark.parametrize("count", [2, 5])
def test_tabs_that_issue_at_once(open_page: OpenPage, count: int):
    tabs = open_tabs(open_page, count)
    told = tabs.issue_at_once()
    calls = [call for tab in told for call in tab]
    _report(count, calls)
    assert Counter(call["code"] for call in calls) == {None: len(calls)}
    granted = [tuple(token) for call in calls for token in call["tokens"]]
    entries = tabs.pages[-1].log()
    verify_log(entries)
    logged = [(entry["details"]["jti"], entry["chainHash"]) for entry in signed(entries)]
    assert Counter(logged) == Counter(granted)
    assert len({jti for jti, _ in logged}) == len(logged)
    # The number that each token had in the lease's window.
    numbers = [entry["details"]["quotas"]["tokensPerHour"]["used"] for entry in signed(entries)]
    assert numbers == list(range(1, len(granted) + 1))
    assert [tabs.used(tab) for tab in tabs.pages] == [len(granted)] * count
    # Nobody is kept out: a tab has a fifth of its even share at least.
    assert min(len(tab) for tab in told) * count * 5 >= len(calls)


def _report(count: int, calls: Sequence[dict[str, Any]]) -> None:
    tokens = sum(len(call["tokens"]) for call in calls)
    times = sorted(call["ms"] for call in calls)
    median, p99 = statistics.median(times), times[len(times) * 99 // 100]
    print(  # shown by pytest -rP
        f"{count} tabs, {ISSUING_MS // 1000} s: {tokens} tokens in {len(calls)} calls,"
        f" median {median:.0f} ms, p99 {p99:.0f} ms, slowest {times[-1]:.0f} ms"
    )


def test_batches_of_10_in_five_tabs_take_20_of_25_tokens(open_page: OpenPage):
    tabs = open_tabs(open_page, 5, tokensPerHour=25)
    asked = issue_params(tabs.lease_id, count=10)
    for tab in tabs.pages:
        tab.page.evaluate("(p) => { window.batch = callSdk('issueVAPIDJWTs', [p]); }", asked)
    settled = [tab.page.evaluate("batch") for tab in tabs.pages]
    refused = [each["error"] for each in settled if "error" in each]
    assert [error["code"] for error in refused] == ["quota.exceeded.lease"] * 3
    assert [error["details"]["fits"] for error in refused] == [5] * 3
    returned = [token["jti"] for each in settled for token in each.get("result", [])]
    entries = tabs.pages[0].log()
    verify_log(entries)
    assert len(returned) == 20
    assert sorted(entry["details"]["jti"] for entry in signed(entries)) == sorted(returned)
    assert [tabs.used(tab) for tab in tabs.pages] == [20] * 5


def test_calls_in_five_tabs_take_the_last_tokens_and_no_more(open_page: OpenPage):
    tabs = open_tabs(open_page, 5, tokensPerHour=12)
    asked = [[issue_params(tabs.lease_id)]] * 4
    for tab in tabs.pages:
        begin = "(p) => { window.calls = callSdkTogether('issueVAPIDJWT', p); }"
        tab.page.evaluate(begin, asked)
    settled = [each for tab in tabs.pages for each in tab.page.evaluate("calls")]
    codes = Counter(each.get("error", {}).get("code") for each in settled)
    assert codes == {None: 12, "quota.exceeded.lease": 8}
    returned = [each["result"]["jti"] for each in settled if "result" in each]
    entries = tabs.pages[0].log()
    verify_log(entries)
    assert sorted(entry["details"]["jti"] for entry in signed(entries)) == sorted(returned)


def test_sends_recorded_in_five_tabs_stay_within_the_minute(open_page: OpenPage):
    tabs = open_tabs(open_page, 5, sendsPerMinute=7)
    asked = {"leaseId": tabs.lease_id, "eid": "laptop", "count": 2}
    for tab in tabs.pages:
        tab.page.evaluate("(p) => { window.sends = callSdk('recordSends', [p]); }", asked)
    settled = [tab.page.evaluate("sends") for tab in tabs.pages]
    codes = Counter(each.get("error", {}).get("code") for each in settled)
    assert codes == {None: 3, "quota.exceeded.lease": 2}
