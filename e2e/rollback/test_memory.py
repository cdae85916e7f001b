"""What a page remembers of the log: little, common to its tabs, and nothing that it depends on."""

from __future__ import annotations

import pytest

from e2e.conftest import Leased, OpenPage
from e2e.driving.enclave import PASSPHRASE, EnclavePage, issue_params, lease_params
from e2e.rollback.storage import delete_database, forget, memory, pinned, seen

_NO_STORAGE = """() => {
    indexedDB.open = () => { throw new DOMException("denied", "SecurityError"); };
}"""
_SILENT_STORAGE = "() => { indexedDB.open = () => new EventTarget(); }"
_NO_ED25519 = """() => {
    const importKey = SubtleCrypto.prototype.importKey;
    SubtleCrypto.prototype.importKey = function (format, data, algorithm, ...more) {
      if (algorithm !== "Ed25519") return importKey.call(this, format, data, algorithm, ...more);
      return Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"));
    };
}"""


def _start_anew(page: EnclavePage) -> str | None:
    page.reload()
    return page.open_sdk().code


def test_many_tokens_of_one_page_are_remembered_as_one_entry(leased: Leased):
    calls = [[issue_params(leased.lease_id)]] * 300
    outcomes = leased.page.call_together("issueVAPIDJWT", calls)
    last = max(outcome.value["auditEntry"]["seqNum"] for outcome in outcomes)
    leased.page.wait_until(lambda: seen(leased.page) == [last])
    assert _start_anew(leased.page) is None
    assert seen(leased.page) == []


def test_a_batch_is_remembered_as_its_last_entry(leased: Leased):
    tokens = leased.page.call("issueVAPIDJWTs", issue_params(leased.lease_id, count=5)).value
    assert len(tokens) == 5
    leased.page.wait_until(lambda: seen(leased.page) == [tokens[-1]["auditEntry"]["seqNum"]])


def test_entries_between_those_of_others_are_proved_before_they_are_many(
    leased: Leased, open_page: OpenPage
):
    other = Leased(open_page(), leased.lease_id)
    assert other.page.open_sdk().code is None
    size = pinned(leased.page)["size"]
    for _ in range(40):
        for each in (leased, other):
            assert each.issue().code is None
    leased.page.wait_until(lambda: len(memory(leased.page)["entries"]) <= 32)
    assert pinned(leased.page)["size"] > size


@pytest.mark.parametrize("count", [1, 2, 10])
def test_tokens_are_remembered_though_their_page_ends_at_once(leased: Leased, count: int):
    """Loaded anew in the turn in which it has the last one: of a burst most are not written yet."""
    assert _start_anew(leased.page) is None
    leased.page.page.evaluate(
        """([params, count]) => void (async () => {
            for (let n = 0; n < count; n += 1) window.last = await kms.issueVAPIDJWT(params);
            sessionStorage.last = window.last.auditEntry.seqNum;
            location.reload();
        })()""",
        [issue_params(leased.lease_id), count],
    )
    leased.page.page.wait_for_function("window.isLoaded && !window.kms")
    last = int(leased.page.page.evaluate("sessionStorage.last"))
    leased.page.wait_until(lambda: seen(leased.page) == [last], timeout_ms=2_000)


def test_a_page_whose_memory_was_cleared_believes_the_first_log_again(leased: Leased):
    leased.page.reload()
    forget(leased.page)
    delete_database(leased.page)
    assert leased.page.open_sdk().code is None


def test_memory_that_is_cleared_under_a_running_page_is_made_anew(leased: Leased):
    forget(leased.page)
    assert leased.issue().code is None
    assert leased.page.call("init").code is None
    assert pinned(leased.page)["size"] == len(leased.page.log())
    assert _start_anew(leased.page) is None


@pytest.mark.parametrize("script", [_NO_STORAGE, _SILENT_STORAGE], ids=["denied", "silent"])
def test_a_page_without_storage_works(open_page: OpenPage, script: str):
    page = open_page()
    page.page.evaluate(script)
    assert page.open_sdk().code is None
    assert page.call("setupPassphrase", PASSPHRASE).code is None
    leased = Leased(page, page.call("createLease", lease_params()).value["leaseId"])
    assert leased.issue().code is None
    assert page.call("init").code is None
    assert leased.issue().code is None


def test_a_page_that_cannot_verify_says_so(open_page: OpenPage):
    page = open_page()
    page.page.evaluate(_NO_ED25519)
    outcome = page.open_sdk()
    assert outcome.code == "unsupported"
    assert outcome.error is not None
    assert outcome.error["details"] == {"capability": "Ed25519"}
    assert page.call("setupPassphrase", PASSPHRASE).code == "channel.closed"
