"""Clicks stolen under a cover that lets them through, or from a prompt that is shown in part."""

from __future__ import annotations

import time
import uuid

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

COVER_DELAY_MS = 400

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
A_SLIVER = "document.querySelector('iframe').style.setProperty('height', '150px', 'important')"


# Room for the fields and the button alone.
TOO_LOW_PX = 225


@pytest.fixture
def asked(user: User) -> User:
    """In front of a passphrase prompt."""
    user.begin("setupPassphrase")
    user.sees("Choose a passphrase")
    for label in ("New passphrase", "The same passphrase again"):
        user.dialog.get_by_label(label).fill(PASSPHRASE)
    return user


def click_through(user: User) -> None:
    """Click where the button is, as a user does who does not see it."""
    box = user.dialog.get_by_role("button", name="Set passphrase").bounding_box()
    assert box is not None
    user.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_under_a_cover_no_click_counts(asked: User) -> None:
    asked.page.evaluate(COVER)
    asked.page.wait_for_timeout(COVER_DELAY_MS)
    click_through(asked)
    expect(asked.dialog.get_by_role("alert")).to_contain_text("covers this prompt")
    expect(asked.dialog.get_by_role("button", name="Go on in a window")).to_be_visible()
    asked.page.keyboard.press("Enter")
    assert asked.enclave.call("isSetup").value["isSetup"] is False
    asked.page.evaluate("document.querySelector('#cover').remove()")
    asked.page.wait_for_timeout(COVER_DELAY_MS + 600)
    click_through(asked)
    asked.remember()
    assert asked.outcome().code is None


def test_a_see_through_cover_counts_as_well(asked: User) -> None:
    asked.page.evaluate(COVER)
    asked.page.evaluate("document.querySelector('#cover').style.background = 'transparent'")
    asked.page.wait_for_timeout(COVER_DELAY_MS)
    click_through(asked)
    expect(asked.dialog.get_by_role("alert")).to_contain_text("covers this prompt")


def test_a_faded_iframe_takes_no_click(asked: User) -> None:
    asked.page.evaluate("document.querySelector('iframe').style.setProperty('opacity', '0.01')")
    asked.page.wait_for_timeout(COVER_DELAY_MS)
    click_through(asked)
    expect(asked.dialog.get_by_role("alert")).to_contain_text("covers this prompt")


def test_a_prompt_that_is_cut_off_takes_no_click(asked: User) -> None:
    field = asked.dialog.get_by_label("New passphrase").bounding_box()
    assert field is not None
    asked.page.evaluate(CUT_OFF, field["y"] - 40)
    asked.page.wait_for_timeout(COVER_DELAY_MS + 600)
    click_through(asked)
    expect(asked.dialog.get_by_role("alert")).to_contain_text("cuts it off")
    asked.page.keyboard.press("Enter")
    assert asked.enclave.call("isSetup").value["isSetup"] is False


def test_a_prompt_with_no_room_for_what_it_says_takes_no_enter(asked: User) -> None:
    asked.page.evaluate(A_SLIVER)
    asked.page.wait_for_timeout(COVER_DELAY_MS + 600)
    asked.dialog.get_by_label("The same passphrase again").focus()
    asked.page.keyboard.press("Enter")
    expect(asked.dialog.get_by_role("alert")).to_contain_text("cuts it off")
    assert asked.enclave.call("isSetup").value["isSetup"] is False


def make_low(user: User, height_px: int) -> None:
    user.page.evaluate(
        "(height) => document.querySelector('iframe')"
        ".style.setProperty('height', `${height}px`, 'important')",
        height_px,
    )


def test_a_prompt_that_scrolls_who_asks_away_takes_no_click(asked: User) -> None:
    make_low(asked, TOO_LOW_PX)
    asked.dialog.get_by_label("The same passphrase again").focus()
    asked.page.wait_for_timeout(COVER_DELAY_MS + 600)
    asked.press("Set passphrase")
    expect(asked.dialog.get_by_role("alert")).to_contain_text("cuts it off")
    expect(asked.dialog.get_by_role("button", name="Go on in a window")).to_be_visible()
    asked.page.wait_for_timeout(COVER_DELAY_MS + 600)
    asked.dialog.get_by_label("The same passphrase again").focus()
    asked.page.keyboard.press("Enter")
    assert asked.enclave.call("isSetup").value["isSetup"] is False


def begin_batch(user: User, audiences: list[str]) -> None:
    """Ask for one token for each audience, once set up."""
    claims = {"sub": "mailto:ada@example.org", "exp": int(time.time()) + 600}
    user.remember()
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


@pytest.mark.parametrize("batch", LONG_BATCHES)
def test_who_asks_stays_in_sight_above_a_long_text(asked: User, batch: str) -> None:
    asked.page.set_viewport_size({"width": 800, "height": 600})
    asked.press("Set passphrase")
    begin_batch(asked, LONG_BATCHES[batch])
    operation = asked.dialog.locator(".operation")
    operation.evaluate("(text) => { text.scrollTop = text.scrollHeight; }")
    asked.dialog.get_by_label("Passphrase").focus()
    for part in (".recognition", "header", ".origin", "footer"):
        assert in_sight(asked, part), part
    asked.type(PASSPHRASE)
    assert asked.outcome().code is None


def test_the_keyboard_alone_reads_a_long_text_to_its_end(asked: User) -> None:
    asked.page.set_viewport_size({"width": 800, "height": 600})
    asked.press("Set passphrase")
    begin_batch(asked, LONG_BATCHES["ten steps"])
    operation = asked.dialog.locator(".operation")
    asked.page.keyboard.press("Shift+Tab")
    expect(operation).to_be_focused()
    asked.page.keyboard.press("End")
    asked.enclave.wait_until(
        lambda: operation.evaluate(
            "(text) => text.scrollTop + text.clientHeight >= text.scrollHeight - 1"
        )
    )
