"""The enclave's own dialogs: what they say, who can use them, and what they leave behind."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Frame, Locator, Page, expect

from e2e.driving import prompts
from e2e.handshake.conftest import OpenPage

RIGHT = "correct horse battery"
REFUSALS_UNTIL_PAUSE = 5
ASK = "port.postMessage({{ id: {id}, method: 'getPublicKey', params: {{ kid: '{kid}' }} }})"


class Prompt:
    """A page that has asked, and the enclave's frame in it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def ask(self, kid: str, name: str = "asking") -> None:
        self.page.evaluate(f"void (window.{name} = act('{kid}'))")

    @property
    def frame(self) -> Frame:
        return next(frame for frame in self.page.frames if frame.parent_frame)

    @property
    def dialog(self) -> Locator:
        return self.frame.get_by_role("dialog")

    def wait_until_armed(self) -> None:
        prompts.wait_until_armed(self.dialog)

    def outcome(self, name: str = "asking") -> dict[str, object]:
        return self.page.evaluate(name)

    def error_code(self, name: str = "asking") -> str:
        return self.page.evaluate(f"{name}.then(({{ error }}) => error.code)")

    def forget_refusals(self) -> None:
        """After five within a minute nothing is shown in a tab."""
        self.frame.evaluate("sessionStorage.clear()")

    def focused(self) -> str:
        return self.frame.evaluate(
            "document.activeElement.id || document.activeElement.textContent"
        )


GATHER_EVENTS = """() => {
    window.events = [];
    for (const name of ["prompt.show", "prompt.hide"]) {
        kms.on(name, (data) => events.push([name, data]));
    }
}"""


@contextlib.contextmanager
def own_user(page: Page) -> Iterator[Prompt]:
    """A second `KMSUser` on a page: what it has asked for goes with it, and is no refusal."""
    page.evaluate("window.first ??= kms")
    page.evaluate("open_()")
    page.evaluate(GATHER_EVENTS)
    prompt = Prompt(page)
    yield prompt
    page.evaluate("kms.terminate()")
    expect(prompt.frame.locator("dialog")).to_have_count(0)
    prompt.forget_refusals()


@pytest.fixture
def prompt(shared_sdk_page: Page) -> Iterator[Prompt]:
    """On the page that all tests of the module use."""
    with own_user(shared_sdk_page) as prompt:
        yield prompt


@pytest.fixture
def own_prompt(sdk_page: Page) -> Prompt:
    """On a page of the test's own."""
    return Prompt(sdk_page)


def test_says_who_asks_and_for_what(prompt: Prompt) -> None:
    prompt.ask("authenticate")
    prompt.dialog.wait_for()
    expect(prompt.dialog).to_have_accessible_name("Confirm it’s you")
    origin = prompt.page.evaluate("location.origin")
    expect(prompt.dialog).to_have_accessible_description(
        f"{origin} asks for this: Create a lease of 12 hours for 2 endpoints"
    )
    expect(prompt.dialog.get_by_label("Passphrase")).to_be_focused()


def test_markup_of_the_worker_stays_text(prompt: Prompt) -> None:
    prompt.page.evaluate(
        """void (window.asking = outcome(kms.createLease({
            userId: "u", subs: [], ttlHours: 1, leaseId: "authenticate",
            operation: "<img src=x onerror=alert(1)><b>bold</b>",
        })))"""
    )
    expect(prompt.dialog).to_contain_text("<img src=x onerror=alert(1)><b>bold</b>")
    assert prompt.dialog.locator("img, b").count() == 0


def test_keyboard_alone_unlocks(prompt: Prompt) -> None:
    prompt.ask("authenticate")
    prompt.wait_until_armed()
    prompt.page.keyboard.type(RIGHT)
    prompt.page.keyboard.press("Enter")
    assert prompt.outcome() == {"value": {"publicKey": "after 1"}}


def test_tab_stays_in_the_dialog(prompt: Prompt) -> None:
    prompt.ask("authenticate")
    prompt.wait_until_armed()
    seen = []
    for _ in range(4):
        seen.append(prompt.focused())
        prompt.page.keyboard.press("Tab")
    assert seen == ["prompt-passphrase", "Cancel", "Unlock", "prompt-passphrase"]
    seen = []
    for _ in range(4):
        seen.append(prompt.focused())
        prompt.page.keyboard.press("Shift+Tab")
    assert seen == ["Cancel", "prompt-passphrase", "Unlock", "Cancel"]


def test_a_wrong_passphrase_keeps_it_open(prompt: Prompt) -> None:
    prompt.ask("authenticate")
    prompt.wait_until_armed()
    prompt.page.keyboard.type("wrong passphrase")
    prompt.page.keyboard.press("Enter")
    expect(prompt.dialog.get_by_role("alert")).to_have_text("Invalid passphrase.")
    expect(prompt.dialog.get_by_label("Passphrase")).to_have_value("")
    expect(prompt.dialog.get_by_label("Passphrase")).to_be_focused()
    expect(prompt.dialog.get_by_label("Passphrase")).to_have_attribute("aria-invalid", "true")
    prompt.page.keyboard.type(RIGHT)
    prompt.dialog.get_by_role("button", name="Unlock").click()
    assert prompt.outcome() == {"value": {"publicKey": "after 2"}}


@pytest.mark.parametrize("how", ["Escape", "Cancel"])
def test_cancel(prompt: Prompt, how: str) -> None:
    prompt.ask("authenticate")
    prompt.wait_until_armed()
    if how == "Escape":
        prompt.page.keyboard.press("Escape")
    else:
        prompt.dialog.get_by_role("button", name="Cancel").click()
    assert prompt.error_code() == "unlock.cancelled"
    expect(prompt.dialog).to_have_count(0)


def test_nothing_is_left(prompt: Prompt) -> None:
    before = prompt.frame.evaluate("document.documentElement.outerHTML")
    prompt.ask("authenticate")
    prompt.wait_until_armed()
    prompt.page.keyboard.type(RIGHT)
    prompt.page.keyboard.press("Enter")
    prompt.outcome()
    assert prompt.frame.evaluate("document.documentElement.outerHTML") == before
    assert prompt.page.evaluate("events") == [["prompt.show", None], ["prompt.hide", None]]


def test_the_page_gets_its_focus_back(prompt: Prompt) -> None:
    prompt.page.locator("#before").focus()
    prompt.ask("authenticate")
    prompt.wait_until_armed()
    assert prompt.page.evaluate("document.activeElement.tagName") == "IFRAME"
    assert prompt.page.evaluate(
        "(({ x, y, width, height }) => [x, y, width === innerWidth, height === innerHeight])"
        "(document.querySelector('iframe').getBoundingClientRect())"
    ) == [0, 0, True, True]
    prompt.page.keyboard.press("Escape")
    prompt.error_code()
    expect(prompt.page.locator("#before")).to_be_focused()
    expect(prompt.page.locator("iframe")).to_be_hidden()


def test_it_is_above_a_modal_dialog_of_the_page(own_prompt: Prompt) -> None:
    prompt = own_prompt
    prompt.page.evaluate(
        """() => {
            const dialog = document.createElement("dialog");
            dialog.append("The page's own");
            document.body.append(dialog);
            dialog.showModal();
        }"""
    )
    prompt.ask("authenticate")
    prompt.wait_until_armed()
    prompt.dialog.get_by_label("Passphrase").click()
    prompt.page.keyboard.type(RIGHT)
    prompt.dialog.get_by_role("button", name="Unlock").click()
    assert "value" in prompt.outcome()


def test_a_second_prompt_queues_behind_the_first(prompt: Prompt) -> None:
    prompt.ask("authenticate", "first")
    prompt.ask("confirm", "second")
    prompt.wait_until_armed()
    expect(prompt.dialog).to_have_count(1)
    expect(prompt.dialog).to_have_accessible_name("Confirm it’s you")
    prompt.page.keyboard.press("Escape")
    assert prompt.error_code("first") == "unlock.cancelled"
    expect(prompt.dialog).to_have_accessible_name("This cannot be undone")
    prompt.wait_until_armed()
    prompt.page.keyboard.type("RESET")
    prompt.page.keyboard.press("Enter")
    assert prompt.outcome("second") == {
        "value": {"publicKey": json.dumps({"word": "RESET"}, separators=(",", ":"))}
    }
    names = prompt.page.evaluate("events.map(([name]) => name)")
    assert names == ["prompt.show", "prompt.show", "prompt.hide"]


def test_what_destroys_wants_its_word(prompt: Prompt) -> None:
    prompt.ask("confirm")
    prompt.wait_until_armed()
    for entry in ["", "reset"]:
        prompt.dialog.get_by_label("Type RESET to confirm").fill(entry)
        prompt.page.keyboard.press("Enter")
        expect(prompt.dialog.get_by_role("alert")).to_have_text("Type RESET exactly as shown.")
    prompt.dialog.get_by_label("Type RESET to confirm").fill("RESET")
    prompt.dialog.get_by_role("button", name="Confirm").click()
    assert "value" in prompt.outcome()


def test_a_new_passphrase_is_typed_twice(prompt: Prompt) -> None:
    prompt.ask("choose")
    prompt.wait_until_armed()
    first = prompt.dialog.get_by_label("New passphrase")
    again = prompt.dialog.get_by_label("The same passphrase again")
    expect(first).to_have_attribute("autocomplete", "new-password")
    first.fill("seven77")
    prompt.page.keyboard.press("Enter")
    expect(prompt.dialog.get_by_role("alert")).to_contain_text("at least 8 characters")
    expect(first).to_be_focused()
    first.fill("long enough 🔑")
    again.fill("long enough")
    prompt.page.keyboard.press("Enter")
    expect(prompt.dialog.get_by_role("alert")).to_contain_text("not the same")
    expect(again).to_be_focused()
    again.fill("long enough 🔑")
    prompt.page.keyboard.press("Enter")
    answer = json.loads(prompt.outcome()["value"]["publicKey"])
    assert answer == {"method": "passphrase", "passphrase": "long enough 🔑"}


def test_the_page_cannot_answer(open_page: OpenPage) -> None:
    page = open_page("raw.html")
    page.evaluate("handshake()")
    page.evaluate(ASK.format(id=5, kid="authenticate"))
    prompt = Prompt(page)
    prompt.dialog.wait_for()
    answer = {"method": "passphrase", "passphrase": RIGHT}
    page.evaluate(
        "(answer) => { for (let id = 10; id < 20; id++) port.postMessage({ id, answer }); }", answer
    )
    page.evaluate(
        """(answer) => {
            port.postMessage({ id: 1, answer });
            port.postMessage(JSON.stringify({ id: 1, answer }));
        }""",
        answer,
    )
    page.evaluate("port.postMessage({ ask: 'close' })")
    assert page.evaluate("replyTo(19)")["error"]["code"] == "request.invalid"
    expect(prompt.dialog).to_be_visible()
    assert page.evaluate("received.some(({ id }) => id === 5)") is False


def test_of_a_flood_the_user_refuses_five_and_no_more(prompt: Prompt) -> None:
    prompt.page.evaluate(
        """() => {
            window.settled = 0;
            const count = (outcome) => (settled += 1, outcome);
            window.flood = Promise.all(
                Array.from({ length: 20 }, () => act("confirm").then(count)),
            );
        }"""
    )
    # One is shown and eight wait.
    prompt.page.wait_for_function("settled >= 20 - 9")
    prompt.wait_until_armed()
    assert prompt.page.evaluate("settled") == 20 - 9
    expect(prompt.dialog).to_have_count(1)
    for _ in range(REFUSALS_UNTIL_PAUSE):
        prompt.wait_until_armed()
        expect(prompt.dialog).to_have_count(1)
        prompt.page.keyboard.press("Escape")
    expect(prompt.dialog).to_have_count(0)
    codes = prompt.page.evaluate(
        "flood.then((outcomes) => outcomes.map(({ error }) => error.code))"
    )
    assert codes.count("unlock.cancelled") == REFUSALS_UNTIL_PAUSE
    assert codes.count("unlock.throttled") == 20 - REFUSALS_UNTIL_PAUSE


def is_paused(prompt: Prompt) -> bool:
    prompt.ask("confirm")
    error = prompt.outcome()["error"]
    return error["code"] == "unlock.throttled" and 0 < error["retryAfterMs"] <= 60_000


def test_a_pause_is_over_neither_with_the_worker_nor_with_the_page(own_prompt: Prompt) -> None:
    for _ in range(REFUSALS_UNTIL_PAUSE):
        own_prompt.ask("confirm")
        own_prompt.wait_until_armed()
        own_prompt.page.keyboard.press("Escape")
        assert own_prompt.error_code() == "unlock.cancelled"
    assert is_paused(own_prompt)
    own_prompt.page.evaluate("act('crash')")
    assert is_paused(own_prompt)
    own_prompt.page.reload()
    own_prompt.page.wait_for_function("window.isLoaded")
    own_prompt.page.evaluate("open_()")
    assert is_paused(own_prompt)
