"""Entries that are deleted or changed behind the enclave's back, in the browser's own storage.

Every way to tamper with them is tested in CPython: `tests/unit/audit/test_tampered_log.py`.
"""

from __future__ import annotations

import pytest

from e2e.conftest import Leased
from e2e.driving.enclave import EnclavePage

# `audit` is the store, `last` the number of the newest entry.
_EDIT = """async () => {
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("kms");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const ask = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const transaction = database.transaction("audit", "readwrite");
  const audit = transaction.objectStore("audit");
  const last = (await ask(audit.count())) - 1;
  const edit = %s;
  await edit(audit, last, ask);
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
  database.close();
}"""
_CHANGED_FIELD = """async (audit, last, ask) => {
  const record = await ask(audit.get(last - 1));
  const entry = { ...JSON.parse(record.value), userId: "mallory" };
  audit.put({ ...record, value: JSON.stringify(entry) }, last - 1);
}"""
_DELETED_LAST = "async (audit, last) => { audit.delete(last); }"


@pytest.fixture
def issued(leased: Leased) -> Leased:
    for _ in range(4):
        assert leased.issue().code is None
    return leased


def faults(page: EnclavePage) -> list[str]:
    """Return how the enclave says, after a start, that its log is not whole."""
    page.reload()
    started = page.open_sdk()
    if started.code is not None:
        return [started.code]
    verdict = page.call("verifyAuditChain").value
    assert verdict["valid"] is not bool(verdict["errors"])
    return [fault["reason"] for fault in verdict["errors"]]


def test_a_log_that_nobody_touched_has_no_fault(issued: Leased):
    issued.page.beside(_EDIT % "async () => {}")
    assert faults(issued.page) == []


@pytest.mark.parametrize("edit", [_CHANGED_FIELD, _DELETED_LAST], ids=["changed", "deleted"])
def test_it_is_noticed_by_the_next_start(issued: Leased, edit: str):
    issued.page.beside(_EDIT % edit)
    assert faults(issued.page) != []


def test_it_is_noticed_while_the_enclave_runs(issued: Leased):
    issued.page.beside(_EDIT % _CHANGED_FIELD)
    assert issued.page.call("verifyAuditChain").value["valid"] is False
