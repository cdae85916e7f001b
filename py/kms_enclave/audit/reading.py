"""Pages of the log as it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from kms_enclave.encoding import parse_json
from kms_enclave.errors import KMSError
from kms_enclave.ports.storage import Key, Record, StoragePort

__all__ = ["MAX_PAGE", "Page", "read_page"]

MAX_PAGE: Final = 500


@attrs.frozen
class Page:
    """Entries as they are stored; ``next`` is the number that follows, ``None`` at the end."""

    entries: Sequence[Mapping[str, object]]
    next: int | None


async def read_page(storage: StoragePort, *, start: int, limit: int) -> Page:
    """Return up to ``limit`` entries from number ``start`` on.

    Raises KMSError ``attestation.failed`` for an entry that is not one.
    """
    found = await storage.scan("audit", after=start - 1, limit=limit + 1)
    entries = [_parse_shown(key, record) for key, record in found[:limit]]
    return Page(entries, next=int(found[limit][0]) if len(found) > limit else None)


def _parse_shown(key: Key, record: Record) -> Mapping[str, object]:
    try:
        entry = parse_json(record.value)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or not isinstance(key, int):
        raise KMSError("attestation.failed", details={"reason": f"entry {key} is damaged"})
    return entry
