"""A page that asks without end: one prompt is open, and after five refusals there is a pause."""

from __future__ import annotations

from collections import Counter

import pytest
from playwright.sync_api import expect

from e2e.driving.enclave import PASSPHRASE
from e2e.unlock.user import User

CALLS = 20
REFUSALS_UNTIL_PAUSE = 5
PAUSE_MS = 60_000

# Keeps the codes as they come.
FLOOD = """(calls) => {
    window.settled = [];
    for (let number = 0; number < calls; number++) {
        callSdk("generateVAPID", []).then(({ error }) => settled.push(error?.code));
    }
}"""


@pytest.fixture
def asked_too_often(user: User) -> User:
    """After a flood of which the user refused what was shown."""
    user.begin("setupPassphrase")
    user.sees("Choose a passphrase")
    user.type(PASSPHRASE, PASSPHRASE)
    user.remember()
    user.page.evaluate(FLOOD, CALLS)
    for refused in range(1, REFUSALS_UNTIL_PAUSE + 1):
        user.sees("Confirm it’s you")
        expect(user.dialog).to_have_count(1)
        user.press("Cancel")
        user.page.wait_for_function(
            "(refused) => settled.filter((code) => code === 'unlock.cancelled').length === refused",
            arg=refused,
        )
    expect(user.dialog).to_have_count(0)
    return user


def is_paused(user: User) -> None:
    outcome = user.enclave.call("generateVAPID")
    assert outcome.code == "unlock.throttled"
    assert 0 < outcome.error["retryAfterMs"] <= PAUSE_MS
    expect(user.dialog).to_have_count(0)


def test_the_user_refuses_five_and_no_more(asked_too_often: User) -> None:
    asked_too_often.page.wait_for_function("(calls) => settled.length === calls", arg=CALLS)
    assert Counter(asked_too_often.page.evaluate("settled")) == {
        "unlock.cancelled": REFUSALS_UNTIL_PAUSE,
        "unlock.throttled": CALLS - REFUSALS_UNTIL_PAUSE,
    }
    is_paused(asked_too_often)


def test_the_pause_is_for_every_prompt(asked_too_often: User) -> None:
    calls = {"resetKMS": [], "addEnrollment": ["passkey-prf"], "changePassphrase": []}
    codes = {
        asked_too_often.enclave.call(method, *parameters).code
        for method, parameters in calls.items()
    }
    assert codes == {"unlock.throttled"}


def test_a_page_that_embeds_the_enclave_again_has_to_wait_as_well(asked_too_often: User) -> None:
    asked_too_often.enclave.reload()
    assert asked_too_often.enclave.open_sdk().code is None
    is_paused(asked_too_often)


def test_a_worker_that_is_started_again_shows_no_more_prompts(asked_too_often: User) -> None:
    asked_too_often.enclave.crash_worker()
    is_paused(asked_too_often)
