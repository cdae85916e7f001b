"""Verification: logs written from the specification pass; each broken rule is named.

The forger holds every key and signs what it breaks, so that only the rule under test
can be what refuses.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from forging import LEASE_ID, Forger, b64, public, verify_signature
from kms_enclave.audit.verify.chain import BadEntryError, ChainVerifier


def find_fault(entries: list[Any], **pins: str) -> tuple[int, str] | None:
    """Return number and reason of the first bad entry; signatures by ``cryptography``."""
    verifier = ChainVerifier(**pins)
    for number, entry in enumerate(entries):
        try:
            checked = verifier.check(rfc8785.dumps(entry))
        except BadEntryError as error:
            return error.seq_num, error.reason
        assert checked.leaf == hashlib.sha256(b"\0" + rfc8785.dumps(entry)).digest()
        checks = checked.signatures
        if not all(verify_signature(c.public_raw, c.signature, c.message) for c in checks):
            return number, "signature"
    return None


def complete_log() -> Forger:
    """Return a log with an entry of every signer, before and after the setup."""
    forger = Forger()
    forger.genesis()
    forger.denial(cert=None)
    forger.setup()
    forger.add("lease.create", "UAK", leaseId=LEASE_ID, unlockTime=1, lockTime=3, duration=2)
    forger.token()
    forger.token()
    forger.denial()
    return forger


def test_a_log_written_from_the_specification_verifies() -> None:
    assert find_fault(complete_log().entries) is None


def test_the_expected_keys_may_be_pinned() -> None:
    forger = complete_log()
    pins = {"expected_uak": b64(public(forger.uak)), "expected_kiak": b64(public(forger.kiak))}
    assert find_fault(forger.entries, **pins) is None


def test_a_log_of_another_instance_is_bad_from_its_first_entry() -> None:
    pinned = b64(public(Ed25519PrivateKey.generate()))
    fault = find_fault(complete_log().entries, expected_kiak=pinned)
    assert fault == (0, "the log is another instance's")


def test_a_log_of_another_user_is_bad_from_its_setup() -> None:
    pinned = b64(public(Ed25519PrivateKey.generate()))
    fault = find_fault(complete_log().entries, expected_uak=pinned)
    assert fault == (2, "the User Audit Key is not the expected one")


@pytest.mark.parametrize("number", range(7))
def test_a_deleted_entry_shows_where_it_was(number: int) -> None:
    entries = complete_log().entries
    del entries[number]
    fault = find_fault(entries)
    if number == 6:
        assert fault is None  # Only the head tells of a missing tail.
    else:
        assert fault is not None
        assert fault[0] == number


@pytest.mark.parametrize("number", range(7))
def test_a_repeated_entry_shows_where_it_stands_again(number: int) -> None:
    entries = complete_log().entries
    entries.insert(number, copy.deepcopy(entries[number]))
    fault = find_fault(entries)
    assert fault is not None
    assert fault[0] == number + 1


@pytest.mark.parametrize("number", range(6))
def test_two_swapped_entries_show_at_the_first(number: int) -> None:
    entries = complete_log().entries
    entries[number], entries[number + 1] = entries[number + 1], entries[number]
    fault = find_fault(entries)
    assert fault is not None
    assert fault[0] == number


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("name", ["timestamp", "op", "kid", "requestId", "details", "userId"])
def test_an_edited_entry_shows(number: int, name: str) -> None:
    entries = complete_log().entries
    edits = {"timestamp": 1001, "op": "setup", "details": {"x": 1}}
    entries[number][name] = edits.get(name, "edited")
    fault = find_fault(entries)
    if name == "op" and number == 2:
        assert fault is None  # It is a setup; nothing was edited.
    else:
        assert fault is not None
        assert fault[0] == number


@pytest.mark.parametrize("number", range(7))
def test_an_edited_certificate_or_signature_shows(number: int) -> None:
    entries = complete_log().entries
    entries[number]["sig"] = b64(Ed25519PrivateKey.generate().sign(b"other"))
    assert find_fault(entries) == (number, "signature")


_FIELDS = [
    "kmsVersion", "seqNum", "timestamp", "op", "kid", "requestId", "previousHash", "chainHash",
    "signer", "signerId", "sig",
]  # fmt: skip


@pytest.mark.parametrize("name", _FIELDS)
def test_a_missing_field_is_named(name: str) -> None:
    entries = complete_log().entries
    del entries[4][name]
    assert find_fault(entries) == (4, f"{name} is missing or of a wrong type")


@pytest.mark.parametrize("name", [*_FIELDS, "leaseId", "details", "cert", "unlockTime"])
def test_a_field_of_a_wrong_type_is_named(name: str) -> None:
    entries = complete_log().entries
    entries[4][name] = [1]
    fault = find_fault(entries)
    assert fault is not None
    assert fault[0] == 4
    assert fault[1].startswith(name)


@pytest.mark.parametrize("name", ["kmsVersion", "seqNum", "timestamp"])
def test_true_is_no_number(name: str) -> None:
    entries = complete_log().entries
    entries[1][name] = True
    assert find_fault(entries) == (1, f"{name} is missing or of a wrong type")


def test_an_unknown_field_is_bad_even_if_it_is_signed() -> None:
    forger = Forger()
    forger.genesis()
    forger.denial(cert=None, comment="hello")
    assert find_fault(forger.entries) == (1, "has an unknown field")


@pytest.mark.parametrize("entry", [None, [], "text", 5])
def test_what_is_no_object_is_no_entry(entry: object) -> None:
    assert find_fault([entry]) == (0, "not an object")


def _after_setup(write: Callable[[Forger], object]) -> tuple[int, str] | None:
    forger = Forger()
    forger.genesis()
    forger.setup()
    write(forger)
    return find_fault(forger.entries)


def test_an_entry_of_another_version_is_bad() -> None:
    assert _after_setup(lambda log: log.denial(kmsVersion=3)) == (2, "unknown version")


def test_time_does_not_go_back() -> None:
    fault = _after_setup(lambda log: log.denial(timestamp=999))
    assert fault == (2, "is older than the entry before it")


def test_time_goes_back_at_an_adjustment_only() -> None:
    def write(log: Forger) -> None:
        log.timestamp = 1500
        log.denial()
        log.add("clock.adjust", "UAK", timestamp=1200)
        log.denial(timestamp=1200)

    assert _after_setup(write) is None


def test_after_an_adjustment_time_does_not_go_back_either() -> None:
    def write(log: Forger) -> None:
        log.add("clock.adjust", "UAK", timestamp=1200)
        log.denial(timestamp=1199)

    assert _after_setup(write) == (3, "is older than the entry before it")


def test_an_adjustment_is_the_users_word_only() -> None:
    fault = _after_setup(lambda log: log.add("clock.adjust", "KIAK", timestamp=1000))
    assert fault == (2, "clock.adjust may not be signed by that kind of key")


def test_an_unknown_operation_is_bad() -> None:
    fault = _after_setup(lambda log: log.add("export", "UAK"))
    assert fault == (2, "has an unknown operation")


@pytest.mark.parametrize(
    ("op", "signer"),
    [("sign", "KIAK"), ("setup", "KIAK"), ("lease.create", "LAK"), ("unlock.denied", "UAK"),
     ("lease.revoke", "LAK"), ("build.change", "UAK"), ("lease.create", "KIAK")],
)  # fmt: skip
def test_a_key_of_another_kind_may_not_sign(op: str, signer: str) -> None:
    cert = "LAK" if signer == "LAK" else "KIAK"
    fault = _after_setup(
        lambda log: log.add(op, signer, cert=log.certificate(cert, scope=[op]), leaseId=LEASE_ID)
    )
    assert fault == (2, f"{op} may not be signed by that kind of key")


def test_an_unknown_kind_of_signer_is_bad() -> None:
    fault = _after_setup(lambda log: log.add("setup", "UAK", signer="ROOT"))
    assert fault == (2, "setup may not be signed by that kind of key")


def test_the_first_entry_is_an_instances_start() -> None:
    forger = Forger()
    forger.denial(cert=None)
    assert find_fault(forger.entries) == (0, "the first entry is not an instance's start")


def test_a_second_setup_is_bad() -> None:
    assert _after_setup(lambda log: log.setup()) == (2, "a second setup")


def test_a_users_entry_needs_a_setup_before_it() -> None:
    forger = Forger()
    forger.genesis()
    forger.add("lease.create", "UAK")
    assert find_fault(forger.entries) == (1, "a user's entry before any setup")


@pytest.mark.parametrize("signer", ["KIAK", "LAK"])
def test_a_certificate_before_any_setup_is_bad(signer: str) -> None:
    forger = Forger()
    forger.genesis()
    forger.denial() if signer == "KIAK" else forger.token()
    assert find_fault(forger.entries) == (1, "a certificate before any setup")


def test_the_setup_certifies_the_instances_key() -> None:
    forger = Forger()
    forger.genesis()
    forger.setup(instanceCert=None)
    assert find_fault(forger.entries) == (1, "setup does not certify the Instance Audit Key")


def test_the_setups_certificate_covers_the_genesis() -> None:
    forger = Forger()
    forger.genesis()
    forger.setup(instanceCert=forger.certificate("KIAK", notBefore=1001))
    fault = find_fault(forger.entries)
    assert fault == (1, "the Instance Audit Key's certificate begins after the genesis")


@pytest.mark.parametrize("kind", ["KIAK", "LAK"])
def test_who_signs_for_another_carries_a_certificate(kind: str) -> None:
    fault = _after_setup(
        lambda log: log.denial(cert=None) if kind == "KIAK" else log.token(cert=None)
    )
    assert fault == (2, "the certificate is missing")


_OTHER = Ed25519PrivateKey.generate()
_CERTIFICATE_FAULTS: list[tuple[dict[str, object], str]] = [
    ({"type": "other"}, "the certificate is of an unknown version"),
    ({"type": None}, "the certificate is of an unknown version"),
    ({"version": 2}, "the certificate is of an unknown version"),
    ({"notBefore": 1001}, "the certificate was not valid at that time"),
    ({"notAfter": 999}, "the certificate was not valid at that time"),
    ({"notBefore": "1000"}, "the certificate's validity is malformed"),
    ({"notBefore": None}, "the certificate's validity is malformed"),
    ({"notAfter": "2000"}, "the certificate's validity is malformed"),
    ({"scope": []}, "the certificate does not cover the operation"),
    ({"scope": ["lease.create"]}, "the certificate does not cover the operation"),
    ({"scope": "sign unlock.denied"}, "the certificate's scope is malformed"),
    ({"scope": None}, "the certificate's scope is malformed"),
    ({"by": _OTHER}, "signature"),
]
_KIAK_FAULTS: list[tuple[dict[str, object], str]] = [
    ({"instanceId": "another"}, "the certificate is another instance's"),
    ({"instanceId": None}, "the certificate is another instance's"),
    ({"signerKind": "LAK"}, "the certificate is for another kind of key"),
    ({"delegatePub": b64(public(_OTHER))}, "the certificate is for another key"),
]
_LAK_FAULTS: list[tuple[dict[str, object], str]] = [
    ({"leaseId": "another"}, "the certificate is another lease's"),
    ({"leaseId": None}, "the certificate is another lease's"),
    ({"signerKind": "KIAK"}, "the certificate is for another kind of key"),
    ({"delegatePub": b64(public(_OTHER))}, "signerId is not the id of the key that must sign"),
]


@pytest.mark.parametrize(("changes", "reason"), _CERTIFICATE_FAULTS + _KIAK_FAULTS)
def test_each_field_of_an_instance_certificate_counts(changes: dict[str, Any], reason: str) -> None:
    fault = _after_setup(lambda log: log.denial(cert=log.certificate("KIAK", **changes)))
    assert fault == (2, reason)


@pytest.mark.parametrize(("changes", "reason"), _CERTIFICATE_FAULTS + _LAK_FAULTS)
def test_each_field_of_a_lease_certificate_counts(changes: dict[str, Any], reason: str) -> None:
    fault = _after_setup(lambda log: log.token(cert=log.certificate("LAK", **changes)))
    assert fault == (2, reason)


def test_an_entry_of_another_lease_is_bad() -> None:
    fault = _after_setup(lambda log: log.token(leaseId="lease-of-somebody-else"))
    assert fault == (2, "the certificate is another lease's")


def test_a_lease_entry_without_its_lease_is_bad() -> None:
    fault = _after_setup(
        lambda log: log.token(leaseId=None, cert=log.certificate("LAK", leaseId=None))
    )
    assert fault == (2, "the certificate is another lease's")


def test_another_key_under_the_right_name_is_bad() -> None:
    def write(log: Forger) -> None:
        right = log.add("lease.create", "UAK")["signerId"]
        log.entries.pop()
        log.add("lease.create", "UAK", by=_OTHER, signerId=right)

    assert _after_setup(write) == (2, "signature")


def test_the_signers_name_is_that_of_its_key() -> None:
    fault = _after_setup(lambda log: log.add("lease.create", "UAK", signerId="x"))
    assert fault == (2, "signerId is not the id of the key that must sign")


def test_a_certificate_is_verified_once_and_a_forged_one_not_taken_for_it() -> None:
    forger = complete_log()
    forger.token(cert=forger.certificate("LAK", by=_OTHER))
    assert find_fault(forger.entries) == (7, "signature")


def test_a_hash_in_upper_case_is_not_the_hash() -> None:
    entries = complete_log().entries
    entries[6]["chainHash"] = entries[6]["chainHash"].upper()
    assert find_fault(entries) == (6, "its hash is not the hash of its fields")


def test_a_second_start_of_an_instance_is_bad() -> None:
    def write(log: Forger) -> None:
        cert = log.certificate("KIAK", scope=["instance.start"])
        log.add("instance.start", "KIAK", cert=cert, details={})

    assert _after_setup(write) == (2, "a second start of an instance")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"comment": "x"}, "the certificate has an unknown field"),
        ({"codeHash": None}, "the certificate lacks a field"),
        ({"manifestHash": 5}, "the certificate lacks a field"),
        ({"scope": ["sign", {}]}, "the certificate's scope is malformed"),
        ({"chainHash": "ab" * 32}, "its hash is not the hash of its fields"),
    ],
)
def test_a_certificate_has_its_fields_and_no_other(changes: dict[str, Any], reason: str) -> None:
    fault = _after_setup(lambda log: log.token(cert=log.certificate("LAK", **changes)))
    assert fault == (2, reason)


def test_more_certificates_than_are_remembered_are_verified_again() -> None:
    forger = Forger()
    forger.genesis()
    forger.setup()
    for number in range(1100):
        forger.token(leaseId=f"l{number}", cert=forger.certificate("LAK", leaseId=f"l{number}"))
    forger.token(leaseId="l0", cert=forger.certificate("LAK", leaseId="l0"))
    verifier = ChainVerifier()
    checks = [len(verifier.check(rfc8785.dumps(entry)).signatures) for entry in forger.entries]
    assert checks[2] == checks[-1] == 2
    assert find_fault(forger.entries) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not JSON"),
        (b"nonsense", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"a":1.5}', "is not JSON"),
        (b'{"a":NaN}', "is not JSON"),
        (b'{"a":"\\ud800"}', "is not JSON"),
        (b'{"a":1,"a":1}', "is not canonical JSON"),
        (b'{"b":1,"a":1}', "is not canonical JSON"),
        (b'{"a": 1}', "is not canonical JSON"),
        (b'{"a":1}\n', "is not canonical JSON"),
        (b'{"a":"\\u0041"}', "is not canonical JSON"),
        (b"[]", "not an object"),
    ],
)
def test_bytes_that_are_no_entrys_are_named(data: bytes, reason: str) -> None:
    with pytest.raises(BadEntryError) as caught:
        ChainVerifier().check(data)
    assert (caught.value.seq_num, caught.value.reason) == (0, reason)
