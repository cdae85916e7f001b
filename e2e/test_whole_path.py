"""From a page to a token and its entry, judged by other people's code."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from oracles.audit_log import operations, verify_log
from oracles.vapid import VapidToken, thumbprint, verify_vapid_token
from py_vapid import Vapid02

from e2e.conftest import Leased
from e2e.driving.enclave import CREDENTIALS, ENDPOINT, PASSPHRASE, EnclavePage, lease_params

Token = Mapping[str, Any]


@pytest.fixture(scope="module")
def token(shared_lease: Leased) -> Token:
    return shared_lease.issue().value


def verified(token: Token, jwt: str) -> VapidToken:
    return verify_vapid_token(
        jwt,
        public_key=token["vapidPublicKey"],
        expected_endpoint=ENDPOINT["url"],
        now_s=time.time(),
    )


def test_token_satisfies_rfc_8292(token: Token):
    header = verified(token, token["jwt"]).header
    assert header == {"typ": "JWT", "alg": "ES256", "kid": token["kid"]}


def test_py_vapid_accepts_the_authorization_header(token: Token):
    assert Vapid02.verify(f"vapid t={token['jwt']},k={token['vapidPublicKey']}")


def test_both_oracles_refuse_a_changed_token(token: Token):
    head, payload, signature = token["jwt"].split(".")
    changed = f"{head}.{payload}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    assert not Vapid02.verify(f"vapid t={changed},k={token['vapidPublicKey']}")
    with pytest.raises(InvalidSignature):
        verified(token, changed)


def test_kid_is_the_rfc_7638_thumbprint(token: Token):
    assert token["kid"] == thumbprint(token["vapidPublicKey"])


def test_result_mirrors_the_claims(token: Token):
    claims = verified(token, token["jwt"]).claims
    assert [claims[name] for name in ("jti", "exp", "nbf")] == [
        token[name] for name in ("jti", "exp", "nbf")
    ]


def test_token_lives_900_seconds(token: Token):
    claims = verified(token, token["jwt"]).claims
    assert claims["exp"] - claims["nbf"] == 900


def test_token_does_not_say_who_the_user_is(token: Token):
    claims = verified(token, token["jwt"]).claims
    assert set(claims) == {"aud", "sub", "iat", "nbf", "exp", "jti", "eid"}


def test_entry_names_the_token_without_holding_it(token: Token):
    entry = token["auditEntry"]
    assert (entry["op"], entry["signer"]) == ("sign", "LAK")
    assert entry["details"]["jti"] == token["jti"]
    assert token["jwt"] not in str(entry)


def test_log_holds_no_endpoint_url(shared_lease: Leased, token: Token):
    assert ENDPOINT["url"] not in str(shared_lease.page.log())


def test_current_public_key_is_the_one_that_signs(shared_lease: Leased, token: Token):
    expected = {"publicKey": token["vapidPublicKey"]}
    assert shared_lease.page.call("getPublicKey").value == expected
    assert shared_lease.page.call("getPublicKey", token["kid"]).value == expected


def test_passphrase_is_in_no_record(shared_lease: Leased):
    assert PASSPHRASE not in str(shared_lease.page.run_in_frame("read_records.js"))


def test_log_of_the_whole_path_satisfies_an_auditor(leased: Leased):
    entry = leased.issue().value["auditEntry"]
    entries = leased.page.log()
    verify_log(entries)
    assert operations(entries) == ["instance.start", "setup", "lease.create", "sign"]
    assert entries[-1] == entry


def test_enclave_and_auditor_agree(shared_lease: Leased, token: Token):
    entries = shared_lease.page.log()
    head = {name: entries[-1][name] for name in ("seqNum", "chainHash")}
    verdict = shared_lease.page.call("verifyAuditChain").value
    assert verdict == {"valid": True, "entries": len(entries), "errors": [], "head": head}


def test_setup_shows_in_status(enclave: EnclavePage):
    assert enclave.call("isSetup").value == {"isSetup": False, "methods": []}
    made = enclave.call("setupPassphrase", PASSPHRASE).value
    assert enclave.call("isSetup").value == {"isSetup": True, "methods": ["passphrase"]}
    status = enclave.call("getStatus").value
    assert (status["state"], status["vapidKid"]) == ("ready", made["vapidKid"])


def test_reset_ends_lease_and_setup(leased: Leased):
    leased.page.call("resetKMS", CREDENTIALS)
    assert leased.page.call("isSetup").value["isSetup"] is False
    assert leased.issue().code == "lease.not.found"


def test_reset_begins_a_log_that_names_the_old_one(leased: Leased):
    last = leased.page.log()[-1]
    checkpoint = leased.page.call("resetKMS", CREDENTIALS).value["checkpoint"]
    entries = leased.page.log()
    verify_log(entries)
    closing = entries[0]["details"]["previousLog"]["closing"]
    assert closing["previousHash"] == last["chainHash"]
    assert closing["chainHash"] == checkpoint["chainHash"]


def test_lease_may_ask_for_other_quotas(shared_lease: Leased):
    asked = lease_params(quotas={"tokensPerHour": 7})
    quotas = shared_lease.page.call("createLease", asked).value["quotas"]
    assert (quotas["tokensPerHour"], quotas["sendsPerMinute"]) == (7, 10)
