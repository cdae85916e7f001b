"""When the SDK asks for the log's proof, and what is answered before it has it."""

from __future__ import annotations

from playwright.sync_api import Page

from e2e.handshake.conftest import code_of


def test_another_log_under_a_running_enclave_stops_it(sdk_page: Page) -> None:
    sdk_page.evaluate("act('log.other')")
    sdk_page.wait_for_function(
        "outcome(kms.getPublicKey('echo')).then(({ error }) => error?.code === 'audit.rollback')"
    )
    assert code_of(sdk_page, "kms.getStatus()") is None
    assert code_of(sdk_page, "kms.init()") == "audit.rollback"
    assert sdk_page.evaluate("kms.acceptNewLog()")["log"].endswith("/other")
    assert code_of(sdk_page, "kms.getPublicKey('echo')") is None
