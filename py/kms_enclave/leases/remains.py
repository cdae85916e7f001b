"""What is deleted of tokens and grants that time has ended, and what is kept a while longer.

A clock may be ahead when it says that something is dead. The tokens of a revoked lease stay
as long as its record: until then, whoever sets the clock back still finds them listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, parse_record
from kms_enclave.context import Context
from kms_enclave.leases.emergency import listed_for_ms
from kms_enclave.leases.lease import LeaseRecord, lease_address
from kms_enclave.leases.token import TokenRecord
from kms_enclave.log.skew import MAX_BEHIND_MS
from kms_enclave.ports.storage import (
    Address,
    Delete,
    Expectation,
    Key,
    Put,
    Record,
    RevisionConflictError,
    StoragePort,
)

__all__ = ["delete_dead"]

_AT_ONCE: Final = 500


async def delete_dead(context: Context) -> None:
    """Delete expired token ids and grants, some at a time."""
    # Not by the clock alone: it may be ahead, and what it calls dead would be missing when
    # it is set right. Behind what is committed time never goes, but by re-anchoring; the
    # clock may go that far back, though, without anybody being asked.
    head = await context.journal.read_head()
    past_ms = min(context.clock.now_ms(), head.timestamp_ms) - MAX_BEHIND_MS
    dead_since = past_ms - listed_for_ms(context.config)
    storage = context.storage
    await _delete_tokens(
        storage, await storage.expired("tokens", now_ms=dead_since, limit=_AT_ONCE)
    )
    grants = await storage.expired("grants", now_ms=dead_since, limit=_AT_ONCE)
    await _commit(storage, deletes=[Delete(Address("grants", key)) for key, _ in grants])


async def _delete_tokens(storage: StoragePort, dead: Sequence[tuple[Key, Record]]) -> None:
    """Delete tokens; those of a revoked lease are found again when its record expires."""
    lease_ids = {key: _lease_id_of(stored) for key, stored in dead}
    kept_until = await _ends_of_revoked(storage, {name for name in lease_ids.values() if name})
    kept: list[tuple[Address, Record, int]] = []
    deletes: list[Delete] = []
    for key, stored in dead:
        address = Address("tokens", key)
        until_ms = kept_until.get(lease_ids[key] or "", 0)
        if until_ms > (stored.expires_ms or 0):
            kept.append((address, stored, until_ms))
        else:
            deletes.append(Delete(address))
    await _commit(
        storage,
        expectations=[Expectation(address, stored.revision) for address, stored, _ in kept],
        puts=[
            Put(address, attrs.evolve(stored, revision=stored.revision + 1, expires_ms=until_ms))
            for address, stored, until_ms in kept
        ],
        deletes=deletes,
    )


async def _ends_of_revoked(storage: StoragePort, lease_ids: set[str]) -> Mapping[str, int]:
    """Return when the records of those leases expire that were revoked, or may have been."""
    found = await storage.read([lease_address(lease_id) for lease_id in lease_ids])
    return {
        lease_id: stored.expires_ms
        for lease_id, stored in zip(lease_ids, found, strict=True)
        if stored is not None and stored.expires_ms is not None and _may_be_revoked(stored)
    }


def _may_be_revoked(stored: Record) -> bool:
    try:
        return parse_record(stored.value, LeaseRecord).revoked_at is not None
    except DamagedRecordError:
        return True


def _lease_id_of(stored: Record) -> str | None:
    try:
        return parse_record(stored.value, TokenRecord).lease_id
    except DamagedRecordError:
        return None


async def _commit(
    storage: StoragePort,
    *,
    deletes: Sequence[Delete],
    expectations: Sequence[Expectation] = (),
    puts: Sequence[Put] = (),
) -> None:
    if not (puts or deletes):
        return
    try:
        await storage.commit(expectations=expectations, puts=puts, deletes=deletes, durable=False)
    except RevisionConflictError:
        return  # Another tab sweeps too; the next sweep does the rest.
