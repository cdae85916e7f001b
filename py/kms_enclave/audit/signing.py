"""Drafts by signer: what each of the three audit keys adds to an entry."""

from __future__ import annotations

import attrs

from kms_enclave.audit.certificate import KIAK_SCOPE, CertificateDraft, certificate_bytes
from kms_enclave.audit.entry import EntryDraft, format_signer_id
from kms_enclave.audit.journal import SignedDraft
from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.instance import BuildInfo, Instance, InstanceRecord
from kms_enclave.ports.crypto import AuditSigningKey, CryptoPort

__all__ = ["UserSigner", "certify", "certify_instance", "instance_draft", "user_draft"]


async def certify(
    crypto: CryptoPort, audit_key: AuditSigningKey, draft: CertificateDraft
) -> dict[str, object]:
    """Return the certificate as a JSON object, signed by the User Audit Key."""
    value = draft.to_json()
    signature = await crypto.sign_ed25519(audit_key, certificate_bytes(value))
    return value | {"sig": format_base64url(signature)}


async def certify_instance(
    crypto: CryptoPort, audit_key: AuditSigningKey, record: InstanceRecord, build: BuildInfo
) -> InstanceRecord:
    """Return the record with a certificate of its KIAK for this build, if it lacks one.

    The certificate is valid from the genesis on, so that it covers what the KIAK
    signed before the first setup.
    """
    held = record.kiak_cert
    if held is not None and (held["codeHash"], held["manifestHash"]) == (
        build.code_hash,
        build.manifest_hash,
    ):
        return record
    draft = CertificateDraft(
        signer_kind="KIAK",
        delegate_pub=record.kiak_public,
        scope=KIAK_SCOPE,
        not_before=record.created_at,
        not_after=None,
        code_hash=build.code_hash,
        manifest_hash=build.manifest_hash,
        kms_version=build.version,
        instance_id=record.instance_id,
    )
    return attrs.evolve(record, kiak_cert=await certify(crypto, audit_key, draft))


@attrs.frozen
class UserSigner:
    """The User Audit Key of one authenticated operation; ``unlock_time`` in milliseconds."""

    audit_key: AuditSigningKey
    uak_public: str
    unlock_time: int
    via: str


def user_draft(signer: UserSigner, draft: EntryDraft, *, lock_time: int) -> SignedDraft:
    """Complete a draft that a user authenticated; its ``details`` gain ``via``."""
    complete = attrs.evolve(
        draft,
        signer="UAK",
        signer_id=format_signer_id(parse_base64url(signer.uak_public)),
        unlock_time=signer.unlock_time,
        lock_time=max(lock_time, signer.unlock_time),
        details={**(draft.details or {}), "via": signer.via},
    )
    return SignedDraft(complete, signer.audit_key)


def instance_draft(instance: Instance, draft: EntryDraft) -> SignedDraft:
    """Complete a draft that the enclave signs by itself."""
    complete = attrs.evolve(
        draft,
        signer="KIAK",
        signer_id=format_signer_id(parse_base64url(instance.record.kiak_public)),
        cert=instance.record.kiak_cert,
    )
    return SignedDraft(complete, instance.kiak)
