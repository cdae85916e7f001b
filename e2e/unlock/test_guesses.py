"""A page that guesses, in parallel and without end: refused, slowed down, and nothing is lost.

KMS_LONG=1 makes it a thousand guesses.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import pytest
from oracles.audit_log import operations, verify_log
from playwright.sync_api import expect

from e2e.driving.enclave import CREDENTIALS, PASSPHRASE, EnclavePage, Outcome
from e2e.unlock.user import User

IS_LONG = os.environ.get("KMS_LONG") == "1"
GUESSES = 1000 if IS_LONG else 60
RIGHT_CALLS = 100 if IS_LONG else 8
FREE_ATTEMPTS = 5

LAST = "enrollment:passphrase:v2"
MADE_UP = "enrollment:passkey-prf:v2"
WRONG = {"method": "passphrase", "passphrase": "nobody has this one"}


@pytest.fixture
def guessed_at(enclave: EnclavePage) -> EnclavePage:
    """Set up with a passphrase, which is the last enrollment then."""
    assert enclave.call("setupPassphrase", PASSPHRASE).code is None
    return enclave


def guess(enclave: EnclavePage, times: int) -> list[Outcome]:
    calls = [[(LAST, MADE_UP)[number % 2], WRONG] for number in range(times)]
    return enclave.call_together("removeEnrollment", calls)


def retry_after_ms(outcome: Outcome) -> int:
    assert outcome.code == "unlock.throttled"
    return outcome.error["retryAfterMs"]


def still_unlocks(enclave: EnclavePage) -> None:
    assert enclave.call("getEnrollments").value["enrollments"] == [LAST]
    assert enclave.call("generateVAPID", CREDENTIALS).code is None


def admitted_in(elapsed_ms: float) -> int:
    """Return how many attempts fit: five, then one after 1 s, 2 s more, 4 s more…"""
    return FREE_ATTEMPTS + int(math.log2(elapsed_ms / 1000 + 1))


def test_a_flood_of_guesses_is_refused_and_throttled(guessed_at: EnclavePage) -> None:
    enrolled = stored_enrollments(guessed_at)
    outcomes = guess(guessed_at, GUESSES)
    denied = [outcome for outcome in outcomes if outcome.code == "unlock.denied"]
    throttled = [outcome for outcome in outcomes if outcome.code == "unlock.throttled"]
    assert len(denied) + len(throttled) == GUESSES
    longest_ms = max(outcome.elapsed_ms for outcome in outcomes)
    assert FREE_ATTEMPTS <= len(denied) <= admitted_in(longest_ms)
    assert all(1 <= retry_after_ms(outcome) <= 900_000 for outcome in throttled)
    entries = guessed_at.log()
    verify_log(entries)
    assert operations(entries).count("unlock.denied") == len(denied)
    assert stored_enrollments(guessed_at) == enrolled


def stored_enrollments(enclave: EnclavePage) -> Sequence[object]:
    records = enclave.run_in_frame("read_records.js")
    return [record for record in records if record["store"] == "enrollments"]


def test_the_delay_that_is_told_is_the_delay(guessed_at: EnclavePage) -> None:
    guess(guessed_at, FREE_ATTEMPTS + 1)
    wait_ms = retry_after_ms(guessed_at.call("removeEnrollment", LAST, CREDENTIALS))
    assert 0 < wait_ms <= 2_000
    guessed_at.page.wait_for_timeout(max(wait_ms - 300, 0))
    assert retry_after_ms(guessed_at.call("generateVAPID", CREDENTIALS)) <= 300
    guessed_at.page.wait_for_timeout(300)
    still_unlocks(guessed_at)


def test_guesses_of_a_page_do_not_touch_the_own_prompt(guessed_at: EnclavePage) -> None:
    user = User(guessed_at)
    for _ in range(2):
        guess(guessed_at, 2 * FREE_ATTEMPTS)
        user.begin("generateVAPID")
        user.sees("Confirm it’s you")
        user.type("not the passphrase")
        expect(user.dialog.get_by_role("alert")).to_have_text("Invalid passphrase.")
        user.type(PASSPHRASE)
        assert user.outcome().code is None


def test_where_pages_may_give_none_a_guess_is_no_attempt(user: User) -> None:
    user.begin("setupPassphrase")
    user.sees("Choose a passphrase")
    user.type(PASSPHRASE, PASSPHRASE)
    user.remember()
    outcomes = guess(user.enclave, GUESSES)
    assert {outcome.code for outcome in outcomes} == {"request.invalid"}
    assert "unlock.denied" not in operations(user.enclave.log())
    assert user.unlocks_with("passphrase").code is None


def test_who_may_removes_neither_the_last_nor_what_is_not_there(guessed_at: EnclavePage) -> None:
    calls = [[(LAST, MADE_UP)[number % 2], CREDENTIALS] for number in range(RIGHT_CALLS)]
    outcomes = guessed_at.call_together("removeEnrollment", calls)
    expected = ["enrollment.last", "enrollment.not.found"] * (RIGHT_CALLS // 2)
    assert [outcome.code for outcome in outcomes] == expected
    still_unlocks(guessed_at)
