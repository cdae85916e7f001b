"""Writes logs as an enclave shows them, as JSON: each with the check that it must fail, or null.

A case is what a page remembers (`pinned`, `entries`) and what it is shown. Keys, signatures and
trees are of others' making.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Mapping
from typing import Any

import attrs
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from independent.tree import leaf_hash, root_of

HOST = "kms.example"

Wire = Mapping[str, Any]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@attrs.frozen
class Key:
    private: Ed25519PrivateKey = attrs.field(factory=Ed25519PrivateKey.generate)

    @property
    def raw(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def text(self) -> str:
        return _text(self.raw)


@attrs.frozen
class Log:
    """A log as it is shown: of two entries, so that its proofs can be written by hand."""

    entries: tuple[bytes, ...] = (b'{"seqNum":0}', b'{"seqNum":1}')
    instance: Key = attrs.field(factory=Key)
    user: Key | None = attrs.field(factory=Key)
    instance_id: str = "3f0e8a52"
    host: str = HOST
    consistency: tuple[bytes, ...] | None = ()
    inclusion: tuple[tuple[bytes, ...] | None, ...] = ()
    certified: Mapping[str, object] = attrs.field(factory=dict)
    certified_by: Key | None = None
    signed_by: Key | None = None

    @property
    def name(self) -> str:
        return f"{self.host}/{self.instance_id}"

    @property
    def leaves(self) -> list[bytes]:
        return [leaf_hash(entry) for entry in self.entries]

    def shown(self) -> Wire:
        return {
            "checkpoint": self._note(),
            "auditPublicKey": self.user.text if self.user else None,
            "instancePublicKey": self.instance.text,
            "instanceCert": self._certificate(),
            "consistency": None if self.consistency is None else _hex(self.consistency),
            "inclusion": [None if path is None else _hex(path) for path in self.inclusion],
        }

    def _note(self) -> str:
        root = base64.b64encode(root_of(self.leaves)).decode()
        text = f"{self.name}\n{len(self.entries)}\n{root}\n"
        named = f"{self.name}\n".encode() + b"\x01" + self.instance.raw
        signature = (self.signed_by or self.instance).private.sign(text.encode())
        signed = base64.b64encode(hashlib.sha256(named).digest()[:4] + signature).decode()
        return f"{text}\n\u2014 {self.name} {signed}\n"

    def _certificate(self) -> Wire | None:
        if self.user is None:
            return None
        certificate = {
            "type": "audit-delegation",
            "version": 1,
            "signerKind": "KIAK",
            "delegatePub": self.instance.text,
            "scope": ["instance.start"],
            "notBefore": 1_700_000_000_000,
            "notAfter": None,
            "codeHash": "c",
            "manifestHash": "m",
            "kmsVersion": "1",
            "instanceId": self.instance_id,
            **self.certified,
        }
        signature = (self.certified_by or self.user).private.sign(rfc8785.dumps(certificate))
        return {**certificate, "sig": _text(signature)}


def _hex(hashes: tuple[bytes, ...]) -> list[str]:
    return [each.hex() for each in hashes]


def _case(
    fails: str | None,
    shown: Log,
    *,
    pinned: Log | None = None,
    entries: Mapping[int, bytes] | None = None,
) -> Wire:
    return {
        "fails": fails,
        "shown": shown.shown(),
        "pinned": pinned and pinned.shown(),
        "entries": [{"seqNum": n, "text": text.decode()} for n, text in (entries or {}).items()],
    }


def _logs_that_fit() -> Mapping[str, Wire]:
    log, without_setup = Log(), Log(user=None)
    grown = attrs.evolve(log, entries=(*log.entries, b"2"), consistency=(leaf_hash(b"2"),))
    renewed = attrs.evolve(log, certified={"codeHash": "another build"})
    both = attrs.evolve(log, inclusion=((log.leaves[1],), (log.leaves[0],)))
    return {
        "the first log": _case(None, log),
        "the first log, before a setup": _case(None, without_setup),
        "the same log": _case(None, log, pinned=log),
        "a log that grew": _case(None, grown, pinned=log),
        "a log that was set up since": _case(
            None, attrs.evolve(without_setup, user=Key()), pinned=without_setup
        ),
        "a renewed certificate": _case(None, renewed, pinned=log),
        "entries that are there": _case(None, both, entries=dict(enumerate(log.entries))),
    }


def _logs_that_do_not_verify() -> Mapping[str, Wire]:
    hosts = ("evil.example", "kms.example:8501", "x.kms.example", "kms.example/x", "")
    certified: list[Wire] = [
        {"delegatePub": Key().text},
        {"signerKind": "LAK"},
        {"instanceId": "another"},
    ]
    return {
        "a note that another key signed": _case("checkpoint", Log(signed_by=Key())),
        **{f"a log of the host {host!r}": _case("checkpoint", Log(host=host)) for host in hosts},
        **{
            f"a certificate of another {name}": _case(
                "auditCertificate", Log(certified={name: value})
            )
            for each in certified
            for name, value in each.items()
        },
        "a certificate by another key": _case("auditCertificate", Log(certified_by=Key())),
    }


def _logs_that_do_not_follow() -> Mapping[str, Wire]:
    log = Log()
    fork = attrs.evolve(log, entries=(log.entries[0], b"x"))
    longer = attrs.evolve(log, entries=(log.entries[0], b"x", b"y"))
    proofs = {"no": None, "an empty": (), "a wrong": (leaf_hash(b"1"), leaf_hash(b"2"))}
    changed = {
        "another instance": ("log", attrs.evolve(log, instance_id="4")),
        "another instance key": ("instanceKey", attrs.evolve(log, instance=Key())),
        "another audit key": ("auditKey", attrs.evolve(log, user=Key())),
        "an audit key that is gone": ("auditKey", attrs.evolve(log, user=None)),
        "a shorter log": ("size", attrs.evolve(log, entries=log.entries[:1])),
        "another root of the same size": ("consistency", fork),
        **{
            f"a longer log with {name} proof": (
                "consistency",
                attrs.evolve(longer, consistency=proof),
            )
            for name, proof in proofs.items()
        },
    }
    return {name: _case(fails, shown, pinned=log) for name, (fails, shown) in changed.items()}


def _logs_that_lack_an_entry() -> Mapping[str, Wire]:
    log = Log()
    shown = attrs.evolve(log, inclusion=((log.leaves[0],),))
    others = {
        "another text": b'{"seqNum":1,"x":0}',
        "the entry before": b'{"seqNum":0}',
        "no text": b"",
    }
    paths: dict[str, tuple[tuple[bytes, ...] | None, ...]] = {
        "no list": (),
        "null": (None,),
        "an empty path": ((),),
        "a path of no hash": ((b"",),),
        "a path of a wrong hash": ((bytes(32),),),
    }
    return {
        **{
            f"{name} in the entry's place": _case("entry", shown, entries={1: text})
            for name, text in others.items()
        },
        **{
            f"{name} for its proof": _case(
                "entry", attrs.evolve(log, inclusion=path), entries={1: log.entries[1]}
            )
            for name, path in paths.items()
        },
        "an entry beyond the log": _case("entry", shown, entries={2: log.entries[1]}),
    }


json.dump(
    {
        "fit": _logs_that_fit(),
        "doNotVerify": _logs_that_do_not_verify(),
        "doNotFollow": _logs_that_do_not_follow(),
        "lackAnEntry": _logs_that_lack_an_entry(),
    },
    sys.stdout,
)
