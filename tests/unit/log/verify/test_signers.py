"""Verification: who may sign what, with which certificate; each broken rule is named."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from forging import LEASE_ID, LEFT_OUT, Forger, b64, public
from kms_enclave.log.verify.chain import BadEntryError, ChainVerifier
from verdicts import complete_log, find_fault, find_fault_after_setup


@pytest.mark.parametrize(
    ("op", "signer"),
    [("sign", "KIAK"), ("setup", "KIAK"), ("lease.create", "LAK"), ("unlock.denied", "UAK"),
     ("lease.revoke", "LAK"), ("build.change", "UAK"), ("lease.create", "KIAK")],
)  # fmt: skip
def test_a_key_of_another_kind_may_not_sign(op: str, signer: str) -> None:
    cert = "LAK" if signer == "LAK" else "KIAK"
    fault = find_fault_after_setup(
        lambda log: log.add(op, signer, cert=log.certificate(cert, scope=[op]), leaseId=LEASE_ID)
    )
    assert fault == (2, f"{op} may not be signed by that kind of key")


def test_an_unknown_kind_of_signer_is_bad() -> None:
    fault = find_fault_after_setup(lambda log: log.add("setup", "UAK", signer="ROOT"))
    assert fault == (2, "setup may not be signed by that kind of key")


def test_the_first_entry_is_an_instances_start() -> None:
    forger = Forger()
    forger.denial(cert=None)
    assert find_fault(forger.entries) == (0, "the first entry is not an instance's start")


def test_a_second_setup_is_bad() -> None:
    assert find_fault_after_setup(lambda log: log.setup()) == (2, "a second setup")


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


@pytest.mark.parametrize("changes", [{"notAfter": 999}, {"scope": ["unlock.denied"]}])
def test_the_setups_certificate_covers_what_was_before(changes: dict[str, object]) -> None:
    forger = Forger()
    forger.genesis()
    forger.setup(instanceCert=forger.certificate("KIAK", **changes))
    fault = find_fault(forger.entries)
    assert fault == (1, "the Instance Audit Key's certificate does not cover what was before")


@pytest.mark.parametrize("kind", ["KIAK", "LAK"])
def test_who_signs_for_another_carries_a_certificate(kind: str) -> None:
    fault = find_fault_after_setup(
        lambda log: log.denial(cert=None) if kind == "KIAK" else log.token(cert=None)
    )
    assert fault == (2, "the certificate is missing")


_OTHER = Ed25519PrivateKey.generate()
_FIELDS = "the certificate has an unknown or a missing field"
_TYPE = "a field of the certificate is of a wrong type"
_CERTIFICATE_FAULTS: list[tuple[dict[str, object], str]] = [
    ({"type": "other"}, "the certificate is of an unknown version"),
    ({"type": None}, "the certificate is of an unknown version"),
    ({"version": 2}, "the certificate is of an unknown version"),
    ({"notBefore": 1001}, "the certificate was not valid at that time"),
    ({"notAfter": 999}, "the certificate was not valid at that time"),
    ({"notBefore": "1000"}, "the certificate's validity is malformed"),
    ({"notBefore": None}, "the certificate's validity is malformed"),
    ({"notAfter": "2000"}, "the certificate's validity is malformed"),
    ({"notAfter": LEFT_OUT}, _FIELDS),
    ({"scope": []}, "the certificate does not cover the operation"),
    ({"scope": ["lease.create"]}, "the certificate does not cover the operation"),
    ({"scope": "sign unlock.denied"}, "the certificate's scope is malformed"),
    ({"scope": None}, "the certificate's scope is malformed"),
    ({"by": _OTHER}, "signature"),
]
_KIAK_FAULTS: list[tuple[dict[str, object], str]] = [
    ({"instanceId": "another"}, "the certificate is another instance's"),
    ({"instanceId": None}, _FIELDS),
    ({"instanceId": 5}, _TYPE),
    ({"signerKind": "LAK"}, "the certificate is for another kind of key"),
    ({"delegatePub": b64(public(_OTHER))}, "the certificate is for another key"),
]
_LAK_FAULTS: list[tuple[dict[str, object], str]] = [
    ({"leaseId": "another"}, "the certificate is another lease's"),
    ({"leaseId": None}, _FIELDS),
    ({"leaseId": 5}, _TYPE),
    ({"signerKind": "KIAK"}, "the certificate is for another kind of key"),
    ({"delegatePub": b64(public(_OTHER))}, "signerId is not the id of the key that must sign"),
]


@pytest.mark.parametrize(("changes", "reason"), _CERTIFICATE_FAULTS + _KIAK_FAULTS)
def test_each_field_of_an_instance_certificate_counts(changes: dict[str, Any], reason: str) -> None:
    fault = find_fault_after_setup(lambda log: log.denial(cert=log.certificate("KIAK", **changes)))
    assert fault == (2, reason)


@pytest.mark.parametrize(("changes", "reason"), _CERTIFICATE_FAULTS + _LAK_FAULTS)
def test_each_field_of_a_lease_certificate_counts(changes: dict[str, Any], reason: str) -> None:
    fault = find_fault_after_setup(lambda log: log.token(cert=log.certificate("LAK", **changes)))
    assert fault == (2, reason)


def test_a_users_entry_carries_no_certificate() -> None:
    fault = find_fault_after_setup(lambda log: log.add("generate", "UAK", cert={}))
    assert fault == (2, "a certificate of a key that needs none")


def test_an_entry_of_another_lease_is_bad() -> None:
    fault = find_fault_after_setup(lambda log: log.token(leaseId="lease-of-somebody-else"))
    assert fault == (2, "the certificate is another lease's")


def test_a_lease_entry_without_its_lease_is_bad() -> None:
    fault = find_fault_after_setup(lambda log: log.token(leaseId=None))
    assert fault == (2, "the certificate is another lease's")


def test_another_key_under_the_right_name_is_bad() -> None:
    def write(log: Forger) -> None:
        right = log.add("lease.create", "UAK")["signerId"]
        log.entries.pop()
        log.add("lease.create", "UAK", by=_OTHER, signerId=right)

    assert find_fault_after_setup(write) == (2, "signature")


def test_the_signers_name_is_that_of_its_key() -> None:
    fault = find_fault_after_setup(lambda log: log.add("lease.create", "UAK", signerId="x"))
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

    assert find_fault_after_setup(write) == (2, "a second start of an instance")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"comment": "x"}, _FIELDS),
        ({"codeHash": None}, _FIELDS),
        ({"manifestHash": 5}, _TYPE),
        ({"scope": ["sign", {}]}, "the certificate's scope is malformed"),
        ({"chainHash": "ab" * 32}, "its hash is not the hash of its fields"),
    ],
)
def test_a_certificate_has_its_fields_and_no_other(changes: dict[str, Any], reason: str) -> None:
    fault = find_fault_after_setup(lambda log: log.token(cert=log.certificate("LAK", **changes)))
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
        (b'\n{"a":1}', "is not canonical JSON"),
        (b'{"a":"\\u0041"}', "is not canonical JSON"),
        (b"[]", "not an object"),
    ],
)
def test_bytes_that_are_no_entrys_are_named(data: bytes, reason: str) -> None:
    with pytest.raises(BadEntryError) as caught:
        ChainVerifier().check(data)
    assert (caught.value.seq_num, caught.value.reason) == (0, reason)
