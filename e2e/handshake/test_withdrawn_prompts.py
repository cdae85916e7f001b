"""A prompt does not outlive its call: nobody authorises what no page waits for any more."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from e2e.handshake.conftest import OpenPage
from e2e.handshake.test_prompts import ASK, REFUSALS_UNTIL_PAUSE, RIGHT, Prompt

# The frame's deadlines are longer: what ends here ends by the page's own.
SHORT = {"timeouts": {"promptMs": 2_000, "methodMs": 300}}


def is_refused_as_cancelled(page: Page, number: int) -> None:
    assert page.evaluate(f"replyTo({number})")["error"]["code"] == "unlock.cancelled"


@pytest.fixture
def raw(raw_page: Page) -> Prompt:
    """A prompt that was opened by hand, for call 1."""
    raw_page.evaluate("[frame.width, frame.height] = [600, 600]")
    raw_page.evaluate(ASK.format(id=1, kid="authenticate"))
    prompt = Prompt(raw_page)
    prompt.dialog.wait_for()
    return prompt


def test_it_goes_with_the_pages_deadline_and_the_worker_hears_of_it(open_page: OpenPage) -> None:
    page = open_page("sdk.html")
    page.evaluate("(options) => open_(options)", SHORT)
    prompt = Prompt(page)
    prompt.ask("authenticate")
    prompt.dialog.wait_for()
    assert prompt.error_code() == "channel.timeout"
    expect(prompt.dialog).to_have_count(0)
    expect(page.locator("iframe")).to_be_hidden()
    refused = json.loads(page.evaluate("kms.getPublicKey('refusals')")["publicKey"])
    assert [each["code"] for each in refused] == ["unlock.cancelled"]


def test_it_is_no_refusal_of_the_users(raw: Prompt) -> None:
    for number in range(1, REFUSALS_UNTIL_PAUSE + 1):
        raw.page.evaluate(f"port.postMessage({{ id: {number}, withdrawn: true }})")
        is_refused_as_cancelled(raw.page, number)
        expect(raw.dialog).to_have_count(0)
        raw.page.evaluate(ASK.format(id=number + 1, kid="confirm"))
        raw.dialog.wait_for()


def test_one_that_waits_behind_another_goes_too(raw: Prompt) -> None:
    raw.page.evaluate(ASK.format(id=2, kid="confirm"))
    raw.page.evaluate("port.postMessage({ id: 2, withdrawn: true })")
    is_refused_as_cancelled(raw.page, 2)
    expect(raw.dialog).to_have_accessible_name("Confirm it’s you")
    raw.wait_until_armed()
    raw.dialog.get_by_label("Passphrase").fill(RIGHT)
    raw.dialog.get_by_role("button", name="Unlock").click()
    assert raw.page.evaluate("replyTo(1)")["result"] == {"publicKey": "after 1"}
    expect(raw.dialog).to_have_count(0)


# Strikes in the instant in which the next prompt stands where the last one was.
STRIKE = """() => {
    const observer = new MutationObserver(() => {
        const cancel = document.querySelector(".confirm-word .cancel");
        if (!cancel) return;
        observer.disconnect();
        cancel.click();
        window.hasStruck = true;
    });
    observer.observe(document.body, { childList: true });
}"""


def test_the_next_one_takes_its_place_and_no_click_that_was_meant_for_it(raw: Prompt) -> None:
    raw.page.evaluate(ASK.format(id=2, kid="confirm"))
    raw.wait_until_armed()
    raw.frame.evaluate(STRIKE)
    raw.page.evaluate("port.postMessage({ id: 1, withdrawn: true })")
    is_refused_as_cancelled(raw.page, 1)
    raw.frame.wait_for_function("window.hasStruck")
    expect(raw.dialog).to_have_accessible_name("This cannot be undone")


def test_after_a_wrong_answer_nothing_is_asked_again(raw: Prompt) -> None:
    raw.page.evaluate(ASK.format(id=2, kid="authenticate.slow"))
    raw.page.evaluate("port.postMessage({ id: 1, withdrawn: true })")
    is_refused_as_cancelled(raw.page, 1)
    raw.wait_until_armed()
    raw.dialog.get_by_label("Passphrase").fill("not the passphrase")
    raw.dialog.get_by_role("button", name="Unlock").click()
    expect(raw.dialog).to_have_attribute("aria-busy", "true")
    raw.page.evaluate("port.postMessage({ id: 2, withdrawn: true })")
    is_refused_as_cancelled(raw.page, 2)
    expect(raw.dialog).to_have_count(0)


KEEP_PORTS = """
    window.ports = [];
    const { start } = MessagePort.prototype;
    MessagePort.prototype.start = function () {
        ports.push(this);
        start.call(this);
    };
"""


def test_where_a_browser_says_that_the_page_has_closed_its_end_it_goes(
    open_page: OpenPage,
) -> None:
    """Chromium says nothing so far: the event is dispatched as an engine would."""
    page = open_page("raw.html")
    page.add_init_script(KEEP_PORTS)
    page.evaluate("handshake()")
    page.evaluate(ASK.format(id=1, kid="authenticate"))
    prompt = Prompt(page)
    prompt.frame.locator("dialog").wait_for(state="attached")
    prompt.frame.evaluate("ports[0].dispatchEvent(new Event('close'))")
    is_refused_as_cancelled(page, 1)
    expect(prompt.frame.locator("dialog")).to_have_count(0)


NO_WITHDRAWALS = (
    "{ id: 2, withdrawn: true }",
    "{ id: '1', withdrawn: true }",
    "{ id: -1, withdrawn: true }",
    "{ withdrawn: true }",
    "{ id: 1, withdrawn: 1 }",
    "{ id: 1, withdrawn: true, more: 1 }",
    "{ id: 1, withdrawn: true, method: 'getPublicKey', params: {} }",
    "Object.assign(Object.create({ withdrawn: true }), { id: 1 })",
    "JSON.stringify({ id: 1, withdrawn: true })",
)


def test_what_is_no_withdrawal_of_it_leaves_it_open(raw: Prompt) -> None:
    for number, message in enumerate(NO_WITHDRAWALS, start=7):
        raw.page.evaluate(f"port.postMessage({message})")
        raw.page.evaluate(ASK.format(id=number, kid="age"))
        raw.page.evaluate(f"replyTo({number})")
        assert raw.dialog.count() == 1, message
        assert raw.page.evaluate("received.some(({ id, result }) => id === 1 && result)") is False


def test_a_withdrawal_has_no_reply_and_its_call_has_one(raw: Prompt) -> None:
    raw.page.evaluate("for (const id of [1, 1, 2]) port.postMessage({ id, withdrawn: true })")
    is_refused_as_cancelled(raw.page, 1)
    raw.page.evaluate(ASK.format(id=7, kid="age"))
    raw.page.evaluate("replyTo(7)")
    replies = raw.page.evaluate("received.filter(({ id }) => id !== undefined)")
    assert [reply["id"] for reply in replies] == [1, 7]


def test_of_two_users_of_one_enclave_only_the_one_that_ends_loses_its_prompt(
    open_page: OpenPage,
) -> None:
    page = open_page("sdk.html")
    page.evaluate("open_().then(() => { window.first = kms; return open_(); })")
    prompt = Prompt(page)
    page.evaluate("void (window.asking = outcome(first.getPublicKey('authenticate')))")
    prompt.ask("confirm", "second")
    prompt.dialog.wait_for()
    page.evaluate("first.terminate()")
    assert prompt.error_code() == "channel.closed"
    expect(prompt.dialog).to_have_accessible_name("This cannot be undone")
    prompt.wait_until_armed()
    page.keyboard.type("RESET")
    page.keyboard.press("Enter")
    assert "value" in prompt.outcome("second")
