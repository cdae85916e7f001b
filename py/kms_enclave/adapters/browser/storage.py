"""The storage port on IndexedDB, through ``worker/primitives/database.ts``.

One call is one crossing into JavaScript and one back, each with a text or two and a list
of key handles (``worker/primitives/rows.ts`` has the layout).
Handles are stored by structured clone and come back as the class that their algorithm
says; one that the browser lost is missing from the record.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final, TypeVar, get_args

from pyodide.ffi import JsException

from kms_enclave.adapters.browser.border import js_array, js_key
from kms_enclave.adapters.browser.js_types import JsCryptoKey, JsDatabase, JsRows
from kms_enclave.ports.crypto import (
    AuditSigningKey,
    KeyHandle,
    MacKey,
    MasterSecret,
    VapidSigningKey,
    WrappingKey,
)
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

__all__ = ["IndexedDbStorage", "storage_error"]

_COMMITTED: Final = -1
_SEPARATOR: Final = "\0"
_NO_HANDLES: Final[Mapping[str, KeyHandle]] = MappingProxyType({})
_FAILURES: Final[Mapping[object, StorageFailure]] = {
    failure: failure for failure in get_args(StorageFailure)
}
_HANDLE_CLASSES: Final[Mapping[str, type[KeyHandle]]] = {
    "AES-GCM": WrappingKey,
    "HMAC": MacKey,
    "HKDF": MasterSecret,
    "ECDSA": VapidSigningKey,
    "Ed25519": AuditSigningKey,
}

_T = TypeVar("_T")
_Row = tuple[Key, int, int | None, list[str]]


class IndexedDbStorage:
    """:class:`~kms_enclave.ports.storage.StoragePort` for the browser."""

    def __init__(self, js_database: JsDatabase) -> None:
        self._js_database = js_database

    async def read(self, addresses: Sequence[Address]) -> Sequence[Record | None]:
        """Read records in one transaction, in order; ``None`` where there is none."""
        text = _compact([(address.store, address.key) for address in addresses])
        rows = await _rows(self._js_database.read(text))
        return [record if record.revision != ABSENT else None for _, record in rows]

    async def scan(
        self, store: StoreName, *, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read up to ``limit`` records with keys above ``after``, in key order."""
        return await _rows(self._js_database.scan(store, after, limit))

    async def scan_prefix(
        self, store: StoreName, *, prefix: str, after: str | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Like :meth:`scan`, for string keys that start with ``prefix``."""
        return await _rows(self._js_database.scanPrefix(store, prefix, after, limit))

    async def expired(
        self, store: StoreName, *, now_ms: int, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read up to ``limit`` records with ``expires_ms <= now_ms``, oldest first."""
        return await _rows(self._js_database.expired(store, now_ms, limit))

    async def count(self, store: StoreName) -> int:
        """Return how many records a store holds."""
        return await _answer(self._js_database.count(store))

    async def commit(
        self,
        *,
        expectations: Sequence[Expectation],
        puts: Sequence[Put],
        deletes: Sequence[Delete] = (),
        durable: bool = True,
    ) -> None:
        """Check, then write, in one transaction. Raises RevisionConflictError."""
        text = _format_change(expectations, puts, deletes)
        js_keys = js_array(_keys_of(puts))
        conflict = await _answer(self._js_database.commit(text, js_keys, durable))
        if conflict != _COMMITTED:
            raise RevisionConflictError(expectations[conflict].address)

    async def replace_all(
        self, *, expectations: Sequence[Expectation], puts: Sequence[Put]
    ) -> None:
        """Check, delete every record of every store and write ``puts``, in one transaction."""
        text = _format_change(expectations, puts, ())
        js_keys = js_array(_keys_of(puts))
        conflict = await _answer(self._js_database.replaceAll(text, js_keys))
        if conflict != _COMMITTED:
            raise RevisionConflictError(expectations[conflict].address)


def storage_error(failure: object, message: str) -> StorageError:
    """Return the error for a failure that JavaScript named."""
    return StorageError(_FAILURES.get(failure, "unavailable"), message)


async def _answer(js_promise: Awaitable[_T]) -> _T:
    with _named_failures():
        return await js_promise


async def _rows(js_promise: Awaitable[JsRows]) -> list[tuple[Key, Record]]:
    js_rows = await _answer(js_promise)
    rows: list[_Row] = json.loads(js_rows.text)
    values = js_rows.values.split(_SEPARATOR) if rows else ()
    js_keys = iter(js_rows.keys.to_py() if any(names for *_, names in rows) else ())
    # By position and with one empty mapping for all: a log's worth of records comes through here.
    return [
        (
            key,
            Record(revision, value, _handles(names, js_keys) if names else _NO_HANDLES, expires_ms),
        )
        for (key, revision, expires_ms, names), value in zip(rows, values, strict=True)
    ]


def _handles(names: Sequence[str], js_keys: Iterator[JsCryptoKey]) -> Mapping[str, KeyHandle]:
    """Take as many keys as there are names, each followed by its algorithm.

    A key of an algorithm that none of ours has is left out, as if it were missing.
    """
    return {
        name: _HANDLE_CLASSES[algorithm](js_key)
        # The keys last: they go on behind the end of the names.
        for name, algorithm, js_key in zip(names[::2], names[1::2], js_keys, strict=False)
        if algorithm in _HANDLE_CLASSES
    }


def _format_change(
    expectations: Sequence[Expectation], puts: Sequence[Put], deletes: Sequence[Delete]
) -> str:
    return _compact(
        {
            "expect": [
                (expectation.address.store, expectation.address.key, expectation.revision)
                for expectation in expectations
            ],
            "put": [
                (
                    put.address.store,
                    put.address.key,
                    put.record.revision,
                    put.record.value,
                    put.record.expires_ms,
                    list(put.record.handles),
                )
                for put in puts
            ],
            "delete": [(delete.address.store, delete.address.key) for delete in deletes],
        }
    )


def _keys_of(puts: Sequence[Put]) -> list[object]:
    return [js_key(handle) for put in puts for handle in put.record.handles.values()]


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


@contextmanager
def _named_failures() -> Iterator[None]:
    try:
        yield
    except JsException as error:
        raise storage_error(getattr(error, "failure", None), error.message) from None
