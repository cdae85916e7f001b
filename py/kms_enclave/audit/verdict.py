"""What the last verification of the log found, kept beside it.

Either a checkpoint of what was verified, signed by the instance's own key, or the fault.
A start goes by it, and an incremental verification begins there.
"""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.storage import Address, Record
from kms_enclave.structure import from_json
from kms_enclave.tlog.checkpoint import Checkpoint, CheckpointError, verify_checkpoint

__all__ = ["VERDICT", "StoredVerdict", "format_verdict", "parse_verdict", "verify_verdict"]

VERDICT: Final = Address("meta", "verified")


@from_json
@attrs.frozen
class StoredVerdict:
    """``checkpoint`` is a signed note; ``is_setup`` tells whether a setup is in what it covers."""

    checkpoint: str | None = None
    is_setup: bool = False
    fault: str | None = None


def parse_verdict(record: Record | None) -> StoredVerdict | None:
    """Return the verdict of a record, if there is one. Raises DamagedRecordError."""
    if record is None:
        return None
    verdict = parse_record(record.value, StoredVerdict)
    if (verdict.checkpoint is None) == (verdict.fault is None):
        raise DamagedRecordError("the last verdict is neither good nor bad")
    return verdict


def format_verdict(verdict: StoredVerdict, *, revision: int) -> Record:
    """Return the record."""
    return Record(revision, format_record(verdict))


async def verify_verdict(
    crypto: CryptoPort, checkpoint: str, *, expected_origin: str, expected_public_raw: bytes
) -> Checkpoint:
    """Return the checkpoint of a good verdict. Raises DamagedRecordError."""
    try:
        return await verify_checkpoint(
            crypto,
            checkpoint,
            expected_origin=expected_origin,
            expected_public_raw=expected_public_raw,
        )
    except CheckpointError as error:
        raise DamagedRecordError(f"the last verdict: {error}") from None
