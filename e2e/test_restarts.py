"""A worker that ends in the middle of a lease: the next one goes on from the database."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest
from oracles.audit_log import operations, verify_log

from e2e.conftest import Leased
from e2e.driving.enclave import (
    ROOMY,
    Outcome,
    Wire,
    issue_params,
    parse_outcome,
)
from e2e.driving.shared import SharedEnclave

LIMIT = 10


def lease_in(enclave: SharedEnclave, tokens: int) -> Leased:
    return enclave.lease(quotas={**ROOMY, "tokensPerHour": tokens})


@attrs.frozen
class Survived:
    """What a lease answered over two crashes and two reloads, three calls between each."""

    outcomes: Sequence[Outcome]
    states: Sequence[str]
    entries: Sequence[Wire]


@pytest.fixture(scope="module")
def survived(shared_enclave: SharedEnclave) -> Survived:
    shared_enclave.restore()
    leased = lease_in(shared_enclave, LIMIT)
    page = leased.page

    def reload() -> None:
        page.reload()
        assert page.open_sdk().code is None

    outcomes, states = [leased.issue() for _ in range(3)], []
    for restart in (page.crash_worker, page.crash_worker, reload, reload):
        restart()
        states.append(page.call("getStatus").value["state"])
        outcomes += [leased.issue() for _ in range(3)]
    return Survived(outcomes, states, page.log())


def test_lease_keeps_its_key_over_crashes_and_reloads(survived: Survived):
    kids = {outcome.result["kid"] for outcome in survived.outcomes if outcome.code is None}
    assert len(kids) == 1


def test_quota_goes_on_counting_over_restarts(survived: Survived):
    codes = [outcome.code for outcome in survived.outcomes]
    assert codes == [None] * LIMIT + ["quota.exceeded.lease"] * 5


def test_log_is_one_chain_over_restarts(survived: Survived):
    verify_log(survived.entries)
    issued = operations(survived.entries)[: 3 + LIMIT]
    assert issued == ["instance.start", "setup", "lease.create", *["sign"] * LIMIT]


def test_sdk_says_nothing_of_a_restart_between_calls(survived: Survived):
    assert survived.states == ["ready"] * 4


def test_calls_under_way_in_a_crash_are_rejected_by_name(restored: SharedEnclave):
    leased = lease_in(restored, LIMIT)
    page = leased.page
    begin = "(p) => { window.begun = callSdkTogether('issueVAPIDJWT', Array(5).fill([p])); }"
    page.run_in_worker("SubtleCrypto.prototype.sign = () => new Promise(() => {}); 0")
    page.page.evaluate(begin, issue_params(leased.lease_id))
    page.crash_worker()
    settled = page.page.evaluate("window.begun")
    assert {each["error"]["code"] for each in settled} == {"channel.closed"}


def test_crash_while_issuing_leaves_nothing_half_done(restored: SharedEnclave):
    leased = lease_in(restored, 200)
    page, lease_id = leased.page, leased.lease_id
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
