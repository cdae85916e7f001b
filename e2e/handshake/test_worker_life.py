"""How the worker starts, is refused, crashes and comes back, as a page sees it.

Its deadlines: ``calls.test.ts`` and ``supervisor.test.ts`` of ``tests/web/node``.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Worker

from e2e.handshake.conftest import OpenPage, Servers

CLOSED = "channel.closed"


def crash(page: Page) -> dict[str, object]:
    return page.evaluate("outcome(kms.getPublicKey('crash'))")


def test_a_crash_rejects_what_was_sent_and_the_next_call_works(sdk_page: Page) -> None:
    before = sdk_page.evaluate("kms.getPublicKey('age')")
    hanging, crashed = sdk_page.evaluate(
        "Promise.all([outcome(kms.getPublicKey('hang')), outcome(kms.getPublicKey('crash'))])"
    )
    assert hanging["error"]["code"] == CLOSED
    assert crashed["error"]["code"] == CLOSED
    after = sdk_page.evaluate("kms.getPublicKey('age')")
    assert after != before
    assert sdk_page.evaluate("kms.version") == "9.9.9"


def test_a_crash_closes_the_prompt(sdk_page: Page) -> None:
    sdk_page.evaluate("void (window.asking = outcome(kms.getPublicKey('authenticate')))")
    sdk_page.locator("dialog").wait_for(state="visible")
    crash(sdk_page)
    sdk_page.locator("dialog").wait_for(state="hidden")
    assert sdk_page.evaluate("asking")["error"]["code"] == CLOSED


def test_a_worker_that_never_starts_is_given_up(open_page: OpenPage) -> None:
    page = open_page("sdk.html", start="crash")
    attempts: list[Worker] = []
    page.on("worker", lambda worker: attempts.append(worker))
    outcome = page.evaluate("outcome(open_())")
    assert outcome["error"]["code"] == CLOSED
    assert outcome["error"]["details"] == {"stage": "python"}
    assert len(attempts) == 3


def test_a_refused_start_rejects_init_and_leaves_no_iframe(open_page: OpenPage) -> None:
    page = open_page("sdk.html", start="blocked")
    outcome = page.evaluate("outcome(open_())")
    assert outcome["error"] == {
        "name": "KMSError",
        "code": "storage.blocked",
        "message": "The start was refused",
        "retryAfterMs": None,
        "details": {"stage": "entry"},
        "handle": None,
    }
    page.wait_for_function("document.querySelectorAll('iframe').length === 0")


def test_a_locked_enclave_still_shows_its_evidence(open_page: OpenPage) -> None:
    page = open_page("sdk.html", start="locked")
    outcome = page.evaluate("outcome(open_())")
    assert outcome["error"]["code"] == "attestation.failed"
    assert outcome["error"]["handle"] == ["getStatus", "getAuditLog", "exportAudit", "resetKMS"]
    page.evaluate("async () => { window.locked = await kms.init().catch((error) => error); }")
    assert page.evaluate("locked instanceof KMSError && locked instanceof LockedError")
    assert page.evaluate("locked.handle.getStatus()") == {"state": "locked"}
    assert page.evaluate("locked.handle.getAuditLog()") == {"entries": [], "next": None}
    assert page.evaluate("outcome(kms.isSetup())")["error"]["code"] == "attestation.failed"
    assert page.evaluate("locked.handle.resetKMS()") == {"success": True, "checkpoint": None}
    page.evaluate("kms.init()")
    assert page.evaluate("kms.version") == "9.9.9"


@pytest.mark.parametrize(
    "piece", ["assets/worker.*.gz", "assets/config.*.json", "kms-runtime.json"]
)
def test_a_file_that_is_not_the_one_that_was_built(
    open_page: OpenPage, servers: Servers, piece: str
) -> None:
    site = servers("ready", variant=piece).site
    for file in site.glob(piece):
        file.write_bytes(file.read_bytes() + b"\n")
    page = open_page("sdk.html", variant=piece)
    outcome = page.evaluate("outcome(open_())")
    assert outcome["error"]["code"] == "integrity.failed"
