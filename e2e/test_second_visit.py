"""What a second visit downloads: the entry page and the lists, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import pytest
from playwright.sync_api import Browser

from e2e.driving.enclave import EnclavePage
from e2e.driving.shared import start_fresh
from tools.server.serving import LocalServer

TRANSFERRED = """performance.getEntries()
  .filter(({ entryType }) => entryType === "navigation" || entryType === "resource")
  .filter(({ transferSize }) => transferSize > 0)
  .map(({ name }) => new URL(name).pathname)"""


@attrs.frozen
class Visits:
    """The page on its second visit, and the paths that each visit has downloaded."""

    page: EnclavePage
    first: Sequence[str]
    second: Sequence[str]


@pytest.fixture(scope="module")
def visits(chromium: Browser, server: LocalServer) -> Iterator[Visits]:
    origins = {"app_origin": server.app_origin, "kms_origin": server.kms_origin}
    with start_fresh(chromium, **origins) as page:
        first = transferred(page)
        page.reload()
        assert page.open_sdk().code is None
        yield Visits(page, first, transferred(page))


def transferred(page: EnclavePage) -> list[str]:
    return page.frame.evaluate(TRANSFERRED) + page.run_in_worker(TRANSFERRED)


def test_first_visit_transfers_the_runtime(visits: Visits):
    """Shows that the next test can fail."""
    extensions = {path.rpartition(".")[2] for path in visits.first}
    assert {"gz", "js"} <= extensions


def test_second_visit_transfers_entry_page_and_lists_only(visits: Visits):
    assert sorted(visits.second) == ["/", "/kms-runtime.json"]


def test_enclave_says_which_build_it_runs(visits: Visits):
    manifest_hash = visits.page.call("getStatus").value["manifestHash"]
    digest = visits.page.frame.evaluate(
        """async () => {
          const list = await (await fetch("/kms-runtime.json")).arrayBuffer();
          const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", list));
          return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
        }"""
    )
    assert manifest_hash == digest
