"""From a page to a token and its entry, judged by other people's code.

What a token and its entry hold is tested in CPython: `tests/unit/issuing`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from oracles.audit_log import operations, verify_log
from oracles.vapid import VapidToken, thumbprint, verify_vapid_token
from py_vapid import Vapid02

from e2e.conftest import Leased
from e2e.driving.enclave import ENDPOINT, PASSPHRASE, issue_params

Token = Mapping[str, Any]


@pytest.fixture(scope="module")
def token(shared_lease: Leased) -> Token:
    return shared_lease.issue().value


def verified(token: Token, *, now_s: float) -> VapidToken:
    return verify_vapid_token(
        token["jwt"],
        public_key=token["vapidPublicKey"],
        expected_endpoint=ENDPOINT["url"],
        now_s=now_s,
    )


def test_token_satisfies_rfc_8292(token: Token):
    read = verified(token, now_s=time.time())
    assert read.header == {"typ": "JWT", "alg": "ES256", "kid": thumbprint(token["vapidPublicKey"])}
    assert set(read.claims) == {"aud", "sub", "iat", "nbf", "exp", "jti", "eid"}


def test_py_vapid_accepts_the_authorization_header(token: Token):
    assert Vapid02.verify(f"vapid t={token['jwt']},k={token['vapidPublicKey']}")


def test_tokens_of_a_batch_satisfy_it_each_in_its_turn(shared_lease: Leased):
    asked = issue_params(shared_lease.lease_id, count=5)
    tokens = shared_lease.page.call("issueVAPIDJWTs", asked).value
    claims = [verified(token, now_s=token["nbf"]).claims for token in tokens]
    assert claims[0]["iat"] <= time.time()
    assert len({each["jti"] for each in claims}) == 5


def test_current_public_key_is_the_one_that_signs(shared_lease: Leased, token: Token):
    expected = {"publicKey": token["vapidPublicKey"]}
    assert shared_lease.page.call("getPublicKey").value == expected
    assert shared_lease.page.call("getPublicKey", token["kid"]).value == expected


def test_passphrase_is_in_no_record(shared_lease: Leased):
    assert PASSPHRASE not in str(shared_lease.page.run_in_frame("read_records.js"))


def test_enclave_and_auditor_agree_on_the_log(shared_lease: Leased, token: Token):
    entries = shared_lease.page.log()
    verify_log(entries)
    assert operations(entries)[:4] == ["instance.start", "setup", "lease.create", "sign"]
    assert token["auditEntry"] in entries
    head = {name: entries[-1][name] for name in ("seqNum", "chainHash")}
    verdict = shared_lease.page.call("verifyAuditChain").value
    assert verdict == {"valid": True, "entries": len(entries), "errors": [], "head": head}


def test_setup_shows_in_status(shared_lease: Leased, token: Token):
    page = shared_lease.page
    assert page.call("isSetup").value == {"isSetup": True, "methods": ["passphrase"]}
    status = page.call("getStatus").value
    assert (status["state"], status["vapidKid"]) == ("ready", token["kid"])
