"""Delegation certificates: their form, and the bytes that are signed."""

from __future__ import annotations

import rfc8785
from kms_enclave.log.certificate import (
    KIAK_SCOPE,
    LAK_SCOPE,
    CertificateDraft,
    certificate_bytes,
)

_DRAFT = CertificateDraft(
    signer_kind="LAK",
    delegate_pub="key",
    scope=LAK_SCOPE,
    not_before=1,
    not_after=None,
    code_hash="code",
    manifest_hash="manifest",
    kms_version="1",
    lease_id="lease",
)


def test_a_certificate_has_its_fields_by_their_wire_names() -> None:
    assert _DRAFT.to_json() == {
        "type": "audit-delegation",
        "version": 1,
        "signerKind": "LAK",
        "delegatePub": "key",
        "scope": ["sign"],
        "notBefore": 1,
        "notAfter": None,
        "codeHash": "code",
        "manifestHash": "manifest",
        "kmsVersion": "1",
        "leaseId": "lease",
    }


def test_what_is_signed_are_the_rfc_8785_bytes_without_the_signature() -> None:
    value = _DRAFT.to_json()
    assert certificate_bytes({**value, "sig": "any"}) == rfc8785.dumps(value)


def test_a_lease_key_may_only_sign_tokens() -> None:
    assert list(LAK_SCOPE) == ["sign"]


def test_the_instance_key_may_not_sign_what_a_user_must_authenticate() -> None:
    for op in ("setup", "sign", "lease.create", "lease.extend", "regenerate", "clock.adjust"):
        assert op not in KIAK_SCOPE
