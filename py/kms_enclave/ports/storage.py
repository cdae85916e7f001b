"""Durable records with an atomic, revision-checked commit.

One logical change is one :meth:`StoragePort.commit`. The caller names the
revision of everything its decision rests on; if one has moved the whole commit
is refused with :class:`RevisionConflictError` and nothing is written. Correctness
under several tabs rests on this alone, never on a lock.

An audited commit is durable when it returns (``durability: "strict"`` in
IndexedDB, ``synchronous=FULL`` in SQLite). Does not protect from someone who
edits the database: that is what the audit log's verification is for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol

import attrs

from kms_enclave.ports.crypto import KeyHandle

__all__ = [
    "ABSENT",
    "STORE_NAMES",
    "Address",
    "Delete",
    "Expectation",
    "Key",
    "Put",
    "Record",
    "RevisionConflictError",
    "StorageError",
    "StorageFailure",
    "StoragePort",
    "StoreName",
]

StoreName = Literal[
    "meta", "enrollments", "keys", "leases", "quotas", "grants", "tokens", "audit", "tree"
]
STORE_NAMES: Final[tuple[StoreName, ...]] = (
    "meta",
    "enrollments",
    "keys",
    "leases",
    "quotas",
    "grants",
    "tokens",
    "audit",
    "tree",
)
Key = str | int

ABSENT: Final = 0
"""The revision of a record that is not there."""

StorageFailure = Literal["blocked", "unavailable", "full", "evicted", "newer"]


class StorageError(Exception):
    """Storage cannot be used; ``failure`` says how (``storage.<failure>`` on the wire)."""

    def __init__(self, failure: StorageFailure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


class RevisionConflictError(Exception):
    """A commit named a revision that is no longer the stored one; nothing was written."""

    def __init__(self, address: Address) -> None:
        super().__init__(f"{address.store}/{address.key} has moved")
        self.address = address


@attrs.frozen
class Address:
    """Where a record is: ``key`` is an ``int`` in ``audit``, a ``str`` elsewhere."""

    store: StoreName
    key: Key


@attrs.frozen
class Record:
    """One stored value.

    ``revision`` counts from 1. ``value`` is JSON text; bytes inside it are base64url
    without padding. ``handles`` are key handles stored as such. ``expires_ms`` is a
    time in Unix milliseconds by which :meth:`StoragePort.expired` finds the record.
    """

    revision: int
    value: str
    handles: Mapping[str, KeyHandle] = attrs.field(factory=dict, repr=False)
    expires_ms: int | None = None


@attrs.frozen
class Expectation:
    """``revision`` is what must be stored at ``address``; :data:`ABSENT` for nothing."""

    address: Address
    revision: int


@attrs.frozen
class Put:
    """Write ``record`` at ``address``, replacing what is there."""

    address: Address
    record: Record


@attrs.frozen
class Delete:
    """Delete what is at ``address``; deleting nothing is no error."""

    address: Address


class StoragePort(Protocol):
    """All methods raise :class:`StorageError` when the database cannot be used."""

    async def read(self, addresses: Sequence[Address]) -> Sequence[Record | None]:
        """Read records in one transaction, in order; ``None`` where there is none."""

    async def scan(
        self, store: StoreName, *, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read up to ``limit`` records with keys above ``after``, in key order."""

    async def scan_prefix(
        self, store: StoreName, *, prefix: str, after: str | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Like :meth:`scan`, for string keys that start with ``prefix``."""

    async def expired(
        self, store: StoreName, *, now_ms: int, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read up to ``limit`` records with ``expires_ms <= now_ms``, oldest first."""

    async def count(self, store: StoreName) -> int:
        """Return how many records a store holds."""

    async def commit(
        self,
        *,
        expectations: Sequence[Expectation],
        puts: Sequence[Put],
        deletes: Sequence[Delete] = (),
        durable: bool = True,
    ) -> None:
        """Check, then write, in one transaction. Raises RevisionConflictError.

        ``durable=False`` is for records whose loss costs nothing (probes).
        """

    async def replace_all(
        self, *, expectations: Sequence[Expectation], puts: Sequence[Put]
    ) -> None:
        """Check, delete every record of every store and write ``puts``, in one transaction."""
