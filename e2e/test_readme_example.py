"""The page in README.md works as it stands, with prompts of the enclave's own."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import BrowserContext, FrameLocator, Page, expect

from e2e.conftest import Serve
from e2e.driving.enclave import PASSPHRASE
from web.server.deployment import REPOSITORY

_EXAMPLE = re.compile(r"```html\n(.*?)\n```", re.DOTALL)
_DOCUMENTED_ORIGIN = "http://localhost:8501"
# A prompt takes nothing in its first half second.
_UNARMED_MS = 600


def _answer(page: Page, prompt: FrameLocator, title: str, *entries: str) -> None:
    """Fill the fields of the dialog that asks for this, as with a keyboard, and press Enter."""
    expect(prompt.get_by_role("dialog")).to_have_accessible_name(title)
    page.wait_for_timeout(_UNARMED_MS)
    for number, entry in enumerate(entries):
        if number:
            page.keyboard.press("Tab")
        page.keyboard.type(entry)
    page.keyboard.press("Enter")


def test_the_example_of_the_readme_shows_a_token(
    context: BrowserContext, serve: Serve, tmp_path: Path
):
    server = serve(app_root=tmp_path, page_credentials=False)
    (example,) = _EXAMPLE.findall((REPOSITORY / "README.md").read_text("utf-8"))
    assert example.count(_DOCUMENTED_ORIGIN) == 1
    text = example.replace(_DOCUMENTED_ORIGIN, server.kms_origin)
    (tmp_path / "index.html").write_text(text, "utf-8")
    page = context.new_page()
    page.goto(f"{server.app_origin}/")
    page.get_by_role("button").click()
    prompt = page.frame_locator("iframe")
    _answer(page, prompt, "Choose a passphrase", PASSPHRASE, PASSPHRASE)
    _answer(page, prompt, "You are set up")
    _answer(page, prompt, "Confirm it’s you", PASSPHRASE)
    page.wait_for_function("document.querySelector('pre').textContent")
    token = json.loads(page.locator("pre").inner_text())
    assert token["auditEntry"]["details"]["jti"] == token["jti"]
