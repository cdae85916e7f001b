"""Verification: logs written from the specification pass; each broken rule is named.

The forger holds every key and signs what it breaks, so that only the rule under test
can be what refuses.
"""

from __future__ import annotations

import copy

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from forging import Forger, b64, public
from verdicts import complete_log, find_fault, find_fault_after_setup


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


def test_an_entry_of_another_version_is_bad() -> None:
    assert find_fault_after_setup(lambda log: log.denial(kmsVersion=3)) == (2, "unknown version")


def test_time_does_not_go_back() -> None:
    fault = find_fault_after_setup(lambda log: log.denial(timestamp=999))
    assert fault == (2, "is older than the entry before it")


def test_time_goes_back_at_an_adjustment_only() -> None:
    def write(log: Forger) -> None:
        log.timestamp = 1500
        log.denial()
        log.add("clock.adjust", "UAK", timestamp=1200)
        log.denial(timestamp=1200)

    assert find_fault_after_setup(write) is None


def test_after_an_adjustment_time_does_not_go_back_either() -> None:
    def write(log: Forger) -> None:
        log.add("clock.adjust", "UAK", timestamp=1200)
        log.denial(timestamp=1199)

    assert find_fault_after_setup(write) == (3, "is older than the entry before it")


def test_an_adjustment_is_the_users_word_only() -> None:
    fault = find_fault_after_setup(lambda log: log.add("clock.adjust", "KIAK", timestamp=1000))
    assert fault == (2, "clock.adjust may not be signed by that kind of key")


def test_an_unknown_operation_is_bad() -> None:
    fault = find_fault_after_setup(lambda log: log.add("export", "UAK"))
    assert fault == (2, "has an unknown operation")
