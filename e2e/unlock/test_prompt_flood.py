"""A page that asks without end: one prompt is open, and after five refusals there is a pause.

How long the pause lasts through reloads and crashes: e2e/handshake/test_prompts.py.
"""

from __future__ import annotations

from collections import Counter

from playwright.sync_api import expect

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


def test_the_user_refuses_five_and_is_asked_nothing_more(set_up_user: User) -> None:
    set_up_user.page.evaluate(FLOOD, CALLS)
    for _ in range(REFUSALS_UNTIL_PAUSE):
        set_up_user.sees("Confirm it’s you")
        expect(set_up_user.dialog).to_have_count(1)
        set_up_user.press("Cancel")
    set_up_user.page.wait_for_function("(calls) => settled.length === calls", arg=CALLS)
    assert Counter(set_up_user.page.evaluate("settled")) == {
        "unlock.cancelled": REFUSALS_UNTIL_PAUSE,
        "unlock.throttled": CALLS - REFUSALS_UNTIL_PAUSE,
    }
    calls = {"resetKMS": [], "addEnrollment": ["passkey-prf"], "changePassphrase": []}
    for method, parameters in calls.items():
        outcome = set_up_user.enclave.call(method, *parameters)
        assert outcome.code == "unlock.throttled", method
        assert 0 < outcome.error["retryAfterMs"] <= PAUSE_MS
    expect(set_up_user.dialog).to_have_count(0)
