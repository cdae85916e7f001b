"""Who may sign what, delegation certificates, signatures, checkpoints."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from independent.jcs import NotVerified, encode, unb64, unb64url

__all__ = [
    "MAY_SIGN", "Checkpoint", "verify_certificate", "verify_instance_certificate",
    "verify_signature",
]  # fmt: skip

MAY_SIGN: Mapping[str, frozenset[str]] = {
    "UAK": frozenset(
        [
            "setup",
            "enrollment.add",
            "enrollment.remove",
            "enrollment.change",
            "generate",
            "regenerate",
            "sign",
            "lease.create",
            "lease.extend",
            "lease.resume",
            "pattern.suspend",
            "pattern.lift",
            "subscription.set",
            "subscription.remove",
            "clock.adjust",
            "audit.prune",
            "reset",
        ]
    ),
    "LAK": frozenset({"sign"}),
    "KIAK": frozenset(
        [
            "instance.start",
            "build.change",
            "lease.expire",
            "lease.revoke",
            "lease.suspend",
            "unlock.denied",
            "issue.refused",
            "subscription.set",
            "subscription.remove",
            "reset",
        ]
    ),
}

_COMMON = {"type", "version", "signerKind", "delegatePub", "scope", "notBefore", "notAfter"}
_COMMON |= {"codeHash", "manifestHash", "kmsVersion", "sig"}
_OWN = {"LAK": "leaseId", "KIAK": "instanceId"}
_TEXTS = ("delegatePub", "codeHash", "manifestHash", "kmsVersion", "sig")


def verify_signature(public: bytes, signature: Any, message: bytes) -> None:
    """Ed25519; the signature is base64url."""
    _verify(public, unb64url(signature, 64), message)


def verify_certificate(
    certificate: Any, *, kind: str, uak: bytes | None, op: str | None = None, at: int = 0
) -> bytes:
    """Return the key that a certificate is for; with ``op`` it covers that, at that time."""
    if not isinstance(certificate, dict) or uak is None:
        raise NotVerified("no certificate, or one before any setup")
    own = _OWN[kind]
    if set(certificate) != _COMMON | {own} or not isinstance(certificate[own], str):
        raise NotVerified("the certificate has an unknown or a missing field")
    if certificate["type"] != "audit-delegation" or certificate["signerKind"] != kind:
        raise NotVerified("the certificate is of another kind")
    if certificate["version"] is True or certificate["version"] != 1:
        raise NotVerified("the certificate is of an unknown version")
    start, end, scope = certificate["notBefore"], certificate["notAfter"], certificate["scope"]
    if type(start) is not int or type(end) not in (int, type(None)):
        raise NotVerified("the certificate's times are of a wrong type")
    if type(scope) is not list or not all(type(each) is str for each in scope):
        raise NotVerified("the certificate's scope is of a wrong type")
    if not all(type(certificate[name]) is str for name in _TEXTS):
        raise NotVerified("a field of the certificate is of a wrong type")
    covered = {name: value for name, value in certificate.items() if name != "sig"}
    verify_signature(uak, certificate["sig"], encode(covered))
    if op is not None and (op not in scope or at < start or (end is not None and at > end)):
        raise NotVerified("the certificate does not cover the entry")
    return unb64url(certificate["delegatePub"], 32)


def verify_instance_certificate(
    certificate: Any, *, uak: bytes | None, kiak: bytes, instance_id: str, **entry: Any
) -> None:
    """A KIAK's certificate is for this KIAK and this instance."""
    key = verify_certificate(certificate, kind="KIAK", uak=uak, **entry)
    if key != kiak or certificate["instanceId"] != instance_id:
        raise NotVerified("the certificate is another instance's")


class Checkpoint(NamedTuple):
    """A tlog-checkpoint in a signed note with one signature."""

    text: str
    origin: str
    size: int
    root: bytes
    key_id: bytes
    signature: bytes

    @classmethod
    def parse(cls, note: Any) -> Checkpoint:
        # One pattern for the three lines, the empty one and the signature's.
        form = r"([^\n]+)\n(0|[1-9][0-9]*)\n([^\n]+)\n\n\u2014 ([^\n]+) ([^\n ]+)\n"
        match = re.fullmatch(form, note, re.ASCII) if isinstance(note, str) else None
        if match is None or len(note) > 1024:
            raise NotVerified("not a checkpoint")
        origin, size, root, name, signature = match.groups()
        if name != origin or "+" in origin or any(not "!" <= c <= "~" for c in origin):
            raise NotVerified("the key's name is not the origin, or cannot be a name")
        data = unb64(signature, 4 + 64)
        text = note[: note.index("\n\n") + 1]
        return cls(text, origin, int(size), unb64(root, 32), data[:4], data[4:])

    def verify(self, kiak: bytes, instance_id: str) -> None:
        """It is signed by the KIAK of the instance that its origin ends in."""
        key_id = hashlib.sha256(self.origin.encode() + b"\x0a\x01" + kiak).digest()[:4]
        if self.key_id != key_id or self.origin.rpartition("/")[2] != instance_id:
            raise NotVerified("the checkpoint is another log's")
        _verify(kiak, self.signature, self.text.encode())


def _verify(public: bytes, signature: bytes, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise NotVerified("a signature is not valid") from None
