"""A worker that ends in the middle of a lease: the next one goes on from the database."""

from __future__ import annotations

import pytest
from oracles.audit_log import operations, verify_log

from e2e.conftest import Leased
from e2e.driving.enclave import (
    PASSPHRASE,
    ROOMY,
    EnclavePage,
    issue_params,
    lease_params,
    parse_outcome,
)

LIMIT = 10


@pytest.fixture
def leased_for_10(enclave: EnclavePage) -> Leased:
    assert enclave.call("setupPassphrase", PASSPHRASE).code is None
    quotas = {**ROOMY, "tokensPerHour": LIMIT}
    lease = enclave.call("createLease", lease_params(quotas=quotas)).value
    return Leased(enclave, lease["leaseId"])


def reload_page(page: EnclavePage) -> None:
    page.reload()
    assert page.open_sdk().code is None


def codes_of(leased: Leased, calls: int) -> list[str | None]:
    return [leased.issue().code for _ in range(calls)]


def test_lease_survives_two_crashes(leased_for_10: Leased):
    first = leased_for_10.issue().value
    for _ in range(2):
        leased_for_10.page.crash_worker()
        token = leased_for_10.issue().value
        assert token["kid"] == first["kid"]


def test_lease_survives_two_reloads(leased_for_10: Leased):
    first = leased_for_10.issue().value
    for _ in range(2):
        reload_page(leased_for_10.page)
        assert leased_for_10.issue().value["kid"] == first["kid"]


def test_quota_goes_on_counting_over_restarts(leased_for_10: Leased):
    codes = codes_of(leased_for_10, 4)
    leased_for_10.page.crash_worker()
    codes += codes_of(leased_for_10, 4)
    reload_page(leased_for_10.page)
    codes += codes_of(leased_for_10, 4)
    assert codes == [None] * LIMIT + ["quota.exceeded.lease"] * 2


def test_log_is_one_chain_over_restarts(leased_for_10: Leased):
    leased_for_10.issue()
    leased_for_10.page.crash_worker()
    leased_for_10.issue()
    reload_page(leased_for_10.page)
    leased_for_10.issue()
    entries = leased_for_10.page.log()
    verify_log(entries)
    assert operations(entries) == ["instance.start", "setup", "lease.create", *["sign"] * 3]


def test_calls_under_way_in_a_crash_are_rejected_by_name(leased_for_10: Leased):
    page = leased_for_10.page
    begin = "(p) => { window.begun = callSdkTogether('issueVAPIDJWT', Array(5).fill([p])); }"
    page.run_in_worker("SubtleCrypto.prototype.sign = () => new Promise(() => {}); 0")
    page.page.evaluate(begin, issue_params(leased_for_10.lease_id))
    page.crash_worker()
    settled = page.page.evaluate("window.begun")
    assert {each["error"]["code"] for each in settled} == {"channel.closed"}


def test_crash_while_issuing_leaves_nothing_half_done(leased_for_10: Leased):
    page = leased_for_10.page
    quotas = {**ROOMY, "tokensPerHour": 200}
    lease_id = page.call("createLease", lease_params(quotas=quotas)).value["leaseId"]
    begin = "(p) => { window.begun = callSdkTogether('issueVAPIDJWT', Array(300).fill([p])); }"
    page.page.evaluate(begin, issue_params(lease_id))
    page.crash_worker()
    crashed = [parse_outcome(each) for each in page.page.evaluate("window.begun")]
    again = page.call_together("issueVAPIDJWT", [[issue_params(lease_id)]] * 201)
    codes = {outcome.code for outcome in (*crashed, *again)}
    assert codes <= {None, "channel.closed", "quota.exceeded.lease"}
    entries = page.log()
    verify_log(entries)
    logged = {entry["details"]["jti"] for entry in entries if entry["op"] == "sign"}
    returned = {outcome.result["jti"] for outcome in (*crashed, *again) if outcome.code is None}
    assert returned <= logged
    assert len(logged) == 200


def test_sdk_says_nothing_of_a_restart_between_calls(leased_for_10: Leased):
    leased_for_10.page.crash_worker()
    assert leased_for_10.page.call("getStatus").value["state"] == "ready"
