"""The form of entries and certificates: which fields, of which type, none unknown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final, Literal

import attrs

from kms_enclave.audit.entry import covered_bytes
from kms_enclave.audit.merkle import leaf_hash
from kms_enclave.encoding import parse_canonical

__all__ = [
    "OpenedEntry",
    "details_of",
    "open_entry",
    "parse_entry",
    "require_hash",
    "verify_certificate_form",
    "verify_hash",
]

_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)

_REQUIRED: Final[Mapping[str, type]] = {
    "kmsVersion": int,
    "seqNum": int,
    "timestamp": int,
    "op": str,
    "kid": str,
    "requestId": str,
    "previousHash": str,
    "chainHash": str,
    "signer": str,
    "signerId": str,
    "sig": str,
}
_OPTIONAL: Final[Mapping[str, type]] = {
    "userId": str,
    "origin": str,
    "leaseId": str,
    "unlockTime": int,
    "lockTime": int,
    "duration": int,
    "details": dict,
    "cert": dict,
}
_KNOWN: Final = {**_REQUIRED, **_OPTIONAL}

_COMMON_TEXTS: Final = ("delegatePub", "codeHash", "manifestHash", "kmsVersion", "sig")
_CERTIFICATE_TEXTS: Final[Mapping[str, frozenset[str]]] = {
    "LAK": frozenset({*_COMMON_TEXTS, "leaseId"}),
    "KIAK": frozenset({*_COMMON_TEXTS, "instanceId"}),
}
_OTHER_CERTIFICATE_FIELDS: Final = frozenset(
    {"type", "version", "signerKind", "scope", "notBefore", "notAfter"}
)


def parse_entry(data: bytes) -> Mapping[str, object]:
    """Return the entry whose bytes these are. Raises ValueError with the reason."""
    entry = parse_canonical(data)
    if not isinstance(entry, dict):
        raise ValueError("not an object")
    for name, cls in _REQUIRED.items():
        if type(entry.get(name)) is not cls:
            raise ValueError(f"{name} is missing or of a wrong type")
    for name, value in entry.items():
        if name not in _KNOWN:
            raise ValueError("has an unknown field")
        if type(value) is not _KNOWN[name]:
            raise ValueError(f"{name} is of a wrong type")
    if entry["kmsVersion"] != 2:
        raise ValueError("unknown version")
    return entry


@attrs.frozen
class OpenedEntry:
    """What the place of an entry is checked by; its hash is right, its signer is not checked."""

    seq_num: int
    previous_hash: str
    chain_hash: str
    timestamp: int
    leaf: bytes


def open_entry(data: bytes) -> OpenedEntry:
    """Check an entry's form and hash by itself. Raises ValueError with the reason."""
    entry = parse_entry(data)
    verify_hash(data, entry)
    return OpenedEntry(
        seq_num=int(str(entry["seqNum"])),
        previous_hash=str(entry["previousHash"]),
        chain_hash=str(entry["chainHash"]),
        timestamp=int(str(entry["timestamp"])),
        leaf=leaf_hash(data),
    )


def verify_hash(data: bytes, entry: Mapping[str, object]) -> None:
    """Check that ``chainHash`` is the hash of the other fields. Raises ValueError."""
    named = str(entry["chainHash"])
    if not _HASH.fullmatch(named):
        raise ValueError("its hash is not the hash of its fields")
    if hashlib.sha256(covered_bytes(data, entry)).hexdigest() != named:
        raise ValueError("its hash is not the hash of its fields")


def verify_certificate_form(
    certificate: Mapping[str, object], *, expected_kind: Literal["LAK", "KIAK"]
) -> None:
    """Check everything about a certificate that its signature does not show."""
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
    texts = _CERTIFICATE_TEXTS[expected_kind]
    if set(certificate) != texts | _OTHER_CERTIFICATE_FIELDS:
        raise ValueError("the certificate has an unknown or a missing field")
    if not all(isinstance(certificate[name], str) for name in texts):
        raise ValueError("a field of the certificate is of a wrong type")


def details_of(entry: Mapping[str, object]) -> Mapping[str, object]:
    """Return an entry's details. Raises ValueError where there are none."""
    details = entry.get("details")
    if not isinstance(details, dict):
        raise ValueError("details are missing")
    return details


def require_hash(value: object, *, name: str) -> bytes:
    """Return the hash that lower-case hexadecimal text holds. Raises ValueError."""
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError(f"{name} is not a hash")
    return bytes.fromhex(value)
