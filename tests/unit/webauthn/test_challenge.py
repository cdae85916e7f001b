"""Challenges: fresh, used once, for one operation, for two minutes, and never many of them."""

from __future__ import annotations

import hashlib

import pytest
from doubles import FakeClock
from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.encoding import canonical_json
from kms_enclave.webauthn.challenge import (
    ChallengeBook,
    LateAnswerError,
    UnknownChallengeError,
    operation_hash,
)

OPERATION = bytes(32)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def book(clock: FakeClock) -> ChallengeBook:
    return ChallengeBook(crypto=NativeCrypto(), clock=clock)


def is_unknown(book: ChallengeBook, challenge: bytes, operation: bytes = OPERATION) -> bool:
    try:
        book.redeem(challenge, operation)
    except UnknownChallengeError:
        return True
    return False


class _Fixed(NativeCrypto):
    def random_bytes(self, length: int) -> bytes:
        return bytes(range(length))


def test_the_construction_is_the_specifications(clock: FakeClock) -> None:
    book = ChallengeBook(crypto=_Fixed(), clock=clock)
    given = {"method": "m", "origin": "https://o.example", "params": {"a": 1}}
    operation = operation_hash(method="m", params={"a": 1}, origin="https://o.example")
    assert operation == hashlib.sha256(canonical_json(given)).digest()
    expected = hashlib.sha256(b"ATS/KMS/challenge/v1" + bytes(range(32)) + operation).digest()
    assert book.issue(operation) == expected


def test_a_challenge_is_redeemed_once(book: ChallengeBook) -> None:
    challenge = book.issue(OPERATION)
    book.redeem(challenge, OPERATION)
    assert is_unknown(book, challenge)


def test_two_for_one_operation_differ(book: ChallengeBook) -> None:
    assert book.issue(OPERATION) != book.issue(OPERATION)


def test_one_that_was_never_issued_is_not_redeemed(book: ChallengeBook) -> None:
    assert is_unknown(book, bytes(32))
    assert is_unknown(book, b"")


def test_it_is_for_its_operation_and_used_up_by_a_try_for_another(book: ChallengeBook) -> None:
    challenge = book.issue(OPERATION)
    assert is_unknown(book, challenge, b"\x01" * 32)
    assert is_unknown(book, challenge)


@pytest.mark.parametrize("after_ms", [0, 120_000])
def test_it_lives_two_minutes(book: ChallengeBook, clock: FakeClock, after_ms: int) -> None:
    challenge = book.issue(OPERATION)
    clock.advance(after_ms)
    book.redeem(challenge, OPERATION)


def test_then_it_is_late_and_used_up(book: ChallengeBook, clock: FakeClock) -> None:
    challenge = book.issue(OPERATION)
    clock.advance(120_001)
    with pytest.raises(LateAnswerError):
        book.redeem(challenge, OPERATION)
    assert is_unknown(book, challenge)


def test_late_for_another_operation_it_is_unknown(book: ChallengeBook, clock: FakeClock) -> None:
    challenge = book.issue(OPERATION)
    clock.advance(120_001)
    assert is_unknown(book, challenge, b"\x01" * 32)


def test_setting_the_clock_back_does_not_lengthen_its_life(
    book: ChallengeBook, clock: FakeClock
) -> None:
    challenge = book.issue(OPERATION)
    clock.advance(120_001)
    clock.advance(-120_001)
    with pytest.raises(LateAnswerError):
        book.redeem(challenge, OPERATION)


def test_64_are_open_at_most_and_the_oldest_goes(book: ChallengeBook) -> None:
    challenges = [book.issue(OPERATION) for _ in range(65)]
    assert is_unknown(book, challenges[0])
    for challenge in challenges[1:]:
        book.redeem(challenge, OPERATION)


@pytest.mark.parametrize(
    "change", [{"method": "n"}, {"origin": "https://p.example"}, {"params": {"a": 2}}]
)
def test_another_method_origin_or_parameter_is_another_operation(change: dict[str, object]) -> None:
    given: dict[str, object] = {"method": "m", "origin": "https://o.example", "params": {"a": 1}}
    assert operation_hash(**given) != operation_hash(**(given | change))


def test_the_order_of_parameters_is_no_difference() -> None:
    one = operation_hash(method="m", params={"a": 1, "b": 2}, origin="o")
    assert one == operation_hash(method="m", params={"b": 2, "a": 1}, origin="o")
