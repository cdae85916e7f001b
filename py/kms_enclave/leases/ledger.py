"""What issuing works on: leases with their windows, remembered between calls.

The memory is only a shortcut. Every commit names the revisions that it rests on, so
a stale memory costs a retry and never a grant; and a refusal is never given from
memory alone (:meth:`Ledger.reread`), because another tab may have lifted its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from kms_enclave.audit.journal import Journal
from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.encoding import format_json, parse_json
from kms_enclave.errors import KMSError
from kms_enclave.leases.lease import Lease, lease_address, parse_lease
from kms_enclave.leases.patterns import Patterns, parse_patterns, patterns_address
from kms_enclave.leases.quota import CHUNK, GrantWindow, WindowRecord, first_chunk_needed
from kms_enclave.ports.storage import ABSENT, Address, Expectation, Put, Record, StoragePort

__all__ = ["LeaseAccount", "Ledger"]

HOUR_MS: Final = 3_600_000
_PAGE: Final = 512


@attrs.frozen
class _QuotaRecord:
    tokens_per_hour: WindowRecord


@attrs.define
class LeaseAccount:
    """A lease and what it has used; changed in place while a change is being made."""

    lease: Lease
    tokens: GrantWindow
    quota_revision: int
    patterns: Patterns
    patterns_revision: int
    uncommitted: bool = False
    _filled: list[Put] = attrs.field(factory=list)

    def grant_tokens(self, count: int, *, now_ms: int) -> None:
        """Count tokens; :meth:`puts` then says what to write."""
        self.uncommitted = True
        for index, times in self.tokens.grant(count, now_ms=now_ms):
            address = _chunk_address(self.lease.record.lease_id, index)
            expires_ms = times[-1] + self.tokens.length_ms
            self._filled.append(Put(address, Record(1, format_json(list(times)), {}, expires_ms)))

    def expectations(self) -> Sequence[Expectation]:
        """Return what a commit about this lease rests on."""
        lease_id = self.lease.record.lease_id
        return (
            Expectation(lease_address(lease_id), self.lease.revision),
            Expectation(_quota_address(lease_id), self.quota_revision),
            Expectation(patterns_address(self.lease.record.origin), self.patterns_revision),
        )

    def puts(self) -> Sequence[Put]:
        """Return what the grants since the last call change, and count the new revision."""
        self.quota_revision += 1
        self.uncommitted = False
        record = _QuotaRecord(self.tokens.to_record())
        address = _quota_address(self.lease.record.lease_id)
        filled, self._filled = self._filled, []
        return (*filled, Put(address, Record(self.quota_revision, format_record(record))))


class Ledger:
    """The accounts of this worker."""

    def __init__(self, *, storage: StoragePort, journal: Journal) -> None:
        self._storage = storage
        self._journal = journal
        self._accounts: dict[str, LeaseAccount] = {}
        self._generation = journal.generation

    async def account(self, lease_id: str) -> tuple[LeaseAccount, bool]:
        """Return an account, and whether it was just read from storage.

        Raises KMSError ``lease.not.found`` or ``lease.needs.resume``.
        """
        if self._generation != self._journal.generation:
            self._accounts.clear()
            self._generation = self._journal.generation
        known = self._accounts.get(lease_id)
        if known is not None:
            return known, False
        return await self.reread(lease_id), True

    async def reread(self, lease_id: str) -> LeaseAccount:
        """Read an account from storage, past the memory."""
        self._accounts.pop(lease_id, None)
        lease_record, quota_record = await self._storage.read(
            [lease_address(lease_id), _quota_address(lease_id)]
        )
        if lease_record is None:
            raise KMSError("lease.not.found", f"Lease not found: {lease_id}")
        lease = parse_lease(lease_record, expected_lease_id=lease_id)
        (patterns,) = await self._storage.read([patterns_address(lease.record.origin)])
        tokens, revision = await self._open_window(lease, quota_record)
        account = LeaseAccount(
            lease=lease,
            tokens=tokens,
            quota_revision=revision,
            patterns=parse_patterns(patterns),
            patterns_revision=patterns.revision if patterns else ABSENT,
        )
        self._accounts[lease_id] = account
        return account

    async def _open_window(self, lease: Lease, stored: Record | None) -> tuple[GrantWindow, int]:
        limit = lease.record.quotas.tokens_per_hour
        window = WindowRecord()
        if stored is not None:
            try:
                window = parse_record(stored.value, _QuotaRecord).tokens_per_hour
            except DamagedRecordError:
                raise KMSError("lease.not.found", "The lease's quota record is damaged") from None
        tokens = GrantWindow(
            limit=limit,
            length_ms=HOUR_MS,
            record=window,
            older=await self._older_grants(lease.record.lease_id, window, limit),
        )
        return tokens, stored.revision if stored else ABSENT

    async def _older_grants(self, lease_id: str, window: WindowRecord, limit: int) -> list[int]:
        index = first_chunk_needed(granted=window.granted, limit=limit)
        times: list[int] = []
        while index < window.granted // CHUNK:
            addresses = [
                _chunk_address(lease_id, number)
                for number in range(index, min(index + _PAGE, window.granted // CHUNK))
            ]
            for record in await self._storage.read(addresses):
                if record is not None:
                    times.extend(_parse_times(record.value))
            index += _PAGE
        return times


def _parse_times(text: str) -> list[int]:
    try:
        value = parse_json(text)
    except ValueError:
        value = None
    if not isinstance(value, list) or any(type(time) is not int for time in value):
        raise KMSError("lease.not.found", "The lease's quota record is damaged")
    return value


def _quota_address(lease_id: str) -> Address:
    return Address("quotas", lease_id)


def _chunk_address(lease_id: str, index: int) -> Address:
    return Address("grants", f"{lease_id}/tokens/{index:012d}")
