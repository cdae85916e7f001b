"""What the enclave's verification says of logs that were made without its code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import rfc8785
from forging import LEASE_ID, Forger, verify_signature
from kms_enclave.log.verify.chain import BadEntryError, ChainVerifier

__all__ = ["complete_log", "find_fault", "find_fault_after_setup"]


def find_fault(entries: list[Any], **pins: str) -> tuple[int, str] | None:
    """Return number and reason of the first bad entry; signatures by ``cryptography``."""
    verifier = ChainVerifier(**pins)
    for number, entry in enumerate(entries):
        try:
            checked = verifier.check(rfc8785.dumps(entry))
        except BadEntryError as error:
            return error.seq_num, error.reason
        assert checked.leaf == hashlib.sha256(b"\0" + rfc8785.dumps(entry)).digest()
        checks = checked.signatures
        if not all(verify_signature(c.public_raw, c.signature, c.message) for c in checks):
            return number, "signature"
    return None


def complete_log() -> Forger:
    """Return a log with an entry of every signer, before and after the setup."""
    forger = Forger()
    forger.genesis()
    forger.denial(cert=None)
    forger.setup()
    forger.add("lease.create", "UAK", leaseId=LEASE_ID, unlockTime=1, lockTime=3, duration=2)
    forger.token()
    forger.token()
    forger.denial()
    return forger


def find_fault_after_setup(write: Callable[[Forger], object]) -> tuple[int, str] | None:
    forger = Forger()
    forger.genesis()
    forger.setup()
    write(forger)
    return find_fault(forger.entries)
