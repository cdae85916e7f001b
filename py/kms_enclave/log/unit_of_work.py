"""What one change reads and will write, gathered before it is committed.

Everything that was read is named in the commit with the revision it was read at, so a
decision can never rest on something that has moved meanwhile. Reads see the unit's
own writes, which lets the steps of a batch build on each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kms_enclave.log.journal import Change, SignedDraft
from kms_enclave.ports.crypto import KeyHandle
from kms_enclave.ports.storage import (
    ABSENT,
    Address,
    Delete,
    Expectation,
    Key,
    Put,
    Record,
    StoragePort,
    StoreName,
)

__all__ = ["UnitOfWork"]


class UnitOfWork:
    """Reads through to storage, remembers revisions, collects puts, deletes and drafts."""

    def __init__(self, storage: StoragePort) -> None:
        self._storage = storage
        self._revisions: dict[Address, int] = {}
        self._values: dict[Address, Record | None] = {}
        self._written: dict[Address, Put | Delete] = {}
        self._drafts: list[SignedDraft] = []

    async def read(self, address: Address) -> Record | None:
        """Return the record at ``address`` as this unit sees it."""
        if address not in self._values:
            (record,) = await self._storage.read([address])
            self._values[address] = record
            self._revisions[address] = record.revision if record else ABSENT
        return self._values[address]

    async def write(
        self,
        address: Address,
        value: str,
        *,
        handles: Mapping[str, KeyHandle] | None = None,
        expires_ms: int | None = None,
    ) -> None:
        """Put a record, with the revision after the stored one."""
        await self.read(address)
        record = Record(self._revisions[address] + 1, value, handles or {}, expires_ms)
        self._values[address] = record
        self._written[address] = Put(address, record)

    async def delete(self, address: Address) -> None:
        """Delete the record at ``address``."""
        await self.read(address)
        self._values[address] = None
        self._written[address] = Delete(address)

    def pending(self, store: StoreName) -> Sequence[tuple[Key, Record]]:
        """Return what this unit will put into a store, which a scan of it does not see."""
        return [
            (address.key, item.record)
            for address, item in self._written.items()
            if isinstance(item, Put) and address.store == store
        ]

    def log(self, signed: SignedDraft) -> None:
        """Add an audit entry."""
        self._drafts.append(signed)

    def change(self, *, adjusts_clock_to_ms: int | None = None) -> Change:
        """Return everything as one change."""
        written = self._written.values()
        return Change(
            drafts=tuple(self._drafts),
            expectations=tuple(
                Expectation(address, revision) for address, revision in self._revisions.items()
            ),
            puts=tuple(item for item in written if isinstance(item, Put)),
            deletes=tuple(item for item in written if isinstance(item, Delete)),
            adjusts_clock_to_ms=adjusts_clock_to_ms,
        )

    @property
    def drafts(self) -> Sequence[SignedDraft]:
        """The entries so far."""
        return tuple(self._drafts)
