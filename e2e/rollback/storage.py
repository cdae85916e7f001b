"""The enclave's database put back, and the page's memory of it: what an attacker and a test do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from e2e.driving.enclave import EnclavePage

__all__ = [
    "PUT_BACK",
    "delete_database",
    "forget",
    "leave",
    "memory",
    "pinned",
    "put_back",
    "remember",
    "seen",
]

# As IndexedDB can: key handles, which cannot be exported, are copied like everything else.
_COPY = """async () => {
  const ask = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const open = (name, version, upgrade) => new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, version);
    opening.onupgradeneeded = () => upgrade(opening.result);
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const done = (transaction) => new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  const kms = await open("kms");
  const copies = await open("copies", 1, (made) => made.createObjectStore("records"));
  const stores = [...kms.objectStoreNames];
  %s
  kms.close();
  copies.close();
}"""
_REMEMBER = (
    _COPY
    % """
  const records = [];
  for (const store of stores) {
    const source = kms.transaction(store).objectStore(store);
    const [keys, values] = await Promise.all([ask(source.getAllKeys()), ask(source.getAll())]);
    keys.forEach((key, index) => records.push([store, key, values[index]]));
  }
  const transaction = copies.transaction("records", "readwrite");
  transaction.objectStore("records").put(records, "all");
  await done(transaction);
"""
)
PUT_BACK = (
    _COPY
    % """
  const records = await ask(copies.transaction("records").objectStore("records").get("all"));
  const transaction = kms.transaction(stores, "readwrite");
  for (const store of stores) transaction.objectStore(store).clear();
  for (const [store, key, value] of records) transaction.objectStore(store).put(value, key);
  await done(transaction);
"""
)
_DELETE = """() => new Promise((resolve, reject) => {
  const deleting = indexedDB.deleteDatabase("kms");
  deleting.onsuccess = () => resolve();
  deleting.onblocked = () => reject(new Error("something has it open"));
})"""
_MEMORY = """async () => {
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("kms-user-pins");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const all = (store) => new Promise((resolve) => {
    const asking = database.transaction(store).objectStore(store).getAll();
    asking.onsuccess = () => resolve(asking.result);
  });
  const memory = { pins: await all("pins"), entries: await all("entries") };
  database.close();
  return memory;
}"""
_FORGET = """() => new Promise((resolve) => {
  indexedDB.deleteDatabase("kms-user-pins").onsuccess = () => resolve();
})"""


def leave(page: EnclavePage) -> None:
    """Load the page anew, without an enclave in it: nothing has the database open then."""
    page.reload()


def remember(page: EnclavePage) -> None:
    """Copy every record of the enclave's database, for :func:`put_back`."""
    page.beside(_REMEMBER)


def put_back(page: EnclavePage) -> None:
    """Replace the whole database by the copy, while no enclave runs."""
    leave(page)
    page.beside(PUT_BACK)


def delete_database(page: EnclavePage) -> None:
    """Delete the whole database, while no enclave runs."""
    leave(page)
    page.beside(_DELETE)


def memory(page: EnclavePage) -> Mapping[str, Any]:
    """Return everything that the page's origin remembers."""
    found: Mapping[str, Any] = page.page.evaluate(_MEMORY)
    return found


def pinned(page: EnclavePage) -> Mapping[str, Any]:
    """Return the one pin."""
    (pin,) = memory(page)["pins"]
    return pin


def seen(page: EnclavePage) -> Sequence[int]:
    """Return the numbers of the entries that are remembered beside it."""
    return [entry["seqNum"] for entry in memory(page)["entries"]]


def forget(page: EnclavePage) -> None:
    """Clear the page's memory, as a user can who clears the site's data."""
    page.page.evaluate(_FORGET)
