"""Records of another shape than the enclave's own lock it; what is left stays readable.

Every other shape is tested in `tests/web/node/rows.test.ts`; values of a record that are damaged,
in `tests/unit/boot/test_state.py`.
"""

from __future__ import annotations

import pytest

from e2e.conftest import Leased

_PUT = """async () => {
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("kms");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const records = await new Promise((resolve) => {
    const reading = database.transaction("meta").objectStore("meta").get("%(key)s");
    reading.onsuccess = () => resolve(reading.result);
  });
  const damaged = await (%(damage)s)(records);
  const transaction = database.transaction("meta", "readwrite");
  transaction.objectStore("meta").put(damaged, "%(key)s");
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
  database.close();
}"""
_FOREIGN_KEY = """async (record) => {
  const publicExponent = new Uint8Array([1, 0, 1]);
  const made = { name: "RSA-PSS", modulusLength: 2048, publicExponent, hash: "SHA-256" };
  const { privateKey } = await crypto.subtle.generateKey(made, false, ["sign", "verify"]);
  const names = Object.keys(record.handles);
  return { ...record, handles: Object.fromEntries(names.map((name) => [name, privateKey])) };
}"""
_READ = """async () => {
  const { code, handle } = await kms.init().catch((error) => error);
  if (code !== "attestation.failed") throw new Error(code);
  return (await handle.getAuditLog()).entries.map(({ op }) => op);
}"""
DAMAGES = {
    "text": "() => 'text'",
    "keys of another algorithm": _FOREIGN_KEY,
}


def is_locked(leased: Leased, key: str, damage: str) -> bool:
    """Damage a record and start anew; tell whether that is refused, with the log readable."""
    page = leased.page
    page.beside(_PUT % {"key": key, "damage": damage})
    page.reload()
    assert page.open_sdk().code == "attestation.failed"
    return page.page.evaluate(_READ) == ["instance.start", "setup", "lease.create"]


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=[*DAMAGES])
def test_an_instance_record_of_another_shape_locks_the_enclave(leased: Leased, damage: str) -> None:
    assert is_locked(leased, "instance", damage)


def test_a_head_record_of_another_shape_locks_the_enclave(leased: Leased) -> None:
    assert is_locked(leased, "head", "({ handles, ...rest }) => rest")
