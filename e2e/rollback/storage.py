"""The enclave's database put back, its log, and the page's memory of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from e2e.driving.copies import ENCLAVE_DATABASE, copy_database, put_back_database
from e2e.driving.enclave import CREDENTIALS, EnclavePage, issue_params
from e2e.driving.shared import Leased

ROLLBACK = "audit.rollback"

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


def start_anew(page: EnclavePage) -> str | None:
    """Load the page anew, with its enclave; return the code of what `init()` says, if any."""
    page.reload()
    return page.open_sdk().code


def pin(page: EnclavePage) -> None:
    """Let the page see the whole log proved, up to its last entry."""
    assert page.call("init").code is None


def refusal(page: EnclavePage) -> Mapping[str, Any]:
    """Start the enclave in a page that was left; return the details of what `init()` refuses."""
    outcome = page.open_sdk()
    assert outcome.code == ROLLBACK, outcome
    assert outcome.error is not None
    details: Mapping[str, Any] = outcome.error["details"]
    return details


def issue(leased: Leased, count: int = 1) -> int:
    """Issue tokens; return the number of the last one's entry."""
    number = -1
    for _ in range(count):
        number = leased.issue().value["auditEntry"]["seqNum"]
    return number


def issue_past_the_sdk(leased: Leased, count: int) -> None:
    """Issue tokens that the SDK does not see, signed by the log's own keys; leave the page."""
    leave(leased.page)
    leased.page.open_raw()
    for _ in range(count):
        asked = issue_params(leased.lease_id)
        assert leased.page.ask("issueVAPIDJWT", asked).code is None
    leave(leased.page)


def reset_past_the_sdk(page: EnclavePage) -> Mapping[str, Any]:
    """Reset as a page without the SDK would; return what the SDK's next start says of it."""
    page.open_raw()
    assert page.ask("resetKMS", {"credentials": CREDENTIALS}).code is None
    leave(page)
    return refusal(page)


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
