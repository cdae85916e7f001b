"""A WebCrypto failure is an error of the call, also when the browser gives it no message."""

from __future__ import annotations

import pytest
from oracles.audit_log import operations, verify_log

from e2e.conftest import Leased
from e2e.driving.enclave import PASSPHRASE, EnclavePage, issue_params, lease_params

FAILURE = "Promise.reject(new DOMException('', 'OperationError'))"


def break_operation(page: EnclavePage, name: str) -> None:
    """Make an operation of WebCrypto fail in the worker as browsers do: without a message."""
    page.run_in_worker(
        f"globalThis.intact = SubtleCrypto.prototype.{name};"
        f"SubtleCrypto.prototype.{name} = () => {FAILURE}; 0"
    )


def mend_operation(page: EnclavePage, name: str) -> None:
    page.run_in_worker(f"SubtleCrypto.prototype.{name} = globalThis.intact; 0")


@pytest.mark.parametrize("operation", ["deriveBits", "wrapKey", "generateKey", "importKey"])
def test_setup_that_fails_is_an_error_with_a_code(enclave: EnclavePage, operation: str):
    break_operation(enclave, operation)
    outcome = enclave.call("setupPassphrase", PASSPHRASE)
    assert outcome.code == "internal"
    assert outcome.error["message"]
    assert outcome.error["details"]["correlationId"]


def test_setup_that_fails_leaves_nothing_and_can_be_tried_again(enclave: EnclavePage):
    break_operation(enclave, "wrapKey")
    assert enclave.call("setupPassphrase", PASSPHRASE).code == "internal"
    assert enclave.call("isSetup").value["isSetup"] is False
    mend_operation(enclave, "wrapKey")
    assert enclave.call("setupPassphrase", PASSPHRASE).code is None
    assert operations(enclave.log()) == ["instance.start", "setup"]


def test_signature_that_fails_issues_and_counts_nothing(leased: Leased):
    break_operation(leased.page, "sign")
    outcome = leased.issue()
    assert (outcome.code, bool(outcome.error["message"])) == ("internal", True)
    mend_operation(leased.page, "sign")
    token = leased.issue().value
    assert token["auditEntry"]["details"]["quotas"]["tokensPerHour"]["used"] == 1
    verify_log(leased.page.log())


def test_unwrap_that_fails_is_not_taken_for_a_wrong_passphrase(leased: Leased):
    break_operation(leased.page, "unwrapKey")
    assert leased.page.call("createLease", lease_params()).code == "enrollment.damaged"
    assert "unlock.denied" not in operations(leased.page.log())


def test_every_call_of_a_shared_commit_is_answered(leased: Leased):
    break_operation(leased.page, "sign")
    calls = [[issue_params(leased.lease_id)]] * 20
    outcomes = leased.page.call_together("issueVAPIDJWT", calls)
    assert {outcome.code for outcome in outcomes} == {"internal"}
