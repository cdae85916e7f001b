"""The policy's table: who may do what, stated once more, by hand."""

from __future__ import annotations

from kms_enclave.rpc.contract import METHODS
from kms_enclave.rpc.policy import POLICY, Authorisation, Rate, Severity


def test_the_policy_and_the_contract_name_the_same_methods() -> None:
    assert POLICY.keys() == METHODS.keys()


def test_only_what_shows_the_evidence_or_ends_it_answers_when_locked() -> None:
    evidence = {"getStatus", "getAuditLog", "exportAudit", "resetKMS"}
    assert {name for name, policy in POLICY.items() if policy.when_locked} <= evidence


def test_what_uses_the_master_secret_needs_the_user() -> None:
    assert POLICY["createLease"].authorisation is Authorisation.FRESH
    assert POLICY["resetKMS"].authorisation is Authorisation.CONFIRM
    assert POLICY["setupPassphrase"].authorisation is Authorisation.FIRST_USE
    assert POLICY["issueVAPIDJWT"].authorisation is Authorisation.LEASE


def test_what_the_user_must_authenticate_is_throttled_and_logged() -> None:
    for name, policy in POLICY.items():
        if policy.authorisation in (Authorisation.FRESH, Authorisation.CONFIRM):
            assert policy.rate is Rate.ATTEMPTS, name
            assert policy.severity is not Severity.NONE, name


def test_what_only_reads_makes_no_entry() -> None:
    for name, policy in POLICY.items():
        if name.startswith(("get", "isSetup", "isToken", "verify", "export", "prove")):
            assert policy.severity is Severity.NONE, name
