"""A page that guesses, in parallel and without end: refused, slowed down, and nothing is lost.

KMS_LONG=1 makes it a thousand guesses. When the next one is tried: tests/unit/unlock. Which
removals are refused with the right passphrase: tests/unit/enrollment.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from playwright.sync_api import expect

from e2e.driving.enclave import PASSPHRASE, EnclavePage
from e2e.driving.shared import SharedEnclave
from e2e.unlock.user import User
from tests.oracles.audit_log import operations, verify_log

IS_LONG = os.environ.get("KMS_LONG") == "1"
GUESSES = 1000 if IS_LONG else 60
FREE_ATTEMPTS = 5

LAST = "enrollment:passphrase:v2"
MADE_UP = "enrollment:passkey-prf:v2"
WRONG = {"method": "passphrase", "passphrase": "nobody has this one"}


def stored_enrollments(enclave: EnclavePage) -> Sequence[object]:
    records = enclave.run_in_frame("read_records.js")
    return [record for record in records if record["store"] == "enrollments"]


def test_a_flood_of_guesses_is_throttled_and_the_user_still_unlocks(
    shared_enclave: SharedEnclave,
) -> None:
    enclave = shared_enclave.page
    enrolled = stored_enrollments(enclave)
    calls = [[(LAST, MADE_UP)[number % 2], WRONG] for number in range(GUESSES)]
    outcomes = enclave.call_together("removeEnrollment", calls)
    denied = [outcome for outcome in outcomes if outcome.code == "unlock.denied"]
    throttled = [outcome for outcome in outcomes if outcome.code == "unlock.throttled"]
    assert len(denied) + len(throttled) == GUESSES
    assert FREE_ATTEMPTS <= len(denied) < GUESSES / 2
    assert all(1 <= outcome.error["retryAfterMs"] <= 900_000 for outcome in throttled)
    entries = enclave.log()
    verify_log(entries)
    assert operations(entries).count("unlock.denied") == len(denied)
    assert stored_enrollments(enclave) == enrolled
    user = User(enclave)
    user.begin("generateVAPID")
    user.sees("Confirm it’s you")
    user.type("not the passphrase")
    expect(user.dialog.get_by_role("alert")).to_have_text("Invalid passphrase.")
    user.type(PASSPHRASE)
    assert user.outcome().code is None
