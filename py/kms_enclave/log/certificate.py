"""Delegation certificates: the User Audit Key's word that another key may sign.

The signature is Ed25519 over the RFC 8785 bytes of the certificate without ``sig``.
A certificate names the build that *issued* it, not the one that uses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import attrs

from kms_enclave.encoding import canonical_entry
from kms_enclave.log.entry import SIGNERS

__all__ = ["KIAK_SCOPE", "LAK_SCOPE", "CertificateDraft", "certificate_bytes"]

LAK_SCOPE: Final[Sequence[str]] = ("sign",)
KIAK_SCOPE: Final[Sequence[str]] = tuple(
    sorted(op for op, signers in SIGNERS.items() if "KIAK" in signers)
)


@attrs.frozen
class CertificateDraft:
    """What is certified: times in milliseconds, ``not_after`` ``None`` for no end."""

    signer_kind: Literal["LAK", "KIAK"]
    delegate_pub: str
    scope: Sequence[str]
    not_before: int
    not_after: int | None
    code_hash: str
    manifest_hash: str
    kms_version: str
    lease_id: str | None = None
    instance_id: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return the certificate as a JSON object, without ``sig``."""
        value: dict[str, object] = {
            "type": "audit-delegation",
            "version": 1,
            "signerKind": self.signer_kind,
            "delegatePub": self.delegate_pub,
            "scope": list(self.scope),
            "notBefore": self.not_before,
            "notAfter": self.not_after,
            "codeHash": self.code_hash,
            "manifestHash": self.manifest_hash,
            "kmsVersion": self.kms_version,
        }
        if self.lease_id is not None:
            value["leaseId"] = self.lease_id
        if self.instance_id is not None:
            value["instanceId"] = self.instance_id
        return value


def certificate_bytes(certificate: Mapping[str, object]) -> bytes:
    """Return the bytes that are signed: RFC 8785, without ``sig``."""
    return canonical_entry({name: value for name, value in certificate.items() if name != "sig"})
