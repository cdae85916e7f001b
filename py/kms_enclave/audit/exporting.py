"""The log as an export file, a part at a time (docs/spec/audit.md, Export file).

Entries go out as they are stored: whether they hold is for the reader to find. A part
names the size that the checkpoint at the beginning covers, so that entries which are
added meanwhile stay out of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from kms_enclave.audit.proofs import Log, checkpoint_of, read_log
from kms_enclave.audit.pruned_mark import NOTHING_PRUNED, PRUNED, PrunedMark, parse_mark
from kms_enclave.audit.verdict import VERDICT, parse_verdict
from kms_enclave.codec import DamagedRecordError
from kms_enclave.encoding import canonical_entry, parse_json
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.log.stored_tree import read_subtrees
from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.storage import ABSENT, Address, Record, StoragePort

__all__ = ["ExportPart", "begin_export", "begin_locked_export", "continue_export"]

_ENTRIES_A_PART: Final = 500


@attrs.frozen
class ExportPart:
    """Whole lines; ``next`` is what the following part begins with, ``None`` after the last.

    ``first`` is the first entry's number, ``None`` without one.
    """

    text: str
    size: int
    first: int | None
    next: int | None


async def begin_export(
    storage: StoragePort, crypto: CryptoPort, *, enclave_origin: str
) -> ExportPart:
    """Return the beginning of a file over the whole log.

    Raises KMSError ``storage.evicted``, ``attestation.failed``.
    """
    while True:
        (before,) = await storage.read([PRUNED])
        log = await read_log(storage, enclave_origin)
        part = await _beginning(storage, crypto, log, before)
        (after,) = await storage.read([PRUNED])
        # A pruning between the reads would give a file that begins at neither place.
        if _revision(after) == _revision(before):
            return part


def _revision(record: Record | None) -> int:
    return record.revision if record else ABSENT


async def _beginning(
    storage: StoragePort, crypto: CryptoPort, log: Log, mark_record: Record | None
) -> ExportPart:
    lines = [_line("checkpoint", note=await checkpoint_of(crypto, log))]
    certificate = log.instance.record.kiak_cert
    if certificate is not None:
        lines.append(_line("certificate", certificate=certificate))
    try:
        mark = parse_mark(mark_record)
        if mark != NOTHING_PRUNED:
            lines.append(await _pruned_line(storage, log, mark))
    except (DamagedRecordError, ValueError) as error:
        raise KMSError("attestation.failed", details={"reason": str(error)}) from None
    return await _part(storage, lines, start=mark.first, size=log.head.size)


async def begin_locked_export(storage: StoragePort) -> ExportPart:
    """Return the beginning of what a locked enclave holds: evidence, as it is stored."""
    (verdict_record,) = await storage.read([VERDICT])
    lines: list[str] = []
    try:
        verdict = parse_verdict(verdict_record)
        if verdict is not None and verdict.checkpoint is not None:
            lines.append(_line("checkpoint", note=verdict.checkpoint))
    except DamagedRecordError:
        lines.clear()
    return await _part(storage, lines, start=0, size=2**53 - 1)


async def continue_export(
    storage: StoragePort, *, start: int, size: int, is_locked: bool
) -> ExportPart:
    """Return the part that begins with entry ``start``. Raises KMSError ``request.invalid``."""
    if not 0 <= start < size:
        raise request_invalid("from", "is not in that part of the log")
    part = await _part(storage, [], start=start, size=size)
    if part.first != start and not is_locked:
        raise request_invalid("from", "was dropped meanwhile; export again")
    return part


async def _part(storage: StoragePort, lines: Sequence[str], *, start: int, size: int) -> ExportPart:
    found = await storage.scan("audit", after=start - 1, limit=_ENTRIES_A_PART + 1)
    within = [(key, record) for key, record in found if isinstance(key, int) and key < size]
    entries = [record.value for _, record in within[:_ENTRIES_A_PART]]
    following = within[_ENTRIES_A_PART:]
    return ExportPart(
        text="".join(f"{line}\n" for line in (*lines, *entries)),
        size=size,
        first=int(within[0][0]) if within else None,
        next=int(following[0][0]) if following else None,
    )


async def _pruned_line(storage: StoragePort, log: Log, mark: PrunedMark) -> str:
    (record,) = await storage.read([Address("audit", mark.seq_num)])
    if record is None:
        raise DamagedRecordError(f"entry {mark.seq_num} is missing")
    subtrees = await read_subtrees(storage, log.head.frontier, mark.first)
    return _line(
        "pruned", entry=parse_json(record.value), subtrees=[each.hex() for each in subtrees]
    )


def _line(kind: str, **fields: object) -> str:
    line: Mapping[str, object] = {"type": kind, "version": 1, **fields}
    return canonical_entry(line).decode()
