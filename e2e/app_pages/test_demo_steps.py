"""The way through the demo, and its wrong turns."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

from oracles.vapid import verify_vapid_token
from playwright.sync_api import BrowserContext, expect

from e2e.app_pages.driver import PASSPHRASE, Demo
from e2e.conftest import Serve
from tools.patience import patient
from tools.server.serving import LocalServer

ENDPOINT_URL = "https://fcm.googleapis.com/fcm/send/demo-phone"


def public_key_of(demo: Demo) -> str:
    """The current public key, asked for by a `KMSUser` of this test's own."""
    return demo.page.evaluate(
        """async () => {
          const { KMSUser } = await import("/sdk/kms-user.js");
          const kms = new KMSUser(await (await fetch("/sdk/enclave.json")).json());
          await kms.init();
          return (await kms.getPublicKey()).publicKey;
        }"""
    )


def test_a_stranger_gets_a_token_that_others_accept(demo: Demo):
    demo.set_up_in_enclave()
    demo.create_lease_in_enclave()
    jwt = demo.issue()
    verify_vapid_token(
        jwt,
        public_key=public_key_of(demo),
        expected_endpoint=ENDPOINT_URL,
        now_s=time.time(),
    )


def test_the_page_checks_token_and_entry_by_itself(issued_demo: Demo):
    findings = issued_demo.page.locator(".findings li")
    expect(findings).to_have_count(7)
    expect(findings.and_(issued_demo.page.locator(".holds"))).to_have_count(7)


def test_the_log_is_told_in_words_and_verified(issued_demo: Demo):
    rows = issued_demo.page.locator("#log-entries summary")
    expect(rows).to_have_text(
        [
            re.compile(r"#3.*A token for phone at https://fcm\.googleapis\.com, until"),
            re.compile(r"#2.*A lease for ada, 2 endpoints, until"),
            re.compile(r"#1.*Set up with a passphrase, passed by the page"),
            re.compile(r"#0.*The enclave’s log began"),
        ]
    )
    issued_demo.page.get_by_role("button", name="Verify the whole chain").click()
    expect(issued_demo.page.locator("#log-verdict")).to_contain_text("All 4 entries hold.")


def test_the_downloaded_log_verifies_on_the_command_line(issued_demo: Demo, tmp_path: Path):
    with issued_demo.page.expect_download() as download:
        issued_demo.page.get_by_role("button", name="Download the log").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    told = issued_demo.page.locator("#log-explain")
    expect(told).to_contain_text("kms-enclave audit verify audit.jsonl --public-key")
    *command, key = told.inner_text().partition("kms-enclave ")[2].split()
    program = Path(sys.executable).with_name("kms-enclave")
    ran = subprocess.run(
        [program, *command[:2], path, "--public-key", key], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_a_deleted_entry_shows_even_if_the_rest_is_linked_anew(issued_demo: Demo):
    issued_demo.page.locator("#log-entries summary").filter(has_text="#1").click()
    issued_demo.page.get_by_role("button", name="Delete one from a copy").click()
    parts = issued_demo.page.locator("#log-report .part")
    expect(parts).to_have_count(2)
    deleted, relinked = parts.first, parts.last
    expect(deleted).to_contain_text("Entry 1 deleted")
    expect(deleted).to_contain_text("number 2 stands where 1 belongs")
    expect(relinked.locator(".holds .title")).to_have_text(["Numbers", "Links", "Hashes"])
    expect(relinked.locator(".fails .title")).to_have_text(["Signatures", "Count"])
    issued_demo.page.get_by_role("button", name="Verify the whole chain").click()
    expect(issued_demo.page.locator("#log-verdict")).to_contain_text("All 4 entries hold.")


def test_a_lease_is_remembered_over_a_reload_until_it_ends(leased_demo: Demo):
    leased_demo.page.reload()
    leased_demo.wait_until_ready()
    leased_demo.issue()
    leased_demo.page.evaluate(
        """() => {
          const item = JSON.parse(localStorage.getItem("kms-demo/1"));
          item.lease.exp = 1;
          localStorage.setItem("kms-demo/1", JSON.stringify(item));
        }"""
    )
    leased_demo.page.reload()
    leased_demo.wait_until_ready()
    expect(leased_demo.page.get_by_role("button", name="Issue a token")).to_be_disabled()
    expect(leased_demo.page.locator("#lease-facts")).to_contain_text("It has ended")


def test_what_is_wrong_with_a_lease_is_told_at_its_field_or_by_code(demo: Demo):
    demo.set_up_from_page()
    address = demo.page.get_by_label("Endpoint 1, address")
    right = address.input_value()
    create = demo.page.get_by_role("button", name="Create the lease")
    address.fill("nowhere")
    create.click()
    expect(address).to_be_focused()
    address.fill("https://exa mple")
    create.click()
    expect(demo.failure("lease")).to_contain_text("request.invalid subs[0].url")
    address.fill(right)
    demo.create_lease_from_page("another passphrase")
    expect(demo.failure("lease")).to_have_text("unlock.denied Invalid passphrase")
    demo.create_lease_from_page(PASSPHRASE)
    demo.wait_until_done("lease")
    expect(demo.failure("lease")).to_be_empty()


def test_a_cancelled_prompt_changes_nothing(demo: Demo):
    demo.page.get_by_role("button", name="Set up in the enclave").click()
    expect(demo.prompt.get_by_label("New passphrase")).to_be_focused()
    demo.page.keyboard.press("Escape")
    expect(demo.failure("setup")).to_contain_text("unlock.cancelled")
    expect(demo.page.locator("#fact-entries")).to_have_text("1")


def test_start_over_needs_the_typed_word(leased_demo: Demo):
    leased_demo.page.get_by_role("button", name="Delete everything").click()
    leased_demo.answer_prompt("RESET", "Confirm")
    expect(leased_demo.page.locator("#reset-explain")).to_contain_text(
        "Keys, leases and log are gone"
    )
    expect(leased_demo.page.locator("#key-state")).to_have_text("no key yet")
    expect(leased_demo.page.get_by_role("button", name="Set up in the enclave")).to_be_enabled()


def test_a_page_that_may_not_pass_credentials_offers_only_the_prompt(
    context: BrowserContext, serve: Serve, pieces: Path
):
    server = serve(app_root=pieces / "demo", page_credentials=False)
    demo = Demo(context.new_page())
    demo.page.goto(f"{server.app_origin}/")
    demo.wait_until_ready()
    expect(demo.page.locator("#setup-page-note")).to_contain_text("forbids it")
    expect(demo.page.get_by_role("button", name="Set up from this page")).to_be_disabled()
    demo.set_up_in_enclave()
    expect(demo.page.get_by_label("this page", exact=True)).to_be_disabled()
    demo.create_lease_in_enclave()


def test_an_enclave_that_cannot_store_is_told_by_code(
    context_without_storage: BrowserContext, demo_server: LocalServer
):
    demo = Demo(context_without_storage.new_page())
    demo.page.goto(f"{demo_server.cross_site_app_origin}/")
    expect(demo.failure("start")).to_contain_text("storage.blocked", timeout=patient(30_000))
    expect(demo.page.get_by_role("button", name="Set up in the enclave")).to_be_disabled()


def test_another_log_than_the_one_seen_is_told_and_gone_on_with_by_the_users_word(
    leased_demo: Demo, demo_server: LocalServer
):
    page = leased_demo.page
    page.goto(f"{demo_server.kms_origin}/kms-runtime.json")
    page.evaluate(
        "() => new Promise((done) => { indexedDB.deleteDatabase('kms').onsuccess = () => done(); })"
    )
    page.goto(f"{demo_server.app_origin}/")
    expect(leased_demo.failure("start")).to_contain_text("audit.rollback", timeout=patient(30_000))
    expect(page.get_by_role("button", name="Issue a token")).to_be_disabled()
    page.get_by_role("button", name="Go on with this log").click()
    leased_demo.wait_until_ready()
    expect(leased_demo.failure("start")).to_be_empty()
    leased_demo.set_up_from_page()
