"""Delegation certificates that entries carry: their form, what they cover, those met before.

Nearly every entry carries one, and few different ones are in a log. One that was checked is
known by its bytes, and so is neither parsed nor verified again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, cast

import attrs

from kms_enclave.encoding import parse_base64url
from kms_enclave.log.certificate import certificate_bytes
from kms_enclave.ports.crypto import SignatureCheck

__all__ = ["DelegateKind", "Delegation", "KnownDelegations", "parse_delegation"]

DelegateKind = Literal["LAK", "KIAK"]

_COMMON_TEXTS: Final = ("delegatePub", "codeHash", "manifestHash", "kmsVersion", "sig")
_TEXTS: Final[Mapping[str, frozenset[str]]] = {
    "LAK": frozenset({*_COMMON_TEXTS, "leaseId"}),
    "KIAK": frozenset({*_COMMON_TEXTS, "instanceId"}),
}
_OTHER_FIELDS: Final = frozenset(
    {"type", "version", "signerKind", "scope", "notBefore", "notAfter"}
)

_MOST_KNOWN: Final = 1024
_MOST_BYTES: Final = 4096
"""More than any that an enclave makes; so those that are known take a few megabytes at most."""


@attrs.frozen
class Delegation:
    """A certificate whose form is right; ``holder`` is the lease's or the instance's id.

    ``delegate`` is the raw key that it is for. Times are in milliseconds.
    """

    certificate: Mapping[str, object]
    kind: DelegateKind
    delegate: bytes
    holder: str
    scope: frozenset[str]
    not_before: int
    not_after: int | None

    def signature_check(self, uak: bytes) -> SignatureCheck:
        """Return what remains to be verified, with the raw User Audit Key. Raises ValueError."""
        signature = parse_base64url(str(self.certificate["sig"]))
        return SignatureCheck(uak, signature, certificate_bytes(self.certificate))

    def require_cover(self, op: str, timestamp: int) -> None:
        """Check that it allows an operation at a time. Raises ValueError."""
        if op not in self.scope:
            raise ValueError("the certificate does not cover the operation")
        is_over = self.not_after is not None and timestamp > self.not_after
        if is_over or timestamp < self.not_before:
            raise ValueError("the certificate was not valid at that time")


def parse_delegation(
    certificate: Mapping[str, object], *, expected_kind: DelegateKind
) -> Delegation:
    """Check everything about a certificate that its signature does not show. Raises ValueError."""
    version = certificate.get("version")
    if certificate.get("type") != "audit-delegation" or type(version) is not int or version != 1:
        raise ValueError("the certificate is of an unknown version")
    if certificate.get("signerKind") != expected_kind:
        raise ValueError("the certificate is for another kind of key")
    not_before, not_after = certificate.get("notBefore"), certificate.get("notAfter")
    if type(not_before) is not int or type(not_after) not in (int, type(None)):
        raise ValueError("the certificate's validity is malformed")
    scope = certificate.get("scope")
    if not isinstance(scope, list) or not all(isinstance(op, str) for op in scope):
        raise ValueError("the certificate's scope is malformed")
    texts = _TEXTS[expected_kind]
    if set(certificate) != texts | _OTHER_FIELDS:
        raise ValueError("the certificate has an unknown or a missing field")
    if not all(isinstance(certificate[name], str) for name in texts):
        raise ValueError("a field of the certificate is of a wrong type")
    return Delegation(
        certificate,
        expected_kind,
        parse_base64url(str(certificate["delegatePub"])),
        str(certificate["leaseId" if expected_kind == "LAK" else "instanceId"]),
        frozenset(scope),
        not_before,
        cast("int | None", not_after),
    )


class KnownDelegations:
    """Those met before, by their bytes; a bounded number, of a bounded length."""

    def __init__(self) -> None:
        self._known: dict[bytes, Delegation] = {}

    def find(self, data: bytes) -> Delegation | None:
        """Return the one with exactly these bytes."""
        return self._known.get(data)

    def add(self, data: bytes, delegation: Delegation) -> None:
        """Remember one, whose signature is on its way to being verified."""
        if len(data) > _MOST_BYTES:
            return
        if len(self._known) == _MOST_KNOWN:
            self._known.clear()
        self._known[data] = delegation
