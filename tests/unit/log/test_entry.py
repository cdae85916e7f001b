"""Entries: sealed by the specification's bytes, and only by who may sign."""

from __future__ import annotations

import hashlib

import pytest
import rfc8785
from forging import b64
from kms_enclave.log.entry import (
    FIRST_PREVIOUS_HASH,
    SIGNERS,
    EntryDraft,
    chain_hash,
    format_signer_id,
    seal_entry,
)

_DRAFT = EntryDraft(
    op="sign",
    request_id="request",
    signer="UAK",
    signer_id="signer",
    kid="kid",
    user_id="Ülrich \u2028\U0001f600\x7f\x1f",
    origin="https://app.example",
    lease_id="lease",
    unlock_time=10,
    lock_time=25,
    details={"list": [1, True, "x"], "nested": {"b": 1, "a": "ü"}},
    cert={"sig": "s"},
)


def test_the_hash_is_over_the_rfc_8785_bytes_of_everything_but_hash_and_signature() -> None:
    entry = seal_entry(_DRAFT, seq_num=3, timestamp=99, previous_hash="ab" * 32)
    covered = {name: value for name, value in entry.items() if name != "chainHash"}
    assert entry["chainHash"] == hashlib.sha256(rfc8785.dumps(covered)).hexdigest()
    assert chain_hash({**entry, "sig": "any"}) == entry["chainHash"]


def test_an_entry_has_its_fields_by_their_wire_names() -> None:
    entry = seal_entry(_DRAFT, seq_num=3, timestamp=99, previous_hash="ab" * 32)
    assert {name: value for name, value in entry.items() if name != "chainHash"} == {
        "kmsVersion": 2,
        "seqNum": 3,
        "timestamp": 99,
        "op": "sign",
        "kid": "kid",
        "requestId": "request",
        "previousHash": "ab" * 32,
        "signer": "UAK",
        "signerId": "signer",
        "userId": _DRAFT.user_id,
        "origin": "https://app.example",
        "leaseId": "lease",
        "unlockTime": 10,
        "lockTime": 25,
        "duration": 15,
        "details": {"list": [1, True, "x"], "nested": {"b": 1, "a": "ü"}},
        "cert": {"sig": "s"},
    }


def test_what_an_entry_does_not_have_is_left_out() -> None:
    draft = EntryDraft(op="unlock.denied", request_id="r", signer="KIAK", signer_id="s")
    entry = seal_entry(draft, seq_num=0, timestamp=1, previous_hash=FIRST_PREVIOUS_HASH)
    assert entry.keys() == {
        "kmsVersion", "seqNum", "timestamp", "op", "kid", "requestId", "previousHash",
        "signer", "signerId", "chainHash",
    }  # fmt: skip
    assert entry["kid"] == ""
    assert entry["previousHash"] == "0" * 64


@pytest.mark.parametrize("signer", ["UAK", "LAK", "KIAK", None])
@pytest.mark.parametrize("op", SIGNERS)
def test_nothing_is_sealed_for_who_may_not_sign_it(op: str, signer: str | None) -> None:
    draft = EntryDraft(op=op, request_id="r", signer=signer, signer_id="s")
    if signer in SIGNERS[op]:
        assert seal_entry(draft, seq_num=0, timestamp=0, previous_hash="")["op"] == op
    else:
        with pytest.raises(ValueError, match="may not sign"):
            seal_entry(draft, seq_num=0, timestamp=0, previous_hash="")


_BY_THE_USER = {
    "setup", "enrollment.add", "enrollment.remove", "enrollment.change", "generate",
    "regenerate", "sign", "lease.create", "lease.extend", "lease.resume", "pattern.suspend",
    "pattern.lift", "subscription.set", "subscription.remove", "clock.adjust", "audit.prune",
    "reset",
}  # fmt: skip
_BY_THE_INSTANCE = {
    "instance.start", "build.change", "lease.expire", "lease.revoke", "lease.suspend",
    "unlock.denied", "issue.refused", "subscription.set", "subscription.remove", "reset",
}  # fmt: skip


def test_the_table_of_signers_is_the_specifications() -> None:
    assert {op for op, kinds in SIGNERS.items() if "UAK" in kinds} == _BY_THE_USER
    assert {op for op, kinds in SIGNERS.items() if "KIAK" in kinds} == _BY_THE_INSTANCE
    assert {op for op, kinds in SIGNERS.items() if "LAK" in kinds} == {"sign"}


def test_a_signers_name_is_the_hash_of_its_key() -> None:
    assert format_signer_id(b"k" * 32) == b64(hashlib.sha256(b"k" * 32).digest())
