"""The enclave's database put back, and the page's memory of it: what an attacker and a test do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from e2e.driving.copies import ENCLAVE_DATABASE, copy_database, put_back_database
from e2e.driving.enclave import EnclavePage

__all__ = [
    "delete_database",
    "leave",
    "pinned",
    "put_back",
    "put_back_beside",
    "remember",
    "seen",
]

_LABEL = "rollback"

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


def leave(page: EnclavePage) -> None:
    """Load the page anew, without an enclave in it: nothing has the database open then."""
    page.reload()


def remember(page: EnclavePage) -> None:
    """Copy every record of the enclave's database, for :func:`put_back`."""
    copy_database(page.page.context, page.kms_origin, ENCLAVE_DATABASE, label=_LABEL)


def put_back(page: EnclavePage) -> None:
    """Replace the whole database by the copy, while no enclave runs."""
    leave(page)
    put_back_beside(page)


def put_back_beside(page: EnclavePage) -> None:
    """Replace the whole database by the copy, though an enclave may have it open."""
    put_back_database(page.page.context, page.kms_origin, ENCLAVE_DATABASE, label=_LABEL)


def delete_database(page: EnclavePage) -> None:
    """Delete the whole database, while no enclave runs."""
    leave(page)
    page.beside(_DELETE)


def _memory(page: EnclavePage) -> Mapping[str, Any]:
    """Return everything that the page's origin remembers."""
    found: Mapping[str, Any] = page.page.evaluate(_MEMORY)
    return found


def pinned(page: EnclavePage) -> Mapping[str, Any]:
    """Return the one pin."""
    (pin,) = _memory(page)["pins"]
    return pin


def seen(page: EnclavePage) -> Sequence[int]:
    """Return the numbers of the entries that are remembered beside it."""
    return [entry["seqNum"] for entry in _memory(page)["entries"]]
