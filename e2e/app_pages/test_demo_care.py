"""Narrow windows, keyboards, screen readers, and a page that stays where it is."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.app_pages.conftest import OpenDemo
from e2e.app_pages.driver import PASSPHRASE, Demo
from e2e.driving.prompts import wait_until_armed

OBSERVE_SHIFTS = """
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifts.push(entry.value);
  }).observe({ type: "layout-shift", buffered: true });
"""

UNNAMED_CONTROLS = """() =>
  [...document.querySelectorAll("button, input, select")]
    .filter(({ labels, ariaLabel, textContent }) => !labels?.length && !ariaLabel && !textContent)
    .map((control) => control.outerHTML)
"""


def overflow_px(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def shifts(demo: Demo) -> list[float]:
    return demo.page.evaluate("window.shifts")


def test_nothing_moves_while_the_enclave_starts(context: BrowserContext, open_demo: OpenDemo):
    """Neither on the first visit nor on a later one."""
    context.add_init_script(OBSERVE_SHIFTS)
    demo = open_demo()
    demo.wait_until_ready()
    assert shifts(demo) == []
    demo.set_up_from_page()
    demo.create_lease_in_enclave()
    demo.page.reload()
    demo.wait_until_ready()
    assert shifts(demo) == []


@pytest.mark.parametrize("width", [320, 1200])
def test_nothing_is_wider_than_the_window(issued_demo: Demo, width: int):
    issued_demo.page.set_viewport_size({"width": width, "height": 700})
    assert overflow_px(issued_demo.page) <= 0


def test_every_control_has_a_name(issued_demo: Demo):
    assert issued_demo.page.evaluate(UNNAMED_CONTROLS) == []


def test_what_happens_is_announced(issued_demo: Demo):
    explanation = issued_demo.page.locator("#start-explain")
    expect(explanation).to_have_role("status")
    expect(explanation).to_contain_text("This page can send it messages")
    expect(issued_demo.failure("setup")).to_have_attribute("role", "alert")


def test_the_keyboard_alone_is_enough(demo: Demo):
    keyboard = demo.page.keyboard
    keyboard.press("Tab")
    expect(demo.page.get_by_role("link", name="Skip to the steps")).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(demo.page.get_by_role("button", name="Set up in the enclave")).to_be_focused()
    keyboard.press("Enter")
    expect(demo.prompt.get_by_label("New passphrase")).to_be_focused()
    wait_until_armed(demo.prompt.get_by_role("dialog"))
    keyboard.type(PASSPHRASE)
    keyboard.press("Tab")
    keyboard.type(PASSPHRASE)
    keyboard.press("Enter")
    expect(demo.prompt.get_by_role("button", name="I’ll remember")).to_be_focused()
    wait_until_armed(demo.prompt.get_by_role("dialog"))
    keyboard.press("Enter")
    demo.wait_until_done("setup")
    # Its form is gone: the focus is where the result is told, and goes on from there.
    expect(demo.page.locator("#setup-explain")).to_be_focused()
    keyboard.press("Tab")
    expect(demo.page.get_by_label("User")).to_be_focused()
