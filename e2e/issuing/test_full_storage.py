"""Storage that is full while tokens are issued: named at once, and nothing half-written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import attrs
import pytest
from oracles.audit_log import verify_log
from playwright.sync_api import Playwright

from e2e.conftest import open_page_in
from e2e.driving.enclave import (
    AT_ONCE_MS,
    PASSPHRASE,
    EnclavePage,
    Outcome,
    Wire,
    issue_params,
    lease_params,
)
from e2e.driving.killable import killable_chromium
from tools.server.serving import LocalServer

PLENTY = dict.fromkeys(
    ("tokensPerHour", "sendsPerMinute", "burstSends", "sendsPerMinutePerEid"), 1000
)
FULL = "storage.full"


_QUOTA_BYTES = 8 << 20
_EMPTY = """() => new Promise((resolve) => {
    indexedDB.deleteDatabase("ballast").onsuccess = () => resolve();
})"""


@attrs.frozen
class Issuing:
    page: EnclavePage
    lease_id: str

    def fill(self) -> None:
        """Leave the enclave's origin no room, by what else its origin could store."""
        self.page.run_in_frame("fill_storage.js")

    def make_room(self) -> None:
        self.page.frame.evaluate(_EMPTY)

    @contextlib.contextmanager
    def filled(self) -> Iterator[None]:
        """Leave no room while the block runs."""
        self.fill()
        try:
            yield
        finally:
            self.make_room()

    def issue(self, calls: int) -> list[Outcome]:
        asked = [[issue_params(self.lease_id)]] * calls
        return self.page.call_together("issueVAPIDJWT", asked)

    def records(self) -> list[Wire]:
        return self.page.records()

    def used(self) -> int:
        quota = self.page.call("getQuota", {"leaseId": self.lease_id}).value
        return quota["tokensPerHour"]["used"]


@pytest.fixture(scope="module")
def running(
    playwright: Playwright, server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EnclavePage]:
    """An enclave that is set up, where the browser gives its origin little."""
    # What is in memory, as in Playwright's other contexts, is not limited.
    with killable_chromium(playwright, tmp_path_factory.mktemp("profile")) as browser:
        origins = {"app_origin": server.app_origin, "kms_origin": server.kms_origin}
        page = open_page_in(browser.context, **origins)
        # Before the origin is used: what it was given once the browser counts on for a while.
        allowed = {"origin": page.kms_origin, "quotaSize": _QUOTA_BYTES}
        session = browser.context.new_cdp_session(page.page)
        session.send("Storage.overrideQuotaForOrigin", allowed)
        assert page.open_sdk().code is None
        assert page.call("setupPassphrase", PASSPHRASE).code is None
        yield page


@pytest.fixture
def issuing(running: EnclavePage) -> Issuing:
    """A lease that has issued ten tokens."""
    lease_id = running.call("createLease", lease_params(quotas=PLENTY)).value["leaseId"]
    ready = Issuing(running, lease_id)
    assert {outcome.code for outcome in ready.issue(10)} == {None}
    return ready


def _one(issuing: Issuing) -> Outcome:
    return issuing.page.call("issueVAPIDJWT", issue_params(issuing.lease_id))


def _batch(issuing: Issuing) -> Outcome:
    return issuing.page.call("issueVAPIDJWTs", issue_params(issuing.lease_id, count=10))


def _sends(issuing: Issuing) -> Outcome:
    asked = {"leaseId": issuing.lease_id, "eid": "laptop", "count": 1}
    return issuing.page.call("recordSends", asked)


def test_full_storage_is_named_within_a_second_and_nothing_is_written(issuing: Issuing):
    before = issuing.records()
    with issuing.filled():
        outcomes = [_one(issuing), _batch(issuing), _sends(issuing), *issuing.issue(50)]
        after = issuing.records()
    # Each of the fifty is told, which share commits.
    assert {outcome.code for outcome in outcomes} == {FULL}
    assert max(outcome.elapsed_ms for outcome in outcomes) < AT_ONCE_MS
    assert after == before


def test_storage_that_fills_up_in_the_midst_keeps_what_was_returned(issuing: Issuing):
    begin = "([p, n]) => { window.calls = callSdkTogether('issueVAPIDJWT', Array(n).fill([p])); }"
    issuing.page.page.evaluate(begin, [issue_params(issuing.lease_id), 400])
    with issuing.filled():
        settled = issuing.page.page.evaluate("calls")
    codes = {each.get("error", {}).get("code") for each in settled}
    assert codes <= {None, FULL}
    _is_whole(issuing, [each["result"]["jti"] for each in settled if "result" in each])


def test_issuing_goes_on_when_there_is_room_again(issuing: Issuing):
    with issuing.filled():
        assert {outcome.code for outcome in issuing.issue(20)} == {FULL}
    outcomes = issuing.issue(20)
    _is_whole(issuing, [outcome.value["jti"] for outcome in outcomes])


def _is_whole(issuing: Issuing, returned: list[str]) -> None:
    """Hold the log against the ten tokens of the beginning and what was returned since."""
    entries = issuing.page.log()
    verify_log(entries)
    signed = [entry for entry in entries if entry["op"] == "sign"]
    tokens = [entry["details"]["jti"] for entry in signed if entry["leaseId"] == issuing.lease_id]
    assert sorted(tokens[10:]) == sorted(returned)
    assert issuing.used() == 10 + len(returned)
