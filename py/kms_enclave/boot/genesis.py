"""A new instance: its identity, its audit key, the first entry of its log."""

from __future__ import annotations

from collections.abc import Mapping

from kms_enclave.context import Context
from kms_enclave.encoding import format_base64url
from kms_enclave.log.entry import EntryDraft
from kms_enclave.log.instance import INSTANCE, Instance, InstanceRecord, format_instance
from kms_enclave.log.journal import Change
from kms_enclave.log.signing import instance_draft
from kms_enclave.ports.storage import ABSENT, Expectation, Put

__all__ = ["new_instance"]


async def new_instance(context: Context, *, now_ms: int, details: Mapping[str, object]) -> Change:
    """Return the change that begins an instance where there is none.

    ``now_ms`` is the first entry's timestamp: the certificate of the Instance Audit Key is valid
    from the instance's creation on, and must not begin after that entry.
    """
    made = await context.crypto.generate_audit_key()
    record = InstanceRecord(
        instance_id=context.crypto.random_uuid(),
        created_at=now_ms,
        kiak_public=format_base64url(made.public_raw),
        build=context.build,
    )
    instance = Instance(record, made.private, revision=1)
    draft = EntryDraft(
        op="instance.start",
        request_id=context.crypto.random_uuid(),
        details={
            **details,
            "codeHash": context.build.code_hash,
            "instanceId": record.instance_id,
            "instancePublicKey": record.kiak_public,
            "manifestHash": context.build.manifest_hash,
            "version": context.build.version,
        },
    )
    return Change(
        drafts=[instance_draft(instance, draft)],
        expectations=[Expectation(INSTANCE, ABSENT)],
        puts=[Put(INSTANCE, format_instance(record, made.private, 1))],
    )
