"""The log as it stands: whose it is and where it ends, read at once; what is proved from it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from kms_enclave.codec import DamagedRecordError
from kms_enclave.encoding import parse_base64url
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.log.head import HEAD, Head, parse_head
from kms_enclave.log.instance import INSTANCE, Instance, parse_instance
from kms_enclave.log.stored_tree import (
    Growth,
    read_consistency,
    read_growth,
    read_inclusion,
)
from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.storage import ABSENT, StoragePort
from kms_enclave.tlog.checkpoint import Checkpoint, log_origin, sign_checkpoint
from kms_enclave.tlog.tree import frontier_root

__all__ = [
    "Growth",
    "Inclusion",
    "Log",
    "checkpoint_of",
    "prove_consistency",
    "prove_growth",
    "prove_inclusion",
    "read_log",
]


@attrs.frozen
class Log:
    """``origin`` is the first line of its checkpoints."""

    instance: Instance
    head: Head
    origin: str

    @property
    def kiak_public(self) -> bytes:
        """The 32-byte public key that signs its checkpoints."""
        return parse_base64url(self.instance.record.kiak_public)


@attrs.frozen
class Inclusion:
    """That an entry's hash is in the tree of the first ``size`` entries."""

    leaf: bytes
    size: int
    path: Sequence[bytes]


async def read_log(storage: StoragePort, enclave_origin: str) -> Log:
    """Read what stands now.

    Raises KMSError ``storage.evicted``, ``attestation.failed``.
    """
    instance_record, head_record = await storage.read([INSTANCE, HEAD])
    if instance_record is None:
        raise KMSError("storage.evicted", "The enclave's records are gone; reload the page")
    try:
        instance, head = parse_instance(instance_record), parse_head(head_record)
    except DamagedRecordError as error:
        raise _failed(error) from None
    if head.revision == ABSENT:
        raise KMSError("storage.evicted", "The log's head is gone; reload the page")
    return Log(instance, head, log_origin(enclave_origin, instance.record.instance_id))


async def checkpoint_of(crypto: CryptoPort, log: Log) -> str:
    """Return a signed checkpoint of the whole log."""
    checkpoint = Checkpoint(log.origin, log.head.size, frontier_root(log.head.frontier))
    return await sign_checkpoint(crypto, log.instance.kiak, log.kiak_public, checkpoint)


async def prove_inclusion(
    storage: StoragePort, log: Log, *, seq_num: int, size: int | None
) -> Inclusion:
    """Prove an entry in the tree of the first ``size`` entries, or of all.

    Raises KMSError ``request.invalid``, ``attestation.failed``.
    """
    size = _size_within(log, size, field="size")
    if not 0 <= seq_num < size:
        raise request_invalid("seqNum", "is not in that part of the log")
    try:
        leaf, path = await read_inclusion(storage, log.head.frontier, index=seq_num, size=size)
    except DamagedRecordError as error:
        raise _failed(error) from None
    return Inclusion(leaf, size, path)


async def prove_consistency(
    storage: StoragePort, log: Log, *, old_size: int, size: int | None
) -> tuple[int, Sequence[bytes]]:
    """Prove that the log begins with its first ``old_size`` entries; return the later size too.

    Raises KMSError ``request.invalid``, ``attestation.failed``.
    """
    size = _size_within(log, size, field="to")
    if not 1 <= old_size <= size:
        raise request_invalid("from", "must be 1 to the later size")
    try:
        path = await read_consistency(storage, log.head.frontier, old_size=old_size, size=size)
    except DamagedRecordError as error:
        raise _failed(error) from None
    return size, path


async def prove_growth(
    storage: StoragePort, enclave_origin: str, *, old_size: int | None, seq_nums: Sequence[int]
) -> tuple[Log, Growth]:
    """Prove what somebody remembers of the log to be in it as it stands; return that too.

    What the log does not have is no error: it is the finding. Raises KMSError
    ``request.invalid``, ``storage.evicted``, ``attestation.failed``.
    """
    if old_size is not None and old_size < 1:
        raise request_invalid("from", "must be at least 1")
    if any(seq_num < 0 for seq_num in seq_nums):
        raise request_invalid("entries", "must not be negative")
    while True:
        log = await read_log(storage, enclave_origin)
        try:
            return log, await read_growth(
                storage, log.head.frontier, old_size=old_size, indices=seq_nums
            )
        except DamagedRecordError as error:
            # Another tab may have reset the log between two reads.
            if (await read_log(storage, enclave_origin)).head.revision == log.head.revision:
                raise _failed(error) from None


def _size_within(log: Log, size: int | None, *, field: str) -> int:
    if size is None:
        return log.head.size
    if not 1 <= size <= log.head.size:
        raise request_invalid(field, "is not a size that the log has or had")
    return size


def _failed(error: DamagedRecordError) -> KMSError:
    return KMSError("attestation.failed", details={"reason": str(error)})
