"""A WebCrypto failure is an error of the call, also when the browser gives it no message."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import pytest
from oracles.audit_log import operations, verify_log
from playwright.sync_api import Browser

from e2e.conftest import Leased
from e2e.driving.enclave import (
    PASSPHRASE,
    EnclavePage,
    Outcome,
    issue_params,
    lease_params,
)
from e2e.driving.shared import start_fresh
from tools.server.serving import LocalServer

FAILURE = "Promise.reject(new DOMException('', 'OperationError'))"


@contextlib.contextmanager
def failing(page: EnclavePage, name: str) -> Iterator[None]:
    """Make an operation of WebCrypto fail in the worker as browsers do: without a message."""
    page.run_in_worker(
        f"globalThis.intact = SubtleCrypto.prototype.{name};"
        f"SubtleCrypto.prototype.{name} = () => {FAILURE}; 0"
    )
    try:
        yield
    finally:
        page.run_in_worker(f"SubtleCrypto.prototype.{name} = globalThis.intact; 0")


@pytest.fixture(scope="module")
def fresh(chromium: Browser, server: LocalServer) -> Iterator[EnclavePage]:
    """An enclave before its setup."""
    origins = {"app_origin": server.app_origin, "kms_origin": server.kms_origin}
    with start_fresh(chromium, **origins) as page:
        yield page


@pytest.fixture(scope="module")
def failed_setups(fresh: EnclavePage) -> Mapping[str, Outcome]:
    """What setups said, by the operation that failed in each."""
    told = {}
    for operation in ("deriveBits", "wrapKey", "generateKey", "importKey"):
        with failing(fresh, operation):
            told[operation] = fresh.call("setupPassphrase", PASSPHRASE)
    return told


def test_setup_that_fails_is_an_error_with_a_code(failed_setups: Mapping[str, Outcome]):
    codes = {operation: outcome.code for operation, outcome in failed_setups.items()}
    assert codes == dict.fromkeys(codes, "internal")
    for outcome in failed_setups.values():
        assert outcome.error["message"]
        assert outcome.error["details"]["correlationId"]


@pytest.mark.usefixtures("failed_setups")
def test_setup_that_fails_leaves_nothing_and_can_be_tried_again(fresh: EnclavePage):
    assert fresh.call("isSetup").value["isSetup"] is False
    assert fresh.call("setupPassphrase", PASSPHRASE).code is None
    assert operations(fresh.log()) == ["instance.start", "setup"]


def test_signature_that_fails_issues_and_counts_nothing(own_lease: Leased):
    with failing(own_lease.page, "sign"):
        outcome = own_lease.issue()
    assert (outcome.code, bool(outcome.error["message"])) == ("internal", True)
    token = own_lease.issue().value
    assert token["auditEntry"]["details"]["quotas"]["tokensPerHour"]["used"] == 1
    verify_log(own_lease.page.log())


def test_unwrap_that_fails_is_not_taken_for_a_wrong_passphrase(own_lease: Leased):
    with failing(own_lease.page, "unwrapKey"):
        assert own_lease.page.call("createLease", lease_params()).code == "enrollment.damaged"
    assert "unlock.denied" not in operations(own_lease.page.log())


def test_every_call_of_a_shared_commit_is_answered(own_lease: Leased):
    calls = [[issue_params(own_lease.lease_id)]] * 20
    with failing(own_lease.page, "sign"):
        outcomes = own_lease.page.call_together("issueVAPIDJWT", calls)
    assert {outcome.code for outcome in outcomes} == {"internal"}
