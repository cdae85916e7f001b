"""The instance record: complete with its key, or damaged."""

from __future__ import annotations

import attrs
import pytest
from enclave import Refusal, World
from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.codec import DamagedRecordError
from kms_enclave.log.instance import BuildInfo, InstanceRecord, format_instance, parse_instance
from kms_enclave.ports.crypto import AuditSigningKey
from kms_enclave.ports.storage import Record

_RECORD = InstanceRecord(
    instance_id="i", created_at=1, kiak_public="k", build=BuildInfo("1", "c", "m")
)


async def _key() -> AuditSigningKey:
    return (await NativeCrypto().generate_audit_key()).private


async def test_an_instance_comes_back_with_its_key() -> None:
    key = await _key()
    instance = parse_instance(format_instance(_RECORD, key, 3))
    assert (instance.record, instance.kiak, instance.revision) == (_RECORD, key, 3)


async def test_an_instance_without_its_key_is_damaged() -> None:
    stored = format_instance(_RECORD, await _key(), 3)
    with pytest.raises(DamagedRecordError, match="Audit Key"):
        parse_instance(attrs.evolve(stored, handles={}))


async def test_another_kind_of_key_is_not_the_instances() -> None:
    stored = format_instance(_RECORD, await _key(), 3)
    keys = await NativeCrypto().derive_passphrase_keys(
        passphrase=b"p", salt=b"s", iterations=1, kek_info=b"", kcv_info=b""
    )
    with pytest.raises(DamagedRecordError, match="Audit Key"):
        parse_instance(attrs.evolve(stored, handles={"kiak": keys.kek}))


async def test_records_that_are_taken_away_under_a_worker_are_named_so(world: World) -> None:
    worker = await world.ready()
    await world.delete("meta", "instance")
    with pytest.raises(Refusal) as caught:
        await worker.create_lease()
    assert caught.value.code == "storage.evicted"


async def test_a_record_that_is_damaged_under_a_worker_stops_it(world: World) -> None:
    worker = await world.ready()
    record = await world.record("meta", "instance")
    await world.put("meta", "instance", Record(record.revision, "{}", record.handles))
    with pytest.raises(Refusal) as caught:
        await worker.create_lease()
    assert caught.value.code == "attestation.failed"
