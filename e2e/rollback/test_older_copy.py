"""An older copy of everything stored, in place of what the page has seen proved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from e2e.conftest import Leased
from e2e.driving.enclave import EnclavePage
from e2e.driving.shared import SharedEnclave
from e2e.rollback.storage import (
    ROLLBACK,
    issue,
    issue_past_the_sdk,
    pin,
    put_back,
    refusal,
    remember,
    reset_past_the_sdk,
    start_anew,
)

GONE = 3
"""As many tokens does the copy lack."""

_READ_EVIDENCE = """async () => {
    const { handle } = await kms.init().catch((error) => error);
    const { file, checkpoint } = await handle.exportAudit();
    return {
        methods: Object.keys(handle),
        lines: (await file.text()).split("\\n").length,
        checkpoint,
        status: (await handle.getStatus()).state,
        entries: (await handle.getAuditLog()).entries.length,
        size: (await handle.getAuditCheckpoint()).size,
        valid: (await handle.verifyAuditChain()).valid,
    };
}"""


@attrs.frozen
class OlderCopy:
    """A lease of the state that each test begins from, and what a page is told in that state."""

    lease_id: str
    details: Mapping[str, Any]
    evidence: Mapping[str, Any]


@pytest.fixture(scope="module")
def older_copy(shared_enclave: SharedEnclave) -> OlderCopy:
    leased = shared_enclave.lease()
    page = leased.page
    issue(leased)
    remember(page)
    issue(leased, GONE)
    pin(page)
    put_back(page)
    shared_enclave.remember()
    page = shared_enclave.new_tab()
    details = refusal(page)
    evidence = page.page.evaluate(_READ_EVIDENCE)
    return OlderCopy(leased.lease_id, details, evidence)


@pytest.fixture
def page(older_copy: OlderCopy, restored: SharedEnclave) -> EnclavePage:
    """A page before its start, in the state that `older_copy` has remembered."""
    return restored.new_tab()


def test_it_is_told(older_copy: OlderCopy):
    details = older_copy.details
    assert details["check"] == "size"
    assert details["pinnedLog"] == details["foundLog"]
    assert details["pinnedSize"] == details["foundSize"] + GONE


def test_its_evidence_is_readable(older_copy: OlderCopy):
    read = older_copy.evidence
    assert read["methods"] == [
        "getStatus", "getAuditLog", "exportAudit", "resetKMS", "getAuditCheckpoint",
        "verifyAuditChain", "acceptNewLog",
    ]  # fmt: skip
    assert read["entries"] == read["size"] < read["lines"]
    assert (read["status"], read["valid"]) == ("ready", True)
    assert read["checkpoint"] is not None


def test_it_is_told_until_it_is_accepted(older_copy: OlderCopy, page: EnclavePage):
    leased = Leased(page, older_copy.lease_id)
    first = refusal(page)
    assert first == older_copy.details
    assert page.call("init").code == ROLLBACK
    assert leased.issue().code == ROLLBACK
    accepted = page.call("acceptNewLog").value
    assert accepted == {
        "log": first["foundLog"],
        "size": first["foundSize"],
        "previous": {"log": first["pinnedLog"], "size": first["pinnedSize"], "endedAt": None},
    }
    assert leased.issue().code is None
    assert start_anew(page) is None


def test_an_older_copy_that_has_grown_since_is_told(older_copy: OlderCopy, page: EnclavePage):
    """What who holds the log's own keys can make: as long as it was, every signature valid."""
    issue_past_the_sdk(Leased(page, older_copy.lease_id), GONE + 1)
    details = refusal(page)
    assert details["check"] == "consistency"
    assert details["foundSize"] > details["pinnedSize"]


def test_a_reset_of_an_older_copy_does_not_end_what_was_seen(page: EnclavePage):
    assert reset_past_the_sdk(page)["endedAt"] is None
