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
    STORE_NAMES,
    Address,
    Delete,
    Expectation,
    Key,
    Put,
    Record,
    RevisionConflict,
    StorageError,
    StorageFailure,
    StoreName,
)

__all__ = ["SqliteStorage"]

_SCHEMA_VERSION: Final = 1
_BUSY_TIMEOUT_S: Final = 5.0
_ABOVE_EVERY_KEY: Final = "\U0010ffff"
_COLUMNS: Final = "key, revision, value, handles, expires_ms"

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
            return [self._record(address) for address in addresses]

    async def scan(
        self, store: StoreName, *, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read up to ``limit`` records with keys above ``after``, in key order."""
        if after is None:
            return self._rows(store, "ORDER BY key LIMIT ?", (limit,))
        return self._rows(store, "WHERE key > ? ORDER BY key LIMIT ?", (after, limit))

    async def scan_prefix(
        self, store: StoreName, *, prefix: str, after: str | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Like :meth:`scan`, for string keys that start with ``prefix``."""
        return self._rows(
            store,
            "WHERE key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?",
            (prefix, prefix + _ABOVE_EVERY_KEY, after or "", limit),
        )

    async def expired(
        self, store: StoreName, *, now_ms: int, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read up to ``limit`` records with ``expires_ms <= now_ms``, oldest first."""
        return self._rows(
            store, "WHERE expires_ms <= ? ORDER BY expires_ms, key LIMIT ?", (now_ms, limit)
        )

    async def count(self, store: StoreName) -> int:
        """Return how many records a store holds."""
        with _named_failures():
            row = self._connection.execute(f"SELECT count(*) FROM {_table(store)}").fetchone()
        return int(row[0])

    async def commit(
        self,
        *,
        expectations: Sequence[Expectation],
        puts: Sequence[Put],
        deletes: Sequence[Delete] = (),
        durable: bool = True,
    ) -> None:
        """Check, then write, in one transaction. Raises RevisionConflict."""
        del durable  # Every commit is: a slower probe harms nobody here.
        with self._transaction("BEGIN IMMEDIATE"):
            self._check(expectations)
            self._write(puts)
            for delete in deletes:
                address = delete.address
                self._connection.execute(
                    f"DELETE FROM {_table(address.store)} WHERE key = ?", (address.key,)
                )

    async def replace_all(
        self, *, expectations: Sequence[Expectation], puts: Sequence[Put]
    ) -> None:
        """Check, delete every record of every store and write ``puts``, in one transaction."""
        with self._transaction("BEGIN IMMEDIATE"):
            self._check(expectations)
            for store in STORE_NAMES:
                self._connection.execute(f"DELETE FROM {_table(store)}")
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
            for store in STORE_NAMES:
                # The key has no type, so that an integer stays one and sorts as one.
                self._connection.execute(
                    f"CREATE TABLE {_table(store)} (key PRIMARY KEY, revision INTEGER NOT NULL, "
                    "value TEXT NOT NULL, handles TEXT NOT NULL, expires_ms INTEGER) "
                    "WITHOUT ROWID"
                )
                self._connection.execute(
                    f"CREATE INDEX {store}_expires ON {_table(store)} (expires_ms)"
                )
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

    def _record(self, address: Address) -> Record | None:
        rows = self._select(address.store, "WHERE key = ?", (address.key,))
        return _parse_row(rows[0])[1] if rows else None

    def _rows(
        self, store: StoreName, clause: str, values: tuple[Key, ...]
    ) -> Sequence[tuple[Key, Record]]:
        with _named_failures():
            return [_parse_row(row) for row in self._select(store, clause, values)]

    def _select(self, store: StoreName, clause: str, values: tuple[Key, ...]) -> list[_Row]:
        return self._connection.execute(
            f"SELECT {_COLUMNS} FROM {_table(store)} {clause}", values
        ).fetchall()

    def _check(self, expectations: Iterable[Expectation]) -> None:
        for expectation in expectations:
            address = expectation.address
            row = self._connection.execute(
                f"SELECT revision FROM {_table(address.store)} WHERE key = ?", (address.key,)
            ).fetchone()
            if (row[0] if row else ABSENT) != expectation.revision:
                raise RevisionConflict(address)

    def _write(self, puts: Iterable[Put]) -> None:
        for put in puts:
            record = put.record
            self._connection.execute(
                f"INSERT OR REPLACE INTO {_table(put.address.store)} ({_COLUMNS}) "
                "VALUES (?, ?, ?, ?, ?)",
                (
                    put.address.key,
                    record.revision,
                    record.value,
                    _format_handles(record.handles),
                    record.expires_ms,
                ),
            )


def _table(store: StoreName) -> str:
    # A name that came from elsewhere must not become SQL.
    if store not in STORE_NAMES:
        raise ValueError(f"unknown store {store!r}")
    return f'"{store}"'


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
