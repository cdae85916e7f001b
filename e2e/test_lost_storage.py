"""Storage that is taken away under a running enclave, or was before it starts: named at once."""

from __future__ import annotations

import pytest

from e2e.driving.enclave import AT_ONCE_MS, PASSPHRASE, EnclavePage, lease_params
from e2e.driving.shared import SharedEnclave

EVICTED = "storage.evicted"
ROLLBACK = "audit.rollback"
_DELETE = """() => new Promise((resolve) => {
    indexedDB.deleteDatabase("kms").onsuccess = () => resolve();
})"""
_EMPTY = """() => new Promise((resolve) => {
    indexedDB.open("kms").onsuccess = ({ target: { result: database } }) => {
        const stores = [...database.objectStoreNames];
        const transaction = database.transaction(stores, "readwrite");
        for (const store of stores) transaction.objectStore(store).clear();
        transaction.oncomplete = () => { database.close(); resolve(); };
    };
})"""
_UPGRADE = """() => new Promise((resolve) => {
    indexedDB.open("kms", 2).onsuccess = ({ target: { result: database } }) => {
        database.close();
        resolve();
    };
})"""


def _evict(page: EnclavePage) -> None:
    page.beside(_DELETE)


@pytest.fixture
def ready(restored: SharedEnclave) -> EnclavePage:
    return restored.page


def _wait_until_gone(page: EnclavePage) -> None:
    page.wait_until(lambda: page.page.locator("iframe").count() == 0)


def test_the_next_call_is_told(ready: EnclavePage):
    _evict(ready)
    outcome = ready.call("getStatus")
    assert outcome.code == EVICTED
    assert outcome.elapsed_ms < AT_ONCE_MS


def test_the_next_call_is_told_that_the_browser_has_cleared_the_site(enclave: EnclavePage):
    session = enclave.page.context.new_cdp_session(enclave.page)
    clearing = {"origin": enclave.kms_origin, "storageTypes": "indexeddb"}
    session.send("Storage.clearDataForOrigin", clearing)
    outcome = enclave.call("getStatus")
    assert outcome.code == EVICTED
    assert outcome.elapsed_ms < AT_ONCE_MS
    assert enclave.call("init").code == ROLLBACK


def test_a_call_that_waits_for_the_user_is_told(ready: EnclavePage):
    asking = "void (window.asking = callSdk('createLease', [{}]))".format(
        "{ userId: 'ada', ttlHours: 1, subs: "
        "[{ url: 'https://push.example/a', aud: 'https://push.example', eid: 'a' }] }"
    )
    ready.page.evaluate(asking)
    ready.frame.get_by_role("dialog").wait_for()
    _evict(ready)
    ready.page.evaluate("void asking.then((settled) => (window.settled = settled))")
    ready.page.wait_for_function("window.settled")
    assert ready.page.evaluate("settled.error.code") == EVICTED


def test_a_page_that_calls_nothing_is_told_by_init_and_goes_on_empty(ready: EnclavePage):
    _evict(ready)
    _wait_until_gone(ready)
    assert ready.call("init").code == EVICTED
    assert ready.call("init").code == ROLLBACK
    assert ready.call("acceptNewLog").code is None
    assert ready.call("isSetup").value == {"isSetup": False, "methods": []}


def test_a_page_that_terminates_first_is_told_too(ready: EnclavePage):
    _evict(ready)
    _wait_until_gone(ready)
    assert ready.call("terminate").code is None
    assert ready.call("init").code == EVICTED


def test_a_page_that_was_told_is_not_told_again(ready: EnclavePage):
    _evict(ready)
    assert ready.call("getStatus").code == EVICTED
    assert ready.call("init").code == ROLLBACK
    assert ready.call("getStatus").value["isSetup"] is False


def test_another_instance_does_not_join_it(ready: EnclavePage):
    _evict(ready)
    _wait_until_gone(ready)
    ready.page.evaluate("window.first = kms")
    assert ready.open_sdk().code == ROLLBACK
    assert ready.call("acceptNewLog").code is None
    assert ready.call("setupPassphrase", PASSPHRASE).code is None
    assert ready.call("createLease", lease_params()).code is None
    ready.page.evaluate("window.kms = first")
    assert ready.call("getStatus").code == EVICTED


def test_records_that_are_gone_end_the_enclave_as_a_database_does(ready: EnclavePage):
    ready.beside(_EMPTY)
    assert ready.call("getVAPIDKid").code == EVICTED
    _wait_until_gone(ready)
    assert ready.call("getStatus").code == EVICTED


def test_a_newer_version_in_another_tab_ends_it(ready: EnclavePage):
    ready.beside(_UPGRADE)
    _wait_until_gone(ready)
    assert ready.call("getStatus").code == "storage.newer"


def test_a_newer_version_is_told_within_a_second_of_a_start(restored: SharedEnclave):
    page = restored.new_tab()
    page.beside(_UPGRADE)
    outcome = page.open_sdk()
    assert outcome.code == "storage.newer"
    assert outcome.elapsed_ms < AT_ONCE_MS
