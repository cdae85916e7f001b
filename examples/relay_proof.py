"""A relay's side of a bound lease: its key, and its word for one call for tokens.

    python examples/relay_proof.py key relay.pem
    python examples/relay_proof.py prove relay.pem ORIGIN METHOD LEASE_ID EID COUNT

The first makes a key, or reads the one that is there, and prints what the page passes to
``createLease`` as ``relayBinding``, and the ``rid`` that the relay's tokens will carry. The
second prints what the page passes as ``relayProof``: ORIGIN is the enclave's, METHOD is
``issueVAPIDJWT`` or ``issueVAPIDJWTs``, COUNT is 1 for the first.

A relay proves only calls that it wants to send for, and keeps its key to itself. The format,
byte for byte, with vectors: docs/spec/relay-proof.md. Needs ``cryptography`` and ``rfc8785``.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import rfc8785
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["make_binding", "make_proof", "relay_id"]


def make_binding(key: Ed25519PrivateKey) -> Mapping[str, str]:
    """Return the ``relayBinding`` of ``createLease``."""
    return {"alg": "Ed25519", "key": _base64url(key.public_key().public_bytes_raw())}


def relay_id(key: Ed25519PrivateKey) -> str:
    """Return the ``rid`` to expect in a token: one that names another relay is not for us."""
    return _base64url(hashlib.sha256(key.public_key().public_bytes_raw()).digest())


def make_proof(
    key: Ed25519PrivateKey, *, enclave_origin: str, method: str, lease_id: str, eid: str, count: int
) -> Mapping[str, str | int]:
    """Return the ``relayProof`` for one call; it is good for a minute, and once."""
    nonce, timestamp = _base64url(os.urandom(16)), time.time_ns() // 1_000_000
    signed = rfc8785.dumps(
        {
            "v": "ATS/KMS/relay-proof/v1",
            "origin": enclave_origin,
            "method": method,
            "leaseId": lease_id,
            "eid": eid,
            "count": count,
            "nonce": nonce,
            "timestamp": timestamp,
        }
    )
    return {"nonce": nonce, "timestamp": timestamp, "signature": _base64url(key.sign(signed))}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _read_or_make_key(path: Path) -> Ed25519PrivateKey:
    if path.exists():
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise SystemExit(f"{path} is not an Ed25519 key")
        return key
    made = Ed25519PrivateKey.generate()
    pem = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return made


def _main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="A relay's key, and its proofs.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("key").add_argument("pem", type=Path)
    prove = commands.add_parser("prove")
    prove.add_argument("pem", type=Path)
    for name in ("origin", "method", "lease_id", "eid"):
        prove.add_argument(name)
    prove.add_argument("count", type=int)
    given = parser.parse_args(arguments)
    key = _read_or_make_key(given.pem)
    shown: Mapping[str, object]
    if given.command == "key":
        shown = {"relayBinding": make_binding(key), "rid": relay_id(key)}
    else:
        shown = make_proof(
            key,
            enclave_origin=given.origin,
            method=given.method,
            lease_id=given.lease_id,
            eid=given.eid,
            count=given.count,
        )
    sys.stdout.write(json.dumps(shown) + "\n")


if __name__ == "__main__":
    _main(sys.argv[1:])
