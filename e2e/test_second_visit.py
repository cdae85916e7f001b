"""What a second visit downloads: the entry page and the lists, and nothing else."""

from __future__ import annotations

import pytest

from e2e.driving.enclave import EnclavePage

TRANSFERRED = """performance.getEntries()
  .filter(({ entryType }) => entryType === "navigation" || entryType === "resource")
  .filter(({ transferSize }) => transferSize > 0)
  .map(({ name }) => new URL(name).pathname)"""


@pytest.fixture
def second_visit(enclave: EnclavePage) -> EnclavePage:
    enclave.reload()
    assert enclave.open_sdk().code is None
    return enclave


def transferred(page: EnclavePage) -> list[str]:
    return page.frame.evaluate(TRANSFERRED) + page.run_in_worker(TRANSFERRED)


def test_first_visit_transfers_the_runtime(enclave: EnclavePage):
    """Shows that the next test can fail."""
    extensions = {path.rpartition(".")[2] for path in transferred(enclave)}
    assert {"gz", "js"} <= extensions


def test_second_visit_transfers_entry_page_and_lists_only(second_visit: EnclavePage):
    assert sorted(transferred(second_visit)) == ["/", "/kms-runtime.json"]


def test_enclave_says_which_build_it_runs(second_visit: EnclavePage):
    manifest_hash = second_visit.call("getStatus").value["manifestHash"]
    digest = second_visit.frame.evaluate(
        """async () => {
          const list = await (await fetch("/kms-runtime.json")).arrayBuffer();
          const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", list));
          return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
        }"""
    )
    assert manifest_hash == digest
