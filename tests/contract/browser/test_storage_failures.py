"""How storage fails in a browser, each by its name and within its time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tools.patience import patient

from .site import ContractSite

# A promise: the worker lets go of the database when another tab wants it.
_OPEN = """
(version) => new Promise((resolve, reject) => {
  const request = indexedDB.open("kms", version);
  request.onsuccess = () => { request.result.close(); resolve(); };
  request.onerror = () => reject(request.error);
})
"""
_DELETE = """
() => new Promise((resolve, reject) => {
  const request = indexedDB.deleteDatabase("kms");
  request.onsuccess = () => resolve();
  request.onerror = () => reject(request.error);
})
"""
_ABORTED_UPGRADE = """
() => new Promise((resolve) => {
  const request = indexedDB.open("kms", 2);
  request.onupgradeneeded = () => request.transaction.abort();
  request.onerror = () => resolve();
})
"""
_ENDLESS_UPGRADE = """
() => new Promise((resolve) => {
  const request = indexedDB.open("kms", 2);
  request.onupgradeneeded = () => {
    const store = request.result.createObjectStore("endless");
    const again = () => { store.get(0).onsuccess = again; };
    again();
    resolve();
  };
})
"""
_SLOW_UPGRADE = """
() => new Promise((resolve) => {
  const request = indexedDB.open("kms", 1);
  request.onupgradeneeded = () => {
    const end = performance.now() + 2_000;
    const store = request.result.createObjectStore("slow");
    const again = () => {
      if (performance.now() > end) request.transaction.abort();
      else store.get(0).onsuccess = again;
    };
    again();
    resolve();
  };
})
"""
_WRITE = "(bytes) => kmsContract.write(bytes)"


@pytest.fixture
def page(browser: Browser, contract_site: ContractSite) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(contract_site.origin)
    assert page.evaluate(_WRITE, 10) is None
    yield page
    context.close()


def test_a_database_deleted_under_the_worker_is_evicted(page: Page) -> None:
    page.evaluate(_DELETE)
    assert page.evaluate(_WRITE, 10) == "evicted"


def test_an_evicted_database_is_not_made_anew_by_the_same_worker(page: Page) -> None:
    page.evaluate(_DELETE)
    page.evaluate(_WRITE, 10)
    assert page.evaluate(_WRITE, 10) == "evicted"
    assert page.evaluate("() => indexedDB.databases()") == []


def test_the_next_worker_starts_with_a_fresh_database(page: Page) -> None:
    page.evaluate(_DELETE)
    page.reload()
    assert page.evaluate(_WRITE, 10) is None


def test_a_database_of_a_newer_version_is_newer(page: Page) -> None:
    page.evaluate(_OPEN, 2)
    assert page.evaluate(_WRITE, 10) == "newer"
    page.reload()
    assert page.evaluate(_WRITE, 10) == "newer"


def test_a_connection_closed_for_nothing_is_opened_again(page: Page) -> None:
    page.evaluate(_ABORTED_UPGRADE)
    assert page.evaluate(_WRITE, 10) is None


def test_a_database_that_never_answers_is_unavailable_in_time(page: Page) -> None:
    page.evaluate(_ENDLESS_UPGRADE)
    started = time.monotonic()
    assert page.evaluate(_WRITE, 10) == "unavailable"
    # Ten times the second that it is given.
    assert time.monotonic() - started < patient(10)


def test_a_database_that_is_slow_to_open_is_waited_for_at_a_start(
    browser: Browser, contract_site: ContractSite
) -> None:
    with contextlib.closing(browser.new_context()) as context:
        beside = context.new_page()
        beside.goto(f"{contract_site.origin}/kms-runtime.json")
        beside.evaluate(_SLOW_UPGRADE)
        page = context.new_page()
        page.goto(contract_site.origin)
        assert page.evaluate(_WRITE, 10) is None


def test_a_value_that_cannot_be_cloned_writes_nothing(page: Page) -> None:
    run = "() => kmsContract.run('a_value_that_cannot_be_cloned_writes_nothing')"
    failure = page.evaluate(run)
    assert failure is None, failure


def test_third_party_storage_that_the_browser_denies_is_blocked(
    browser: Browser, contract_site: ContractSite
) -> None:
    page = browser.new_page()
    page.goto(contract_site.embedder)
    (frame,) = page.main_frame.child_frames
    frame.wait_for_function("() => globalThis.kmsContract")
    assert frame.evaluate(_WRITE, 10) == "blocked"
    page.close()
