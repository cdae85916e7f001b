"""The enclave's prompts, as a user meets them: in its iframe or in its window."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def wait_until_armed(dialog: Locator) -> None:
    """Wait until a prompt takes input: whole, uncovered, and both for half a second."""
    expect(dialog).to_have_attribute("data-armed", "")


def sees(dialog: Locator, title: str) -> None:
    """Wait until a view of this title is there, and takes input."""
    expect(dialog).to_have_accessible_name(title)
    wait_until_armed(dialog)


def type_entries(page: Page, *entries: str) -> None:
    """Fill the fields in order, as with a keyboard, and press Enter."""
    for number, entry in enumerate(entries):
        if number:
            page.keyboard.press("Tab")
        page.keyboard.type(entry)
    page.keyboard.press("Enter")
