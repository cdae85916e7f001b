"""Copies of whole IndexedDB databases, and putting them back.

An attacker on the enclave's origin can do this, and a test that needs an earlier state. A copy
holds everything that is stored, key handles included, and stays in the same browser context,
since the handles cannot be exported. It stands in a database of its own, ``copies``.
"""

from __future__ import annotations

import contextlib

from playwright.sync_api import BrowserContext

ENCLAVE_DATABASE = "kms"
PIN_DATABASE = "kms-user-pins"

_OPENED = """async ([database, label]) => {
  const ask = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const open = (name, version, upgrade = () => {}) => new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, version);
    opening.onupgradeneeded = () => upgrade(opening.result);
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const done = (transaction) => new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  let source = await open(database);
  const copies = await open("copies", 1, (made) => made.createObjectStore("records"));
  const name = `${database} ${label}`;
  %s
  source.close();
  copies.close();
}"""
_COPY = (
    _OPENED
    % """
  const { version } = source;
  const stores = [];
  for (const store of source.objectStoreNames) {
    const from = source.transaction(store).objectStore(store);
    const indexes = [...from.indexNames].map((index) => [index, from.index(index).keyPath]);
    const [keys, values] = await Promise.all([ask(from.getAllKeys()), ask(from.getAll())]);
    stores.push({ store, indexes, records: keys.map((key, at) => [key, values[at]]) });
  }
  const transaction = copies.transaction("records", "readwrite");
  transaction.objectStore("records").put({ version, stores }, name);
  await done(transaction);
"""
)
_PUT_BACK = (
    _OPENED
    % """
  const { version, stores } =
    await ask(copies.transaction("records").objectStore("records").get(name));
  if (source.version !== version || source.objectStoreNames.length !== stores.length) {
    source.close();
    await ask(indexedDB.deleteDatabase(database));
    source = await open(database, version, (made) => {
      for (const { store, indexes } of stores) {
        const empty = made.createObjectStore(store);
        for (const [index, keyPath] of indexes) empty.createIndex(index, keyPath);
      }
    });
  }
  const transaction = source.transaction(stores.map(({ store }) => store), "readwrite");
  for (const { store, records } of stores) {
    const into = transaction.objectStore(store);
    into.clear();
    for (const [key, value] of records) into.put(value, key);
  }
  await done(transaction);
"""
)


def copy_database(context: BrowserContext, origin: str, database: str, *, label: str) -> None:
    """Copy every record of a database of an origin, for :func:`put_back_database`."""
    _run_on(context, origin, _COPY, [database, label])


def put_back_database(context: BrowserContext, origin: str, database: str, *, label: str) -> None:
    """Replace everything in a database by the copy of that label. No enclave may run meanwhile.

    A database that was deleted or upgraded since is made anew.
    """
    _run_on(context, origin, _PUT_BACK, [database, label])


def _run_on(context: BrowserContext, origin: str, script: str, argument: list[str]) -> None:
    with contextlib.closing(context.new_page()) as tab:
        # Any document of the origin serves, one that says "not found" too.
        tab.goto(f"{origin}/no-such-page")
        tab.evaluate(script, argument)
