"""Refusals in the log: the first at once, then at most one entry a minute.

A flood of refused calls must not fill the disk, so repeated refusals of one lease
for one reason are counted and named in the next entry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from kms_enclave.audit.entry import EntryDraft
from kms_enclave.audit.journal import SignedDraft
from kms_enclave.audit.signing import instance_draft
from kms_enclave.instance import read_instance
from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.storage import StoragePort

__all__ = ["Logged", "Refusal", "RefusalLog"]

_INTERVAL_MS: Final = 60_000
_LOGGED: Final = frozenset({"quota.exceeded.lease", "lease.revoked", "origin.denied"})


@attrs.frozen
class Refusal:
    """A refused call: whose lease, who asked, and why."""

    lease_id: str
    origin: str
    code: str


@attrs.frozen
class Logged:
    """Refusals by (lease id, code), and which of them an entry stands for."""

    now_ms: int
    counts: Mapping[tuple[str, str], int]
    entered: frozenset[tuple[str, str]]


class RefusalLog:
    """Counts refusals for one worker. What it has counted is lost with the worker."""

    def __init__(self, *, crypto: CryptoPort, storage: StoragePort) -> None:
        self._crypto = crypto
        self._storage = storage
        self._logged_at: dict[tuple[str, str], int] = {}
        self._unlogged: Counter[tuple[str, str]] = Counter()

    async def drafts(
        self, refusals: Sequence[Refusal], *, now_ms: int
    ) -> tuple[Sequence[SignedDraft], Logged]:
        """Return the entries that are due, and what to :meth:`note` once they are committed."""
        counts: Counter[tuple[str, str]] = Counter()
        origins: dict[tuple[str, str], str] = {}
        for refusal in refusals:
            if refusal.code in _LOGGED:
                key = (refusal.lease_id, refusal.code)
                counts[key] += 1
                origins.setdefault(key, refusal.origin)
        due = [key for key in counts if self._is_due(key, now_ms)]
        logged = Logged(now_ms, counts, frozenset(due))
        if not due:
            return (), logged
        instance = await read_instance(self._storage)
        drafts = [
            EntryDraft(
                op="issue.refused",
                request_id=self._crypto.random_uuid(),
                origin=origins[key],
                lease_id=key[0],
                details={"code": key[1], "count": self._unlogged[key] + counts[key]},
            )
            for key in due
        ]
        return [instance_draft(instance, draft) for draft in drafts], logged

    def note(self, logged: Logged) -> None:
        """Remember what a commit has logged, and count what it has not."""
        for key, count in logged.counts.items():
            if key in logged.entered:
                self._logged_at[key] = logged.now_ms
                del self._unlogged[key]
            else:
                self._unlogged[key] += count

    def _is_due(self, key: tuple[str, str], now_ms: int) -> bool:
        last = self._logged_at.get(key)
        return last is None or now_ms - last >= _INTERVAL_MS
