"""Tokens: their exact form, and their size at the worst."""

from __future__ import annotations

import base64
import json

import attrs
from kms_enclave.leases.token import TokenClaims, format_token, signing_input

_CLAIMS = TokenClaims(
    aud="https://push.example",
    sub="mailto:operator@app.example",
    iat=1,
    nbf=2,
    exp=3,
    jti="f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
    eid="one",
)


def _decode(part: str) -> object:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_the_header_is_typ_alg_kid_and_the_payload_the_claims() -> None:
    token = format_token(signing_input(_CLAIMS, kid="the-kid"), b"\x01" * 64)
    header, payload, _ = token.split(".")
    assert _decode(header) == {"typ": "JWT", "alg": "ES256", "kid": "the-kid"}
    assert _decode(payload) == {
        "aud": "https://push.example",
        "sub": "mailto:operator@app.example",
        "iat": 1,
        "nbf": 2,
        "exp": 3,
        "jti": "f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
        "eid": "one",
    }


def test_a_relay_becomes_the_claim_rid() -> None:
    claims = attrs.evolve(_CLAIMS, rid="relay")
    assert _decode(signing_input(claims, kid="k").decode().split(".")[1])["rid"] == "relay"


def test_the_longest_token_stays_under_1000_bytes() -> None:
    worst = TokenClaims(
        aud="https://" + "a" * 84 + ".example",
        sub="mailto:" + "a" * 93,
        iat=99_999_999_999,
        nbf=99_999_999_999,
        exp=99_999_999_999,
        jti="f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
        eid='"' * 64,
        rid="\\" * 64,
    )
    assert (len(worst.aud), len(worst.sub)) == (100, 100)
    assert len(format_token(signing_input(worst, kid="k" * 43), bytes(64))) < 1000
