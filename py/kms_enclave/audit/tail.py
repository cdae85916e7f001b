"""The end of the stored log, checked at every start in constant work.

The instance, the last entries, the head, the tree and the last verdict must agree. What
keeps the end intact is found by the full verification
(:mod:`kms_enclave.audit.stored_log`), an older copy of everything only by who remembers a
later head. Specification: docs/spec/audit.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from kms_enclave.audit.identity import verify_identity
from kms_enclave.audit.proofs import Log
from kms_enclave.audit.pruned_mark import NOTHING_PRUNED, PRUNED, parse_mark, verify_mark
from kms_enclave.audit.verdict import VERDICT, parse_verdict, verify_verdict
from kms_enclave.codec import DamagedRecordError
from kms_enclave.log.stored_tree import read_root, read_tiles
from kms_enclave.log.verify.chain import BadEntryError
from kms_enclave.log.verify.form import OpenedEntry, open_entry
from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.storage import Address, Record, StoragePort
from kms_enclave.tlog.tree import TILE_WIDTH, Frontier, Tile, Tiles, last_full_tiles

__all__ = ["verify_tail"]


async def verify_tail(storage: StoragePort, crypto: CryptoPort, log: Log) -> None:
    """Check the end of the log. Raises DamagedRecordError with the reason."""
    await verify_identity(crypto, log.instance.record)
    mark_record, verdict_record = await storage.read([PRUNED, VERDICT])
    mark = parse_mark(mark_record)
    if mark != NOTHING_PRUNED:
        uak = log.instance.record.uak_public or ""
        try:
            await verify_mark(storage, crypto, mark, log.head, expected_uak=uak)
        except BadEntryError as error:
            raise DamagedRecordError(str(error)) from None
    first = max(mark.first, log.head.size - TILE_WIDTH)
    leaves = await _read_leaves(storage, log, first)
    tiles = await read_tiles(storage, last_full_tiles(log.head.size))
    _verify_tree(log.head.frontier, tiles, leaves)
    await _verify_verdict(storage, crypto, log, verdict_record)


async def _read_leaves(storage: StoragePort, log: Log, first: int) -> Sequence[bytes]:
    """Return the last entries' hashes, once they hash, link, and end where the head says."""
    head = log.head
    numbers = range(first, head.size)
    *records, beyond = await storage.read(
        [Address("audit", number) for number in (*numbers, head.size)]
    )
    if beyond is not None or None in records:
        raise DamagedRecordError("the log does not end where its head says")
    leaves: list[bytes] = []
    previous_hash: str | None = None
    timestamp = 0
    for number, record in zip(numbers, records, strict=True):
        entry = _open(record, number)
        if entry.seq_num != number or previous_hash not in (None, entry.previous_hash):
            raise DamagedRecordError(f"entry {number} is not the one that was written there")
        previous_hash, timestamp = entry.chain_hash, entry.timestamp
        leaves.append(entry.leaf)
    if previous_hash != head.chain_hash:
        raise DamagedRecordError("the last entry is not the one that the head names")
    if timestamp > head.timestamp_ms:
        raise DamagedRecordError("the head's time is before the last entry's")
    return leaves


def _open(record: Record | None, number: int) -> OpenedEntry:
    try:
        return open_entry(record.value.encode() if record else b"")
    except ValueError as error:
        raise DamagedRecordError(f"entry {number}: {error}") from None


def _verify_tree(frontier: Frontier, tiles: Tiles, leaves: Sequence[bytes]) -> None:
    ends = [list(hashes) for hashes in frontier.levels]
    for name, hashes in tiles.items():
        ends[name.level][:0] = hashes
    if ends[0][-len(leaves) :] != leaves:
        raise DamagedRecordError("the last entries are not those of the tree")
    for name, hashes in tiles.items():
        if Tile(name, hashes).root() != ends[name.level + 1][-1]:
            raise DamagedRecordError(f"the tree's level {name.level} is not that of the next")


async def _verify_verdict(
    storage: StoragePort, crypto: CryptoPort, log: Log, record: Record | None
) -> None:
    verdict = parse_verdict(record)
    if verdict is None:
        return
    if verdict.checkpoint is None:
        raise DamagedRecordError(f"the last verification found a fault: {verdict.fault}")
    checkpoint = await verify_verdict(
        crypto,
        verdict.checkpoint,
        expected_origin=log.origin,
        expected_public_raw=log.kiak_public,
    )
    if checkpoint.size > log.head.size:
        raise DamagedRecordError("the log is shorter than when it was verified last")
    if await read_root(storage, log.head.frontier, checkpoint.size) != checkpoint.root:
        raise DamagedRecordError("the tree is not the one that was verified last")
