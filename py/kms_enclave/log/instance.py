"""The instance: which enclave this is, and what its keys are called.

One record, ``meta/instance``. It exists from the first start; ``uak_public`` and
``kiak_cert`` are there from the first setup on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.errors import KMSError
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.crypto import AuditSigningKey
from kms_enclave.ports.storage import Address, Expectation, Put, Record, StoragePort
from kms_enclave.structure import from_json

__all__ = [
    "INSTANCE",
    "BuildInfo",
    "Instance",
    "InstanceRecord",
    "format_instance",
    "parse_instance",
    "read_instance",
    "read_instance_in",
]

INSTANCE: Final = Address("meta", "instance")
_KIAK: Final = "kiak"


@from_json
@attrs.frozen
class BuildInfo:
    """What runs: the package's version, and the hashes of the code and of the runtime list."""

    version: str
    code_hash: str
    manifest_hash: str


@from_json
@attrs.frozen
class InstanceRecord:
    """Public keys are base64url; ``created_at`` is in milliseconds."""

    instance_id: str
    created_at: int
    kiak_public: str
    build: BuildInfo
    uak_public: str | None = None
    kiak_cert: Mapping[str, object] | None = None
    current_kid: str | None = None
    recognition_phrase: str | None = None
    recognition_colour: str | None = None


@attrs.frozen
class Instance:
    """The record, the Instance Audit Key's handle, and the revision they were read at."""

    record: InstanceRecord
    kiak: AuditSigningKey
    revision: int

    def expectation(self) -> Expectation:
        """Return what a commit that rests on this instance must expect."""
        return Expectation(INSTANCE, self.revision)

    def put(self, record: InstanceRecord) -> Put:
        """Return the put that replaces the record."""
        return Put(INSTANCE, format_instance(record, self.kiak, self.revision + 1))

    async def write(self, unit: UnitOfWork, record: InstanceRecord) -> None:
        """Replace the record within a unit of work."""
        await unit.write(INSTANCE, format_record(record), handles={_KIAK: self.kiak})


def format_instance(record: InstanceRecord, kiak: AuditSigningKey, revision: int) -> Record:
    """Return the stored form."""
    return Record(revision, format_record(record), {_KIAK: kiak})


def parse_instance(record: Record) -> Instance:
    """Return the instance. Raises DamagedRecordError."""
    kiak = record.handles.get(_KIAK)
    if not isinstance(kiak, AuditSigningKey):
        raise DamagedRecordError("the Instance Audit Key is missing")
    return Instance(parse_record(record.value, InstanceRecord), kiak, record.revision)


async def read_instance(storage: StoragePort) -> Instance:
    """Return the stored instance. Raises KMSError ``storage.evicted`` where it is gone."""
    (record,) = await storage.read([INSTANCE])
    return _require_instance(record)


async def read_instance_in(unit: UnitOfWork) -> Instance:
    """:func:`read_instance`, as a unit of work sees it."""
    return _require_instance(await unit.read(INSTANCE))


def _require_instance(record: Record | None) -> Instance:
    if record is None:
        raise KMSError("storage.evicted")
    try:
        return parse_instance(record)
    except DamagedRecordError as error:
        raise KMSError(
            "attestation.failed", details={"reason": f"instance record damaged: {error}"}
        ) from None
