"""What somebody can change who writes the file anew: hashes, links, root, and the keys they hold.

A changed field alone is found by its hash, whatever the other rules do. Here everything
that needs no key is right again after the change; with the Instance Audit Key, as a copy
of the browser's profile has it, its entries and the checkpoint are signed again too.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import pytest
import rfc8785
from exports import judge, verdict
from forging import LEASE_ID, Forger, b64
from independent.export import verify_export_file
from independent.jcs import NotVerified
from kms_enclave.log.verify.export import BadExportError
from mutating import added, changed, members, without

Entries = list[dict[str, Any]]


@cache
def _log() -> Forger:
    """Return a log that ends with a user's entry, with every signer's before it."""
    log = Forger()
    log.genesis(codeHash="c")
    log.denial(cert=None, details={"method": "passphrase"})
    log.setup()
    log.add("lease.create", "UAK", leaseId=LEASE_ID, unlockTime=1, lockTime=3, duration=2)
    log.token(kid="kid", details={"jti": "j", "exp": 5})
    log.denial(details={"method": "passkey", "via": "page"})
    log.token(userId="alice", origin="https://app.example")
    log.add("generate", "UAK", kid="kid", details={"via": "page"})
    return log


def _written_anew(entries: Entries, *, holds_kiak: bool) -> list[bytes] | None:
    """Return the file over entries with numbers, links and hashes made right."""
    log = _log()
    forged = Forger()
    forged.kiak = log.kiak
    previous = "0" * 64
    for number, entry in enumerate(copy.deepcopy(entries)):
        entry |= {"seqNum": number, "previousHash": previous}
        signature = entry.pop("sig", None)
        entry.pop("chainHash", None)
        digest = hashlib.sha256(rfc8785.dumps(entry)).digest()
        previous = entry["chainHash"] = digest.hex()
        if holds_kiak and entry.get("signer") == "KIAK":
            signature = b64(log.kiak.sign(digest))
        forged.entries.append(entry | ({} if signature is None else {"sig": signature}))
    if forged.entries == log.entries:
        return None
    note = forged.note() if holds_kiak else log.note()
    first = {"type": "checkpoint", "version": 1, "note": note}
    second = {"type": "certificate", "version": 1, "certificate": _certificate()}
    return [rfc8785.dumps(line) for line in (first, second, *forged.entries)]


@cache
def _certificate() -> Any:
    return _log().certificate("KIAK")


def _field_by_field() -> Iterator[Entries]:
    entries = _log().entries
    lines = [rfc8785.dumps(entry) for entry in entries]
    for number, path in members(lines, with_whole=True):
        line = lines[number]
        mutations = added(path, line)
        if path:
            mutations += [*changed(path, line), without(path, line)]
        for mutated in mutations:
            yield [*entries[:number], json.loads(mutated), *entries[number + 1 :]]


def _entry_by_entry() -> Iterator[Entries]:
    entries = _log().entries
    for number, entry in enumerate(entries):
        if number + 1 < len(entries):
            yield [*entries[:number], *entries[number + 1 :]]
        yield [*entries[: number + 1], *entries[number:]]
        for other in range(number):
            swapped = list(entries)
            swapped[number], swapped[other] = swapped[other], entry
            yield swapped


def _other_accepts(lines: Sequence[bytes]) -> bool:
    try:
        verify_export_file(b"".join(line + b"\n" for line in lines))
    except NotVerified:
        return False
    return True


def test_the_log_verifies_as_it_is() -> None:
    lines = _log().export()
    assert judge(lines) is None
    assert _other_accepts(lines)


@pytest.mark.parametrize("holds_kiak", [False, True])
@pytest.mark.parametrize("mutate", [_field_by_field, _entry_by_entry])
def test_nothing_before_a_users_last_entry_can_be_changed(mutate: Any, holds_kiak: bool) -> None:
    tried = 0
    for entries in mutate():
        lines = _written_anew(entries, holds_kiak=holds_kiak)
        if lines is not None:
            tried += 1
            assert judge(lines) is not None, lines
            assert not _other_accepts(lines), lines
    assert tried > 20


def _cut(log: Forger) -> None:
    log.entries.pop()


def _went_on_otherwise(log: Forger) -> None:
    log.entries.pop()
    log.denial(details={"method": "passkey"})


@pytest.mark.parametrize("change", [_cut, _went_on_otherwise])
def test_what_its_holder_can_change_at_the_end_shows_beside_a_checkpoint(change: Any) -> None:
    log = Forger()
    log.genesis()
    log.setup()
    log.denial(details={"method": "passphrase"})
    seen = log.note()
    change(log)
    assert judge(log.export()) is None
    with pytest.raises(BadExportError):
        verdict(log.export(), checkpoints=[seen])
