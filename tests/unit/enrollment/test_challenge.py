"""Challenges: fresh, used once, for one operation, for two minutes, and never many of them."""

from __future__ import annotations

import hashlib

import pytest
from doubles import FakeClock
from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.encoding import canonical_json
from kms_enclave.enrollment.challenge import ChallengeBook, operation_hash

OPERATION = bytes(32)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def book(clock: FakeClock) -> ChallengeBook:
    return ChallengeBook(crypto=NativeCrypto(), clock=clock)


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
    assert book.redeem(challenge, OPERATION)
    assert not book.redeem(challenge, OPERATION)


def test_two_for_one_operation_differ(book: ChallengeBook) -> None:
    assert book.issue(OPERATION) != book.issue(OPERATION)


def test_one_that_was_never_issued_is_not_redeemed(book: ChallengeBook) -> None:
    assert not book.redeem(bytes(32), OPERATION)
    assert not book.redeem(b"", OPERATION)


def test_it_is_for_its_operation_and_used_up_by_a_try_for_another(book: ChallengeBook) -> None:
    challenge = book.issue(OPERATION)
    assert not book.redeem(challenge, b"\x01" * 32)
    assert not book.redeem(challenge, OPERATION)


@pytest.mark.parametrize(("after_ms", "good"), [(0, True), (120_000, True), (120_001, False)])
def test_it_lives_two_minutes(
    book: ChallengeBook, clock: FakeClock, after_ms: int, good: bool
) -> None:
    challenge = book.issue(OPERATION)
    clock.advance(after_ms)
    assert book.redeem(challenge, OPERATION) == good


def test_setting_the_clock_back_does_not_lengthen_its_life(
    book: ChallengeBook, clock: FakeClock
) -> None:
    challenge = book.issue(OPERATION)
    clock.advance(120_001)
    clock.advance(-120_001)
    assert not book.redeem(challenge, OPERATION)


def test_64_are_open_at_most_and_the_oldest_goes(book: ChallengeBook) -> None:
    challenges = [book.issue(OPERATION) for _ in range(65)]
    assert not book.redeem(challenges[0], OPERATION)
    assert all(book.redeem(challenge, OPERATION) for challenge in challenges[1:])


@pytest.mark.parametrize(
    "change", [{"method": "n"}, {"origin": "https://p.example"}, {"params": {"a": 2}}]
)
def test_another_method_origin_or_parameter_is_another_operation(change: dict[str, object]) -> None:
    given: dict[str, object] = {"method": "m", "origin": "https://o.example", "params": {"a": 1}}
    assert operation_hash(**given) != operation_hash(**(given | change))


def test_the_order_of_parameters_is_no_difference() -> None:
    one = operation_hash(method="m", params={"a": 1, "b": 2}, origin="o")
    assert one == operation_hash(method="m", params={"b": 2, "a": 1}, origin="o")
