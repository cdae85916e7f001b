"""Entries that are deleted, changed or swapped behind the enclave's back are noticed by it."""

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
_SWAPPED = """async (audit, last, ask) => {
  const [one, two] = [await ask(audit.get(last - 2)), await ask(audit.get(last - 1))];
  audit.put(one, last - 1);
  audit.put(two, last - 2);
}"""
TAMPERING = {
    "the first is deleted": "async (audit) => { audit.delete(0); }",
    "a middle one is deleted": "async (audit, last) => { audit.delete(last - 2); }",
    "the last is deleted": "async (audit, last) => { audit.delete(last); }",
    "every one is deleted": "async (audit) => { audit.clear(); }",
    "a field is changed": _CHANGED_FIELD,
    "two are swapped": _SWAPPED,
}


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


@pytest.mark.parametrize("edit", TAMPERING.values(), ids=TAMPERING.keys())
def test_it_is_noticed_that(issued: Leased, edit: str):
    issued.page.beside(_EDIT % edit)
    assert faults(issued.page) != []


@pytest.mark.parametrize("edit", TAMPERING.values(), ids=TAMPERING.keys())
def test_while_the_enclave_runs_it_is_noticed_that(issued: Leased, edit: str):
    issued.page.beside(_EDIT % edit)
    assert issued.page.call("verifyAuditChain").value["valid"] is False
