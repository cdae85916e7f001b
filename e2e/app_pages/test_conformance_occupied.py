"""A run never deletes keys that it did not make, and always tidies up what it did."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from e2e.app_pages.driver import PASSPHRASE, Demo
from e2e.conftest import Serve
from tools.patience import patient
from tools.server.serving import LocalServer

RUN_MS = patient(120_000)


def open_run(context: BrowserContext, server: LocalServer) -> Page:
    page = context.new_page()
    page.goto(f"{server.app_origin}/conformance/?autorun=1")
    return page


def set_up(context: BrowserContext, server: LocalServer) -> Demo:
    demo = Demo(context.new_page())
    demo.page.goto(f"{server.app_origin}/")
    demo.wait_until_ready()
    demo.set_up_from_page()
    return demo


def summary_becomes(page: Page, text: str) -> None:
    expect(page.locator("#summary")).to_contain_text(text, timeout=RUN_MS)


def begins(page: Page) -> None:
    """Wait until the run has set an enclave up and made a lease; the rest is every run's."""
    expect(page.locator("#check-lease td").first).to_have_text("pass", timeout=RUN_MS)


def test_an_enclave_in_use_is_left_alone(context: BrowserContext, demo_server: LocalServer):
    demo = set_up(context, demo_server)
    key = demo.page.locator("#setup-facts").inner_text()
    page = open_run(context, demo_server)
    summary_becomes(page, "the enclave is in use")
    expect(page.get_by_role("heading", name="This enclave is in use")).to_be_visible()
    demo.page.reload()
    demo.wait_until_ready()
    assert demo.page.locator("#setup-facts").inner_text() == key


def test_an_enclave_in_use_is_cleared_by_the_word_of_its_user(
    context: BrowserContext, demo_server: LocalServer
):
    set_up(context, demo_server).page.close()
    page = open_run(context, demo_server)
    page.get_by_role("button", name="Delete its keys and run").click(timeout=RUN_MS)
    Demo(page).answer_prompt("RESET", "Confirm")
    begins(page)


def test_a_run_that_was_broken_off_is_tidied_up_by_the_next(
    context: BrowserContext, demo_server: LocalServer
):
    broken = open_run(context, demo_server)
    begins(broken)
    broken.close()
    begins(open_run(context, demo_server))


def test_where_a_page_may_not_pass_credentials_a_person_types_them(
    context: BrowserContext, serve: Serve, pieces: Path
):
    page = open_run(context, serve(app_root=pieces / "demo", page_credentials=False))
    demo = Demo(page)
    demo.answer_prompt(PASSPHRASE, "Set passphrase")
    demo.answer_prompt("", "I’ll remember")
    for _ in ("lease", "quota.tokens-per-hour"):
        demo.answer_prompt(PASSPHRASE, "Unlock")
    demo.answer_prompt("RESET", "Confirm")
    summary_becomes(page, "Everything works here")
    expect(page.locator("#checks .fail")).to_have_count(0)
    skipped = ["setup.passphrase-rules", "lease.wrong-passphrase"]
    expect(page.locator("#checks .skipped")).to_have_count(len(skipped))
