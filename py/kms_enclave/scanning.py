"""Whole stores, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from kms_enclave.ports.storage import Key, Record, StoragePort, StoreName

__all__ = ["scan_all"]

_PAGE: Final = 256


async def scan_all(storage: StoragePort, store: StoreName) -> AsyncIterator[tuple[Key, Record]]:
    """Yield every record of a store."""
    after: Key | None = None
    while True:
        page = await storage.scan(store, after=after, limit=_PAGE)
        for key, stored in page:
            after = key
            yield key, stored
        if len(page) < _PAGE:
            return
