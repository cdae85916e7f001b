"""The demo page, used as a person would: by what is written on its buttons and fields."""

from __future__ import annotations

import re

import attrs
from playwright.sync_api import FrameLocator, Locator, Page, expect

from e2e.driving.prompts import wait_until_armed
from tools.patience import patient

PASSPHRASE = "correct horse battery staple"

_PROMPT_MS = patient(30_000)


@attrs.frozen
class Demo:
    page: Page

    @property
    def prompt(self) -> FrameLocator:
        return self.page.frame_locator("iframe[title='Key enclave']")

    def step(self, name: str) -> Locator:
        return self.page.locator(f"#step-{name}")

    def failure(self, step: str) -> Locator:
        return self.page.locator(f"#{step}-failure")

    def wait_until_ready(self) -> None:
        expect(self.page.locator("#fact-state")).to_have_text("ready", timeout=patient(30_000))

    def wait_until_done(self, step: str) -> None:
        expect(self.step(step)).to_have_class(re.compile(r"\bdone\b"), timeout=patient(15_000))

    def answer_prompt(self, text: str, accept: str) -> None:
        """Type into every field of the enclave's prompt with the button `accept`, and press it."""
        button = self.prompt.get_by_role("button", name=accept)
        button.wait_for(timeout=_PROMPT_MS)
        wait_until_armed(self.prompt.get_by_role("dialog"))
        for field in self.prompt.get_by_role("textbox").all():
            field.fill(text)
        button.click()

    def set_up_in_enclave(self) -> None:
        self.page.get_by_role("button", name="Set up in the enclave").click()
        self.answer_prompt(PASSPHRASE, "Set passphrase")
        self.answer_prompt("", "I’ll remember")
        self.wait_until_done("setup")

    def set_up_from_page(self) -> None:
        self.page.get_by_label("Passphrase, at least 8 characters").fill(PASSPHRASE)
        self.page.get_by_role("button", name="Set up from this page").click()
        self.wait_until_done("setup")

    def create_lease_in_enclave(self) -> None:
        self.page.get_by_role("button", name="Create the lease").click()
        self.answer_prompt(PASSPHRASE, "Unlock")
        self.wait_until_done("lease")

    def create_lease_from_page(self, passphrase: str) -> None:
        self.page.get_by_label("this page", exact=True).check()
        self.page.get_by_label("Passphrase", exact=True).fill(passphrase)
        self.page.get_by_role("button", name="Create the lease").click()

    def issue(self) -> str:
        """Issue a token and return it, as the page shows it."""
        self.page.get_by_role("button", name="Issue a token").click()
        self.wait_until_done("token")
        return self.page.locator(".compact").inner_text()
