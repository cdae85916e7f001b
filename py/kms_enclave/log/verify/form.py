"""The form of entries: which fields, of which type, none unknown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final, TypedDict, cast, get_type_hints

import attrs

from kms_enclave.encoding import parse_canonical
from kms_enclave.log.entry import covered_bytes
from kms_enclave.tlog.merkle import leaf_hash

__all__ = [
    "OpenedEntry",
    "ParsedEntry",
    "details_of",
    "open_entry",
    "parse_entry",
    "require_hash",
    "verify_hash",
]

_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class _RequiredFields(TypedDict):
    kmsVersion: int
    seqNum: int
    timestamp: int
    op: str
    kid: str
    requestId: str
    previousHash: str
    chainHash: str
    signer: str
    signerId: str
    sig: str


class ParsedEntry(_RequiredFields, total=False):
    """An entry whose fields are there and of these types, and whose version is known."""

    userId: str
    origin: str
    leaseId: str
    unlockTime: int
    lockTime: int
    duration: int
    details: dict[str, object]
    cert: Mapping[str, object]


_REQUIRED: Final = frozenset(get_type_hints(_RequiredFields))
_TYPES: Final[Mapping[str, type]] = {
    name: hint if hint in (int, str) else dict for name, hint in get_type_hints(ParsedEntry).items()
}


def parse_entry(data: bytes) -> ParsedEntry:
    """Return the entry whose bytes these are. Raises ValueError with the reason."""
    entry = parse_canonical(data)
    if not isinstance(entry, dict):
        raise ValueError("not an object")
    for name, value in entry.items():
        if type(value) is not _TYPES.get(name):
            raise ValueError(_wrong_field(name))
    if not entry.keys() >= _REQUIRED:
        raise ValueError(_wrong_field(min(_REQUIRED - entry.keys())))
    if entry["kmsVersion"] != 2:
        raise ValueError("unknown version")
    return cast("ParsedEntry", entry)


def _wrong_field(name: str) -> str:
    if name not in _TYPES:
        return "has an unknown field"
    return f"{name} is {'missing or ' if name in _REQUIRED else ''}of a wrong type"


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
        seq_num=entry["seqNum"],
        previous_hash=entry["previousHash"],
        chain_hash=entry["chainHash"],
        timestamp=entry["timestamp"],
        leaf=leaf_hash(data),
    )


def verify_hash(data: bytes, entry: ParsedEntry) -> None:
    """Check that ``chainHash`` is the hash of the other fields. Raises ValueError."""
    if hashlib.sha256(covered_bytes(data, entry)).hexdigest() != entry["chainHash"]:
        raise ValueError("its hash is not the hash of its fields")


def details_of(entry: ParsedEntry) -> Mapping[str, object]:
    """Return an entry's details. Raises ValueError where there are none."""
    details = entry.get("details")
    if details is None:
        raise ValueError("details are missing")
    return details


def require_hash(value: object, *, name: str) -> bytes:
    """Return the hash that lower-case hexadecimal text holds. Raises ValueError."""
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError(f"{name} is not a hash")
    return bytes.fromhex(value)
