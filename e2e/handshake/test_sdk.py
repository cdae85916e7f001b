"""KMSUser: instances, and promises that always settle."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

from e2e.handshake.conftest import OpenPage, code_of

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


def test_before_init_nothing_is_called(open_page: OpenPage) -> None:
    page = open_page("sdk.html")
    page.evaluate("window.kms = new KMSUser({ kmsOrigin })")
    outcome = page.evaluate("outcome(kms.getStatus())")
    assert outcome["error"]["code"] == "channel.not.initialized"
    assert outcome["error"]["message"] == "KMS not initialized. Call init() first."
    assert page.evaluate("[kms.version, kms.manifestHash, kms.capabilities]") == [None, None, []]
    assert iframes(page) == 0


OPTIONS = {
    "no origin": "{}",
    "no url": "{ kmsOrigin: 'kms.example' }",
    "a path": "{ kmsOrigin: 'https://kms.example/path' }",
    "another scheme": "{ kmsOrigin: 'javascript:alert(1)' }",
    "the page's own origin": "{ kmsOrigin: location.origin }",
    "a path that leaves": "{ kmsOrigin, kmsPath: '//elsewhere.example/' }",
    "a relative path": "{ kmsOrigin, kmsPath: 'kms' }",
    "a timeout of nothing": "{ kmsOrigin, timeouts: { helloMs: 0 } }",
    "a timeout that is no number": "{ kmsOrigin, timeouts: { helloMs: 'soon' } }",
    "a timeout that is a number's text": "{ kmsOrigin, timeouts: { helloMs: '5' } }",
    "a timeout of another name": "{ kmsOrigin, timeouts: { helloMS: 5 } }",
    "timeouts that are none": "{ kmsOrigin, timeouts: null }",
    "a path that is no text": "{ kmsOrigin, kmsPath: 5 }",
    "a callback that is none": "{ kmsOrigin, onProgress: 5 }",
    "nothing": "",
    "null": "null",
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_bad_options_are_refused_at_once(shared_sdk_page: Page, options: str) -> None:
    code = shared_sdk_page.evaluate(
        f"(() => {{ try {{ new KMSUser({options}); }} catch ({{ code }}) {{ return code; }} }})()"
    )
    assert code == "request.invalid"


ORIGINS = {
    "no text": ("5", "must be text"),
    "no URL": ("'http://kms.example:99999'", "is not a URL"),
    "a host alone": ("'kms.example'", "is not a URL"),
    "host and port": ("'localhost:8501'", "must begin with https:// or http://"),
    "another scheme": ("'ftp://kms.example'", "must begin with https:// or http://"),
    "user information": ("'https://a:b@kms.example'", "user information"),
    "a path": ("'https://kms.example/path'", "belongs into kmsPath"),
    "a query": ("'https://kms.example/?a'", "without query"),
    "the page's own": ("location.origin", "the page's own origin"),
}


@pytest.mark.parametrize(("origin", "fault"), ORIGINS.values(), ids=ORIGINS.keys())
def test_an_origin_that_is_none_is_told_by_its_own_fault(
    shared_sdk_page: Page, origin: str, fault: str
) -> None:
    error = shared_sdk_page.evaluate(
        f"""(() => {{
            try {{ new KMSUser({{ kmsOrigin: {origin} }}); }}
            catch ({{ code, message, details }}) {{ return {{ code, message, details }}; }}
        }})()"""
    )
    assert (error["code"], error["details"]["field"]) == ("request.invalid", "kmsOrigin")
    assert fault in error["message"]


def test_init_is_one_however_often_it_is_called(open_page: OpenPage) -> None:
    page = open_page("sdk.html")
    page.evaluate(
        """async () => {
            window.kms = new KMSUser({ kmsOrigin });
            await Promise.all([kms.init(), kms.init()]);
        }"""
    )
    page.evaluate("kms.init()")
    assert iframes(page) == 1


@pytest.mark.parametrize("instance", ["the same", "another"])
def test_a_strict_mode_double_mount_keeps_one_worker(open_page: OpenPage, instance: str) -> None:
    page = open_page("sdk.html")
    second = "first" if instance == "the same" else "new KMSUser({ kmsOrigin })"
    first = page.evaluate(
        f"""async () => {{
            const first = new KMSUser({{ kmsOrigin }});
            const unmounted = outcome(first.init());
            first.terminate();
            window.kms = {second};
            await kms.init();
            return unmounted;
        }}"""
    )
    assert first["error"]["code"] == "channel.closed"
    assert iframes(page) == 1
    page.wait_for_timeout(200)
    assert code_of(page, "kms.getStatus()") is None


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


def test_another_path_of_the_same_enclave_is_refused(sdk_page: Page) -> None:
    assert (
        code_of(sdk_page, "new KMSUser({ kmsOrigin, kmsPath: '/other' }).init()")
        == "request.invalid"
    )


def test_it_starts_anew_after_terminate(sdk_page: Page) -> None:
    before = sdk_page.evaluate("kms.getPublicKey('age')")
    sdk_page.evaluate("async () => { await kms.terminate(); await kms.init(); }")
    assert sdk_page.evaluate("kms.getPublicKey('age')") != before


REMOVALS = {
    "the iframe": "document.querySelector('iframe').remove()",
    "its layer": "document.querySelector('iframe').parentElement.remove()",
    "all of the body": "document.body.replaceChildren()",
    "the body": "document.body.remove()",
}


@pytest.mark.parametrize("removal", REMOVALS.values(), ids=REMOVALS.keys())
def test_removing_the_iframe_rejects_what_waits(sdk_page: Page, removal: str) -> None:
    sdk_page.evaluate("void (window.hanging = outcome(kms.getPublicKey('hang')))")
    sdk_page.evaluate(removal)
    assert sdk_page.evaluate("hanging")["error"]["code"] == "channel.closed"
    assert code_of(sdk_page, "kms.getStatus()") == "channel.closed"


def test_removing_its_container_does_too(open_page: OpenPage) -> None:
    page = open_page("sdk.html")
    page.evaluate(
        """async () => {
            const outer = document.createElement("div");
            window.container = outer.appendChild(document.createElement("div"));
            document.body.append(outer);
            await open_({ container });
            window.hanging = outcome(kms.getPublicKey("hang"));
            outer.remove();
        }"""
    )
    assert page.evaluate("hanging")["error"]["code"] == "channel.closed"
    assert code_of(page, "kms.init()") == "channel.closed"


def test_a_reload_of_the_iframe_closes_the_channel(sdk_page: Page) -> None:
    sdk_page.evaluate("void (window.hanging = outcome(kms.getPublicKey('hang')))")
    frame = next(frame for frame in sdk_page.frames if frame.parent_frame)
    frame.evaluate("void location.reload()")
    assert sdk_page.evaluate("hanging")["error"]["code"] == "channel.closed"
    sdk_page.evaluate("kms.init()")
    assert code_of(sdk_page, "kms.getStatus()") is None
    assert iframes(sdk_page) == 1


def test_every_method_has_a_deadline(open_page: OpenPage) -> None:
    page = open_page("sdk.html")
    page.evaluate("open_({ timeouts: { methodMs: 300 } })")
    outcome = page.evaluate("outcome(kms.getPublicKey('hang'))")
    assert outcome["error"]["code"] == "channel.timeout"
    assert outcome["error"]["message"] == "Request timeout: getPublicKey (300ms)"
    assert code_of(page, "kms.getStatus()") is None


def test_deadlines_stand_still_while_the_user_is_asked(open_page: OpenPage) -> None:
    page = open_page("sdk.html")
    page.evaluate("open_({ timeouts: { methodMs: 600 } })")
    page.evaluate("void (window.asking = outcome(kms.getPublicKey('authenticate')))")
    frame = next(frame for frame in page.frames if frame.parent_frame)
    frame.get_by_role("dialog").wait_for()
    page.wait_for_timeout(1_500)
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    assert page.evaluate("asking") == {"value": {"publicKey": "after 1"}}
    assert code_of(page, "kms.getPublicKey('hang')") == "channel.timeout"


def test_an_unexpected_build_is_refused(open_page: OpenPage) -> None:
    page = open_page("sdk.html")
    outcome = page.evaluate("outcome(open_({ expectedManifestHash: 'e'.repeat(64) }))")
    assert outcome["error"]["code"] == "integrity.failed"
    page.wait_for_function("document.querySelectorAll('iframe').length === 0")
    page.evaluate("open_({ expectedManifestHash: 'm'.repeat(64) })")


def test_progress_is_reported_and_its_handler_may_throw(open_page: OpenPage) -> None:
    page = open_page("sdk.html")
    page.evaluate(
        """async () => {
            window.progress = [];
            await open_({
                onProgress: (step) => {
                    progress.push(step);
                    throw new Error("handler");
                },
            });
        }"""
    )
    assert page.evaluate("progress.at(-1)") == {"stage": "python", "ratio": 0.5}


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


@pytest.mark.parametrize(
    ("listening", "field"),
    [
        ("'made.up', () => 1", "event"),
        ("'constructor', () => 1", "event"),
        ("undefined, () => 1", "event"),
        ("'quota.alert'", "handler"),
        ("'quota.alert', null", "handler"),
        ("'quota.alert', { handleEvent() {} }", "handler"),
    ],
)
def test_a_handler_that_nothing_would_call_is_refused(
    shared_sdk_page: Page, listening: str, field: str
) -> None:
    error = shared_sdk_page.evaluate(
        f"""(() => {{
            try {{ kms.on({listening}); }}
            catch ({{ code, details }}) {{ return {{ code, field: details.field }}; }}
        }})()"""
    )
    assert error == {"code": "request.invalid", "field": field}


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


def test_a_batch_by_its_other_name_comes_with_the_key_that_signed_it(shared_sdk_page: Page) -> None:
    tokens = shared_sdk_page.evaluate("kms.issueVAPIDJWTs({ leaseId: 'batch' })")
    assert [(token["jwt"], token["vapidPublicKey"]) for token in tokens] == [
        ("one", "its key"),
        ("two", "its key"),
    ]
    batch = shared_sdk_page.evaluate(
        "(() => { const { issueBatch } = kms.vapid; return issueBatch({ leaseId: 'batch' }); })()"
    )
    assert batch == {"tokens": tokens, "vapidPublicKey": "its key"}


def test_a_public_key_by_its_other_name_is_text(shared_sdk_page: Page) -> None:
    exported = shared_sdk_page.evaluate("kms.exportPublicKey('age')")
    assert shared_sdk_page.evaluate("kms.vapid.exportPublicKey('age')") == exported["publicKey"]


@pytest.mark.parametrize(
    ("call", "method"),
    [
        ("revokeLease", "revokeLease"),
        ("verifyLease", "verifyLease"),
        ("refreshLease", "refreshLease"),
        ("resumeLease", "resumeLease"),
        ("leases.revoke", "revokeLease"),
        ("leases.verify", "verifyLease"),
    ],
)
@pytest.mark.parametrize("lease", ["'echo'", "{ leaseId: 'echo' }"])
def test_a_lease_may_be_named_by_its_id_alone(
    shared_sdk_page: Page, call: str, method: str, lease: str
) -> None:
    request = json.loads(shared_sdk_page.evaluate(f"kms.{call}({lease})")["publicKey"])
    assert (request["method"], request["params"]) == (method, {"leaseId": "echo"})
