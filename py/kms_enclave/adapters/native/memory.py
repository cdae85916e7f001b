"""The storage port in memory.

Keeps every promise of the port but durability: it lasts as long as the object. Two
users of one object see each other's commits, as two tabs of one origin do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import attrs

from kms_enclave.ports.storage import (
    ABSENT,
    STORE_NAMES,
    Address,
    Delete,
    Expectation,
    Key,
    Put,
    Record,
    RevisionConflictError,
    StoreName,
)

__all__ = ["MemoryStorage"]


class MemoryStorage:
    """:class:`~kms_enclave.ports.storage.StoragePort` in dictionaries."""

    def __init__(self) -> None:
        self._stores: Mapping[StoreName, dict[Key, Record]] = {name: {} for name in STORE_NAMES}

    async def read(self, addresses: Sequence[Address]) -> Sequence[Record | None]:
        """Read records in order; ``None`` where there is none."""
        return [self._stores[address.store].get(address.key) for address in addresses]

    async def scan(
        self, store: StoreName, *, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read up to ``limit`` records with keys above ``after``, in key order."""
        rows = self._ordered(store)
        if after is not None:
            rows = [row for row in rows if _key_order(row[0]) > _key_order(after)]
        return rows[:limit]

    async def scan_prefix(
        self, store: StoreName, *, prefix: str, after: str | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Like :meth:`scan`, for string keys that start with ``prefix``."""
        rows = [
            (key, record)
            for key, record in self._ordered(store)
            if isinstance(key, str) and key.startswith(prefix) and (after is None or key > after)
        ]
        return rows[:limit]

    async def expired(
        self, store: StoreName, *, now_ms: int, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read up to ``limit`` records with ``expires_ms <= now_ms``, oldest first."""
        due = [
            (record.expires_ms, _key_order(key), key, record)
            for key, record in self._stores[store].items()
            if record.expires_ms is not None and record.expires_ms <= now_ms
        ]
        due.sort(key=lambda row: row[:2])
        return [(key, record) for _, _, key, record in due[:limit]]

    async def count(self, store: StoreName) -> int:
        """Return how many records a store holds."""
        return len(self._stores[store])

    async def commit(
        self,
        *,
        expectations: Sequence[Expectation],
        puts: Sequence[Put],
        deletes: Sequence[Delete] = (),
        durable: bool = True,
    ) -> None:
        """Check, then write. Raises RevisionConflictError."""
        del durable
        self._check(expectations)
        self._write(puts)
        for delete in deletes:
            self._stores[delete.address.store].pop(delete.address.key, None)

    async def replace_all(
        self, *, expectations: Sequence[Expectation], puts: Sequence[Put]
    ) -> None:
        """Check, delete every record of every store and write ``puts``."""
        self._check(expectations)
        for records in self._stores.values():
            records.clear()
        self._write(puts)

    def _check(self, expectations: Sequence[Expectation]) -> None:
        for expectation in expectations:
            address = expectation.address
            record = self._stores[address.store].get(address.key)
            if (record.revision if record else ABSENT) != expectation.revision:
                raise RevisionConflictError(address)

    def _write(self, puts: Sequence[Put]) -> None:
        for put in puts:
            # A caller who keeps the dictionary must not be able to change what is stored.
            handles = MappingProxyType(dict(put.record.handles))
            record = attrs.evolve(put.record, handles=handles)
            self._stores[put.address.store][put.address.key] = record

    def _ordered(self, store: StoreName) -> list[tuple[Key, Record]]:
        return sorted(self._stores[store].items(), key=lambda row: _key_order(row[0]))


def _key_order(key: Key) -> tuple[int, int, str]:
    """Order keys as IndexedDB does: numbers before strings."""
    return (0, key, "") if isinstance(key, int) else (1, 0, key)
