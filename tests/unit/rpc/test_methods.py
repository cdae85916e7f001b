"""The method table: who may do what, stated once more, by hand."""

from __future__ import annotations

import inspect
import typing

import attrs
import pytest
from kms_enclave.rpc.method import Authorisation, Rate, Severity
from kms_enclave.rpc.methods import METHODS


def test_only_what_shows_the_evidence_or_ends_it_answers_when_locked() -> None:
    evidence = {"getStatus", "getAuditLog", "exportAudit", "resetKMS"}
    assert {name for name, row in METHODS.items() if row.when_locked} <= evidence


def test_what_uses_the_master_secret_needs_the_user() -> None:
    assert METHODS["createLease"].authorisation is Authorisation.FRESH
    assert METHODS["resetKMS"].authorisation is Authorisation.CONFIRM
    assert METHODS["setupPassphrase"].authorisation is Authorisation.FIRST_USE
    assert METHODS["issueVAPIDJWT"].authorisation is Authorisation.LEASE


def test_what_the_user_must_authenticate_is_throttled_and_logged() -> None:
    for name, row in METHODS.items():
        if row.authorisation in (Authorisation.FRESH, Authorisation.CONFIRM):
            assert row.rate is Rate.ATTEMPTS, name
            assert row.severity is not Severity.NONE, name


def test_what_only_reads_makes_no_entry() -> None:
    for name, row in METHODS.items():
        if name.startswith(("get", "isSetup", "isToken", "verify", "export", "prove")):
            assert row.severity is Severity.NONE, name


@pytest.mark.parametrize("name", METHODS)
def test_a_handler_takes_the_parameters_that_its_row_names(name: str) -> None:
    access = METHODS[name].access
    handlers = [value for value in attrs.asdict(access, recurse=False).values() if callable(value)]
    assert handlers
    for handler in handlers:
        (_, params) = inspect.signature(handler).parameters
        assert typing.get_type_hints(handler)[params] is METHODS[name].params
