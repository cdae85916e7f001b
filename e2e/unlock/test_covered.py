"""Clicks stolen under a cover that lets them through, or from a prompt that is shown in part."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from e2e.driving.enclave import PASSPHRASE
from e2e.unlock.user import User

# In the top layer after the enclave's own, and not hit by clicks: what lies under it gets them.
COVER = """() => {
    const cover = document.createElement("div");
    cover.id = "cover";
    cover.popover = "manual";
    cover.style.cssText =
        "inset:0;width:100vw;height:100vh;border:0;pointer-events:none;background:white";
    cover.textContent = "Click here to win";
    document.body.append(cover);
    cover.showPopover();
}"""

SEE_THROUGH = "() => { document.querySelector('#cover').style.background = 'transparent'; }"
FADED = "() => { document.querySelector('iframe').style.setProperty('opacity', '0.01'); }"
KEEP_STYLES = """() => {
    const frame = document.querySelector("iframe");
    window.styles = [frame, frame.parentElement].map((styled) => [styled, styled.style.cssText]);
}"""
UNCOVER = """() => {
    document.querySelector("#cover")?.remove();
    for (const [styled, text] of styles) styled.style.cssText = text;
}"""

# What says who asks, and for what, is above the first field; the button stays where it was.
CUT_OFF = """(top) => {
    const frame = document.querySelector("iframe");
    const style = (element, property, value) =>
        element.style.setProperty(property, value, "important");
    style(frame.parentElement, "top", `${top}px`);
    style(frame.parentElement, "height", `calc(100vh - ${top}px)`);
    style(frame, "height", "100vh");
    style(frame, "margin-top", `-${top}px`);
}"""
A_SLIVER_PX = 150


# Room for the field and the button alone.
TOO_LOW_PX = 225
CUT_OFF_TEXT = "Something covers this prompt or cuts it off"


@pytest.fixture
def asked(set_up_user: User) -> Iterator[User]:
    """In front of a passphrase prompt that is filled in, on a page that is put right afterwards."""
    set_up_user.begin("generateVAPID")
    set_up_user.sees("Confirm it’s you")
    set_up_user.dialog.get_by_label("Passphrase").fill(PASSPHRASE)
    set_up_user.page.evaluate(KEEP_STYLES)
    yield set_up_user
    set_up_user.page.evaluate(UNCOVER)


def press_through(user: User) -> None:
    """Click where the button is, as a user does who does not see it."""
    box = user.dialog.get_by_role("button", name="Unlock").bounding_box()
    assert box is not None
    user.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def press_enter(user: User) -> None:
    user.dialog.get_by_label("Passphrase").focus()
    user.page.keyboard.press("Enter")


def takes_nothing(user: User, press: Callable[[User], None]) -> None:
    """The prompt says why, offers a window, and is not checking what was entered."""
    expect(user.dialog).not_to_have_attribute("data-armed", "")
    press(user)
    expect(user.dialog.get_by_role("alert")).to_contain_text(CUT_OFF_TEXT)
    expect(user.dialog.get_by_role("button", name="Go on in a window")).to_be_visible()
    expect(user.dialog).not_to_have_attribute("aria-busy", "true")
    assert user.page.evaluate("Promise.race([calling, 'waits'])") == "waits"


@pytest.mark.parametrize("cover", [[COVER], [COVER, SEE_THROUGH], [FADED]])
def test_under_a_cover_no_click_and_no_enter_counts(asked: User, cover: list[str]) -> None:
    for script in cover:
        asked.page.evaluate(script)
    takes_nothing(asked, press_through)
    takes_nothing(asked, press_enter)
    asked.page.evaluate(UNCOVER)
    asked.sees("Confirm it’s you")
    press_through(asked)
    assert asked.outcome().code is None


def test_a_prompt_that_is_cut_off_takes_nothing(asked: User) -> None:
    field = asked.dialog.get_by_label("Passphrase").bounding_box()
    assert field is not None
    asked.page.evaluate(CUT_OFF, field["y"] - 40)
    takes_nothing(asked, press_through)
    takes_nothing(asked, press_enter)


@pytest.mark.parametrize("height_px", [A_SLIVER_PX, TOO_LOW_PX])
def test_a_prompt_with_no_room_for_what_it_says_takes_nothing(asked: User, height_px: int) -> None:
    asked.page.evaluate(
        "(height) => document.querySelector('iframe')"
        ".style.setProperty('height', `${height}px`, 'important')",
        height_px,
    )
    takes_nothing(asked, press_enter)


def begin_batch(user: User, audiences: list[str]) -> None:
    """Ask for one token for each audience."""
    claims = {"sub": "mailto:ada@example.org", "exp": int(time.time()) + 600}
    tokens = [
        {
            "method": "signJWT",
            "params": {
                "kid": {"$ref": "0.kid"},
                "payload": {**claims, "aud": audience, "jti": str(uuid.uuid4())},
            },
        }
        for audience in audiences
    ]
    user.begin("batch", [{"method": "regenerateVAPID", "params": {}}, *tokens])
    user.sees("Confirm it’s you")


def in_sight(user: User, part: str) -> bool:
    """Whether all of it is within the dialog and the window."""
    return user.dialog.locator(part).evaluate(
        """(part) => {
            const { top, bottom } = part.getBoundingClientRect();
            const dialog = part.closest("dialog").getBoundingClientRect();
            return top >= Math.max(dialog.top, 0) && bottom <= Math.min(dialog.bottom, innerHeight);
        }"""
    )


LONG_BATCHES = {
    "ten steps": [f"https://push{number}.example.org" for number in range(9)],
    "a long audience": ["https://" + ".".join(["a" * 60] * 4) + ".example"],
}


@pytest.fixture
def narrow(set_up_user: User) -> Iterator[User]:
    """In a window with little room."""
    before = set_up_user.page.viewport_size
    assert before is not None
    set_up_user.page.set_viewport_size({"width": 800, "height": 600})
    yield set_up_user
    set_up_user.page.set_viewport_size(before)


@pytest.mark.parametrize("batch", LONG_BATCHES)
def test_who_asks_stays_in_sight_above_a_long_text(narrow: User, batch: str) -> None:
    begin_batch(narrow, LONG_BATCHES[batch])
    operation = narrow.dialog.locator(".operation")
    operation.evaluate("(text) => { text.scrollTop = text.scrollHeight; }")
    narrow.dialog.get_by_label("Passphrase").focus()
    for part in (".recognition", "header", ".origin", "footer"):
        assert in_sight(narrow, part), part
    narrow.type(PASSPHRASE)
    assert narrow.outcome().code is None


def test_the_keyboard_alone_reads_a_long_text_to_its_end(narrow: User) -> None:
    begin_batch(narrow, LONG_BATCHES["ten steps"])
    operation = narrow.dialog.locator(".operation")
    narrow.page.keyboard.press("Shift+Tab")
    expect(operation).to_be_focused()
    narrow.page.keyboard.press("End")
    narrow.enclave.wait_until(
        lambda: operation.evaluate(
            "(text) => text.scrollTop + text.clientHeight >= text.scrollHeight - 1"
        )
    )
