"""The storage port on SQLite.

Every commit is one ``BEGIN IMMEDIATE`` transaction, with ``synchronous=FULL`` in WAL
mode, so it is on the disk when it returns, and two processes on one file see each
other's revisions. Key handles lie in the file in the clear, as they do in a browser's
profile: whoever can read the file has the keys.

Keys and JSON are stored as SQLite has them: integers sort before text, and text by its
UTF-8 bytes, which for the ASCII keys of the domain is IndexedDB's order.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kms_enclave.adapters.native.sealed import format_handle, parse_handle
from kms_enclave.ports.crypto import KeyHandle
from kms_enclave.ports.storage import (
    ABSENT,
    Address,
    Delete,
    Expectation,
    Key,
    Put,
    Record,
    RevisionConflictError,
    StorageError,
    StorageFailure,
    StoreName,
)

__all__ = ["SqliteStorage"]

_SCHEMA_VERSION: Final = 1
_BUSY_TIMEOUT_S: Final = 5.0
_ABOVE_EVERY_KEY: Final = "\U0010ffff"

_CREATE: Final = """
CREATE TABLE records (
    store TEXT NOT NULL,
    key NOT NULL, -- without a type, so that an integer stays one and sorts as one
    revision INTEGER NOT NULL,
    value TEXT NOT NULL,
    handles TEXT NOT NULL,
    expires_ms INTEGER,
    PRIMARY KEY (store, key)
) WITHOUT ROWID
"""
_CREATE_INDEX: Final = "CREATE INDEX records_expires ON records (store, expires_ms, key)"
_READ: Final = """
SELECT key, revision, value, handles, expires_ms FROM records WHERE store = ? AND key = ?
"""
_SCAN: Final = """
SELECT key, revision, value, handles, expires_ms FROM records
WHERE store = ? ORDER BY key LIMIT ?
"""
_SCAN_AFTER: Final = """
SELECT key, revision, value, handles, expires_ms FROM records
WHERE store = ? AND key > ? ORDER BY key LIMIT ?
"""
_SCAN_PREFIX: Final = """
SELECT key, revision, value, handles, expires_ms FROM records
WHERE store = ? AND key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?
"""
_EXPIRED: Final = """
SELECT key, revision, value, handles, expires_ms FROM records
WHERE store = ? AND expires_ms <= ? ORDER BY expires_ms, key LIMIT ?
"""
_COUNT: Final = "SELECT count(*) FROM records WHERE store = ?"
_REVISION: Final = "SELECT revision FROM records WHERE store = ? AND key = ?"
_WRITE: Final = """
INSERT OR REPLACE INTO records (store, key, revision, value, handles, expires_ms)
VALUES (?, ?, ?, ?, ?, ?)
"""
_DELETE: Final = "DELETE FROM records WHERE store = ? AND key = ?"
_DELETE_ALL: Final = "DELETE FROM records"

_Row = tuple[Key, int, str, str, int | None]


class SqliteStorage:
    """:class:`~kms_enclave.ports.storage.StoragePort` in one file.

    Opening raises :class:`~kms_enclave.ports.storage.StorageError`, like every method.
    """

    def __init__(self, path: Path) -> None:
        with _named_failures():
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except (sqlite3.Error, StorageError):
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the file; every later call raises StorageError."""
        self._connection.close()

    async def read(self, addresses: Sequence[Address]) -> Sequence[Record | None]:
        """Read records in one transaction, in order; ``None`` where there is none."""
        with self._transaction("BEGIN"):
            return [self._read(address) for address in addresses]

    async def scan(
        self, store: StoreName, *, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read up to ``limit`` records with keys above ``after``, in key order."""
        if after is None:
            return self._rows(_SCAN, (store, limit))
        return self._rows(_SCAN_AFTER, (store, after, limit))

    async def scan_prefix(
        self, store: StoreName, *, prefix: str, after: str | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Like :meth:`scan`, for string keys that start with ``prefix``."""
        return self._rows(
            _SCAN_PREFIX, (store, prefix, prefix + _ABOVE_EVERY_KEY, after or "", limit)
        )

    async def expired(
        self, store: StoreName, *, now_ms: int, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read up to ``limit`` records with ``expires_ms <= now_ms``, oldest first."""
        return self._rows(_EXPIRED, (store, now_ms, limit))

    async def count(self, store: StoreName) -> int:
        """Return how many records a store holds."""
        with _named_failures():
            row = self._connection.execute(_COUNT, (store,)).fetchone()
        return int(row[0])

    async def commit(
        self,
        *,
        expectations: Sequence[Expectation],
        puts: Sequence[Put],
        deletes: Sequence[Delete] = (),
        durable: bool = True,
    ) -> None:
        """Check, then write, in one transaction. Raises RevisionConflictError."""
        del durable  # Every commit is: a slower probe harms nobody here.
        with self._transaction("BEGIN IMMEDIATE"):
            self._check(expectations)
            self._write(puts)
            for delete in deletes:
                self._connection.execute(_DELETE, (delete.address.store, delete.address.key))

    async def replace_all(
        self, *, expectations: Sequence[Expectation], puts: Sequence[Put]
    ) -> None:
        """Check, delete every record of every store and write ``puts``, in one transaction."""
        with self._transaction("BEGIN IMMEDIATE"):
            self._check(expectations)
            self._connection.execute(_DELETE_ALL)
            self._write(puts)

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        with self._transaction("BEGIN IMMEDIATE"):
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version > _SCHEMA_VERSION:
                raise StorageError("newer", f"the file has schema {version}")
            if version == _SCHEMA_VERSION:
                return
            self._connection.execute(_CREATE)
            self._connection.execute(_CREATE_INDEX)
            self._connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        with _named_failures():
            self._connection.execute(begin)
            try:
                yield
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()

    def _read(self, address: Address) -> Record | None:
        row = self._connection.execute(_READ, (address.store, address.key)).fetchone()
        return _parse_row(row)[1] if row else None

    def _rows(self, query: str, values: tuple[Key, ...]) -> Sequence[tuple[Key, Record]]:
        with _named_failures():
            return [_parse_row(row) for row in self._connection.execute(query, values)]

    def _check(self, expectations: Iterable[Expectation]) -> None:
        for expectation in expectations:
            address = expectation.address
            row = self._connection.execute(_REVISION, (address.store, address.key)).fetchone()
            if (row[0] if row else ABSENT) != expectation.revision:
                raise RevisionConflictError(address)

    def _write(self, puts: Iterable[Put]) -> None:
        for put in puts:
            record = put.record
            self._connection.execute(
                _WRITE,
                (
                    put.address.store,
                    put.address.key,
                    record.revision,
                    record.value,
                    _format_handles(record.handles),
                    record.expires_ms,
                ),
            )


def _parse_row(row: _Row) -> tuple[Key, Record]:
    key, revision, value, handles, expires_ms = row
    return key, Record(
        revision=revision,
        value=value,
        handles=_parse_handles(handles),
        expires_ms=expires_ms,
    )


def _format_handles(handles: Mapping[str, KeyHandle]) -> str:
    return json.dumps({name: format_handle(handle) for name, handle in handles.items()})


def _parse_handles(text: str) -> Mapping[str, KeyHandle]:
    return {name: parse_handle(handle) for name, handle in json.loads(text).items()}


@contextmanager
def _named_failures() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(_failure_of(error), f"SQLite: {error}") from error


def _failure_of(error: sqlite3.Error) -> StorageFailure:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        return "full"
    if name in ("SQLITE_PERM", "SQLITE_AUTH"):
        return "blocked"
    # Somebody deleted the tables under an open connection.
    if "no such table" in str(error):
        return "evicted"
    return "unavailable"
