"""The page in README.md works as it stands, with prompts of the enclave's own."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

from playwright.sync_api import BrowserContext, FrameLocator, Page, Playwright, expect

from e2e.conftest import Serve
from e2e.driving import prompts
from e2e.driving.chromium import launch_chromium_without_third_party_storage
from e2e.driving.enclave import PASSPHRASE
from tools.server.deployment import REPOSITORY

_README = (REPOSITORY / "README.md").read_text("utf-8")
_EXAMPLE = re.compile(r"```html\n(.*?)\n```", re.DOTALL)
_LOCAL_ORIGINS = re.compile(r"^\| `(http://\S+)` \| `(http://\S+)` \|", re.MULTILINE)
_DOCUMENTED_ORIGIN = "http://localhost:8501"
_APP_PORT, _KMS_PORT = "8500", "8501"


def _answer(page: Page, prompt: FrameLocator, title: str, *entries: str) -> None:
    prompts.sees(prompt.get_by_role("dialog"), title)
    prompts.type_entries(page, *entries)


def _open_example(
    context: BrowserContext, serve: Serve, folder: Path, *, app_origin: str, kms_origin: str
) -> Page:
    """Open the example where a row of the table says, and press its button."""
    server = serve(app_root=folder, page_credentials=False)
    (example,) = _EXAMPLE.findall(_README)
    assert example.count(_DOCUMENTED_ORIGIN) == 1
    served_kms = kms_origin.replace(_KMS_PORT, str(server.kms_port))
    text = example.replace(_DOCUMENTED_ORIGIN, served_kms)
    (folder / "index.html").write_text(text, "utf-8")
    page = context.new_page()
    page.goto(app_origin.replace(_APP_PORT, str(server.app_port)))
    page.get_by_role("button").click()
    return page


def test_the_origins_of_the_readme_are_those_of_its_command():
    assert f"make serve KMS_PORT={_KMS_PORT} APP_PORT={_APP_PORT} " in _README
    same_site, cross_site = _LOCAL_ORIGINS.findall(_README)
    assert same_site == ("http://localhost:8500", _DOCUMENTED_ORIGIN)
    assert cross_site == ("http://app.localhost:8500", "http://kms.localhost:8501")


def test_the_cross_site_row_is_blocked_where_third_party_storage_is(
    playwright: Playwright, serve: Serve, tmp_path: Path
):
    _, (app_origin, kms_origin) = _LOCAL_ORIGINS.findall(_README)
    browser = launch_chromium_without_third_party_storage(playwright)
    with contextlib.closing(browser), contextlib.closing(browser.new_context()) as context:
        page = _open_example(context, serve, tmp_path, app_origin=app_origin, kms_origin=kms_origin)
        expect(page.locator("pre")).to_contain_text("storage.blocked: ")


def test_the_example_of_the_readme_shows_a_token(
    context: BrowserContext, serve: Serve, tmp_path: Path
):
    (app_origin, kms_origin), _ = _LOCAL_ORIGINS.findall(_README)
    page = _open_example(context, serve, tmp_path, app_origin=app_origin, kms_origin=kms_origin)
    prompt = page.frame_locator("iframe")
    _answer(page, prompt, "Choose a passphrase", PASSPHRASE, PASSPHRASE)
    _answer(page, prompt, "You are set up")
    _answer(page, prompt, "Confirm it’s you", PASSPHRASE)
    page.wait_for_function("document.querySelector('pre').textContent")
    token = json.loads(page.locator("pre").inner_text())
    assert token["auditEntry"]["details"]["jti"] == token["jti"]
