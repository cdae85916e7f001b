"""KMSUser: instances, and promises that always settle, with the built SDK and frame.

More of these rules: ``tests/web/node/kms-user.test.ts``, ``tests/web/browser/connection.test.ts``.
"""

from __future__ import annotations

import json

from playwright.sync_api import Page

from e2e.handshake.conftest import code_of

SANDBOX = (
    "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox "
    "allow-storage-access-by-user-activation"
)
ALLOW = "publickey-credentials-get; publickey-credentials-create; storage-access"
PAGE_ENTRIES = [{"seqNum": number} for number in range(6)]


def iframes(page: Page) -> int:
    return page.locator("iframe").count()


def test_the_iframe_is_hidden_and_may_do_what_it_needs(shared_sdk_page: Page) -> None:
    iframe = shared_sdk_page.locator("iframe")
    assert iframe.get_attribute("sandbox") == SANDBOX
    assert iframe.get_attribute("allow") == ALLOW
    assert iframe.get_attribute("title")
    assert not iframe.is_visible()
    assert shared_sdk_page.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_instances_share_an_iframe_until_the_last_one_goes(sdk_page: Page) -> None:
    sdk_page.evaluate(
        "async () => { window.other = new KMSUser({ kmsOrigin }); await other.init(); }"
    )
    assert iframes(sdk_page) == 1
    sdk_page.evaluate("void (window.mine = outcome(kms.getPublicKey('hang')))")
    sdk_page.evaluate("void (window.slow = outcome(other.getPublicKey('slow')))")
    sdk_page.evaluate("kms.terminate()")
    assert sdk_page.evaluate("mine")["error"]["code"] == "channel.closed"
    assert sdk_page.evaluate("slow") == {"value": {"publicKey": "slow"}}
    assert code_of(sdk_page, "kms.getStatus()") == "channel.closed"
    assert code_of(sdk_page, "other.getStatus()") is None
    sdk_page.evaluate("other.terminate()")
    assert iframes(sdk_page) == 0


def test_it_starts_anew_after_terminate(sdk_page: Page) -> None:
    before = sdk_page.evaluate("kms.getPublicKey('age')")
    sdk_page.evaluate("async () => { await kms.terminate(); await kms.init(); }")
    assert sdk_page.evaluate("kms.getPublicKey('age')") != before


def test_removing_the_iframe_rejects_what_waits(sdk_page: Page) -> None:
    sdk_page.evaluate("void (window.hanging = outcome(kms.getPublicKey('hang')))")
    sdk_page.evaluate("document.body.remove()")
    assert sdk_page.evaluate("hanging")["error"]["code"] == "channel.closed"
    assert code_of(sdk_page, "kms.getStatus()") == "channel.closed"


def test_a_reload_of_the_iframe_closes_the_channel(sdk_page: Page) -> None:
    sdk_page.evaluate("void (window.hanging = outcome(kms.getPublicKey('hang')))")
    frame = next(frame for frame in sdk_page.frames if frame.parent_frame)
    frame.evaluate("void location.reload()")
    assert sdk_page.evaluate("hanging")["error"]["code"] == "channel.closed"
    sdk_page.evaluate("kms.init()")
    assert code_of(sdk_page, "kms.getStatus()") is None
    assert iframes(sdk_page) == 1


def test_events_reach_every_handler_until_it_is_taken_off(sdk_page: Page) -> None:
    sdk_page.evaluate(
        """async () => {
            window.seen = [];
            window.handler = (data) => seen.push(data);
            kms.on("quota.alert", () => { throw new Error("handler"); });
            kms.on("quota.alert", handler).on("lease.expired", handler);
            await kms.getPublicKey("events");
            kms.off("quota.alert", handler);
            await kms.getPublicKey("events");
        }"""
    )
    assert sdk_page.evaluate("seen") == ["mine", "everybody", "everybody"]


def test_the_whole_log_is_read_in_pages(shared_sdk_page: Page) -> None:
    assert shared_sdk_page.evaluate("kms.getAuditLog()") == {"entries": PAGE_ENTRIES, "next": None}
    assert shared_sdk_page.evaluate("kms.getAuditLog({ from: 2 })") == {
        "entries": PAGE_ENTRIES[2:4],
        "next": 4,
    }


def test_aliases_are_the_flat_methods(shared_sdk_page: Page) -> None:
    text = shared_sdk_page.evaluate(
        "(() => { const { issue } = kms.vapid; return issue({ leaseId: 'echo' }); })()"
    )["publicKey"]
    assert json.loads(text)["method"] == "issueVAPIDJWT"
    text = shared_sdk_page.evaluate("kms.leases.create({ leaseId: 'echo' })")["publicKey"]
    assert json.loads(text)["method"] == "createLease"
