"""A page that takes the keyboard away from a prompt: its user is told, and can go on elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.driving import prompts
from e2e.handshake.test_prompts import RIGHT, Prompt, own_user

# In the same modal dialog as the iframe: there it is not inert.
TAKE_THE_KEYBOARD = """() => {
    const input = document.createElement("input");
    input.id = "thief";
    input.style.cssText = "position:absolute;width:1px;height:1px;padding:0;border:0;opacity:0";
    document.querySelector("iframe").parentElement.append(input);
    input.focus();
}"""


@pytest.fixture
def robbed(shared_sdk_page: Page) -> Iterator[Prompt]:
    """In front of a prompt that the keyboard is not in any more."""
    with own_user(shared_sdk_page) as prompt:
        prompt.ask("authenticate")
        prompt.wait_until_armed()
        prompt.page.keyboard.type(RIGHT[:4])
        prompt.page.evaluate(TAKE_THE_KEYBOARD)
        told = "whatever you type now goes elsewhere"
        expect(prompt.dialog.get_by_role("alert")).to_contain_text(told)
        yield prompt
        prompt.page.evaluate("document.querySelector('#thief').remove()")


# Of a frame that is hidden for a moment, Chromium resets the focus, and nothing can have it.
HIDE = """() => {
    document.querySelector("dialog").inert = true;
    document.activeElement.blur();
}"""
SHOW = "document.querySelector('dialog').inert = false"


def test_with_the_keyboard_the_field_has_the_focus_again(robbed: Prompt) -> None:
    robbed.frame.evaluate(HIDE)
    robbed.page.evaluate("document.querySelector('iframe').focus()")
    robbed.page.evaluate("document.querySelector('#thief').focus()")
    robbed.frame.wait_for_function("!document.hasFocus()")
    robbed.frame.evaluate(SHOW)
    assert robbed.focused() != "prompt-passphrase"
    robbed.page.evaluate("document.querySelector('iframe').focus()")
    expect(robbed.dialog.get_by_label("Passphrase")).to_be_focused()


def test_a_user_can_go_on_in_a_window(robbed: Prompt) -> None:
    with robbed.page.context.expect_page() as opening:
        robbed.dialog.get_by_role("button", name="Go on in a window").click()
    window = opening.value
    prompts.wait_until_armed(window.get_by_role("dialog"))
    expect(robbed.dialog).to_have_accessible_name("Go on in a window")
    window.close()
    expect(robbed.dialog.get_by_role("alert")).to_contain_text("closed")


def test_a_user_who_types_in_the_prompt_again_is_told_no_more(robbed: Prompt) -> None:
    robbed.dialog.get_by_label("Passphrase").click()
    robbed.page.keyboard.press("End")
    robbed.page.keyboard.type(RIGHT[4:])
    expect(robbed.dialog.get_by_role("alert")).to_have_count(0)
    robbed.page.keyboard.press("Enter")
    assert "value" in robbed.outcome()
