"""Drafts by signer: what each of the three audit keys adds to an entry."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.log.certificate import KIAK_SCOPE, CertificateDraft, certificate_bytes
from kms_enclave.log.entry import EntryDraft, format_signer_id
from kms_enclave.log.instance import BuildInfo, Instance, InstanceRecord
from kms_enclave.log.journal import SignedDraft
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
    crypto: CryptoPort,
    audit_key: AuditSigningKey,
    record: InstanceRecord,
    build: BuildInfo,
    *,
    now_ms: int,
) -> InstanceRecord:
    """Return the record with a certificate of its KIAK for this build, if it lacks one.

    The certificate is valid from the genesis on, so that it covers what the KIAK
    signed before the first setup; or from now on, where the clock was ahead at the genesis.
    """
    held, not_before = record.kiak_cert, min(record.created_at, now_ms)
    if held is not None and _is_for(held, build, valid_at_ms=now_ms):
        return record
    draft = CertificateDraft(
        signer_kind="KIAK",
        delegate_pub=record.kiak_public,
        scope=KIAK_SCOPE,
        not_before=not_before,
        not_after=None,
        code_hash=build.code_hash,
        manifest_hash=build.manifest_hash,
        kms_version=build.version,
        instance_id=record.instance_id,
    )
    return attrs.evolve(record, kiak_cert=await certify(crypto, audit_key, draft))


def _is_for(certificate: Mapping[str, object], build: BuildInfo, *, valid_at_ms: int) -> bool:
    not_before = certificate["notBefore"]
    return (
        certificate["codeHash"] == build.code_hash
        and certificate["manifestHash"] == build.manifest_hash
        and isinstance(not_before, int)
        and not_before <= valid_at_ms
    )


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
