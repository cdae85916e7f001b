"""A prompt that has just come into sight takes no click: it could be meant for the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.handshake.conftest import OpenPage
from e2e.handshake.test_prompts import ASK, RIGHT, Prompt, own_user

# In the instant in which it comes into sight, where a click meant for the page would land.
STRIKE = """(passphrase) => {
    const { promise, resolve } = Promise.withResolvers();
    window.struck = promise;
    const armed = [];
    const strike = (end) => {
        if (performance.now() >= end) return resolve(armed);
        const dialog = document.querySelector("dialog");
        if (!dialog) return resolve(["it has taken a click"]);
        dialog.querySelector("input").value = passphrase;
        dialog.querySelector(".accept").click();
        dialog.querySelector(".cancel").click();
        armed.push(dialog.hasAttribute("data-armed"));
        setTimeout(strike, 20, end);
    };
    new MutationObserver((_, mutations) => {
        const dialog = document.querySelector("dialog");
        if (!dialog) return;
        mutations.disconnect();
        new IntersectionObserver(([{ isIntersecting }], sight) => {
            if (!isIntersecting) return;
            sight.disconnect();
            strike(performance.now() + 300);
        }).observe(dialog);
    }).observe(document.body, { childList: true });
}"""


CANCEL = """() => {
    document.querySelector(".cancel")?.click();
    return !document.querySelector("dialog");
}"""


@pytest.fixture
def prompt(shared_sdk_page: Page) -> Iterator[Prompt]:
    with own_user(shared_sdk_page) as prompt:
        yield prompt


def test_takes_nothing_in_its_first_half_second(prompt: Prompt) -> None:
    prompt.frame.evaluate(STRIKE, RIGHT)
    prompt.ask("authenticate")
    assert set(prompt.frame.evaluate("struck")) == {False}
    expect(prompt.dialog).to_be_visible()
    assert prompt.page.evaluate("Promise.race([asking, 'open'])") == "open"
    prompt.wait_until_armed()
    prompt.dialog.get_by_role("button", name="Unlock").click()
    assert "value" in prompt.outcome()


def test_without_room_it_is_not_even_cancelled_in_its_first_half_second(
    open_page: OpenPage,
) -> None:
    page = open_page("raw.html")
    page.evaluate("frame.height = 150")
    page.evaluate("handshake()")
    prompt = Prompt(page)
    prompt.frame.evaluate(STRIKE, RIGHT)
    page.evaluate(ASK.format(id=1, kid="authenticate"))
    assert set(prompt.frame.evaluate("struck")) == {False}
    prompt.frame.wait_for_function(CANCEL)
    assert page.evaluate("replyTo(1)")["error"]["code"] == "unlock.cancelled"


def test_out_of_sight_it_takes_nothing_at_all(open_page: OpenPage) -> None:
    """A page that hides the iframe while the half second runs, and shows it under a click."""
    page = open_page("raw.html")
    page.evaluate("[frame.hidden, frame.height] = [true, 500]")
    page.evaluate("handshake()")
    prompt = Prompt(page)
    prompt.frame.evaluate(STRIKE, RIGHT)
    page.evaluate(ASK.format(id=1, kid="authenticate"))
    prompt.frame.locator("dialog").wait_for(state="attached")
    page.wait_for_timeout(800)  # More than the half second, which must not have begun.
    page.evaluate("frame.hidden = false")
    assert set(prompt.frame.evaluate("struck")) == {False}
    page.evaluate(ASK.format(id=2, kid="age"))
    page.evaluate("replyTo(2)")
    assert page.evaluate("received.some(({ id }) => id === 1)") is False
    prompt.wait_until_armed()
    prompt.frame.evaluate("document.querySelector('.accept').click()")
    assert page.evaluate("replyTo(1)")["result"] == {"publicKey": "after 1"}


def test_hidden_again_it_takes_nothing_any_more(open_page: OpenPage) -> None:
    page = open_page("raw.html")
    page.evaluate("frame.height = 500")
    page.evaluate("handshake()")
    page.evaluate(ASK.format(id=1, kid="authenticate"))
    prompt = Prompt(page)
    prompt.wait_until_armed()
    page.evaluate("frame.hidden = true")
    expect(prompt.frame.locator("dialog")).not_to_have_attribute("data-armed", "")
