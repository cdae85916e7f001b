"""The log as it is stored: pages of it, and the verification of all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from kms_enclave.audit.entry import FIRST_PREVIOUS_HASH
from kms_enclave.audit.head import HEAD, Head, parse_head
from kms_enclave.audit.verify import BadEntryError, ChainVerifier
from kms_enclave.codec import DamagedRecordError
from kms_enclave.encoding import parse_json
from kms_enclave.errors import KMSError
from kms_enclave.instance import Instance
from kms_enclave.ports.crypto import CryptoPort, SignatureCheck
from kms_enclave.ports.storage import Key, Record, StoragePort

__all__ = ["MAX_PAGE", "Page", "Verdict", "read_page", "verify_stored_log"]

MAX_PAGE: Final = 500


@attrs.frozen
class Page:
    """Entries as they are stored; ``next`` is the number that follows, ``None`` at the end."""

    entries: Sequence[Mapping[str, object]]
    next: int | None


@attrs.frozen
class Verdict:
    """``entries`` is how many hold, ``last_hash`` the last of those' hash.

    ``fault`` is the first entry that does not hold; its number is -1 where it is the
    log as a whole.
    """

    entries: int
    last_hash: str
    fault: BadEntryError | None


async def read_page(storage: StoragePort, *, start: int, limit: int) -> Page:
    """Return up to ``limit`` entries from number ``start`` on.

    Raises KMSError ``attestation.failed`` for an entry that is not one.
    """
    found = await storage.scan("audit", after=start - 1, limit=limit + 1)
    entries = [_parse_shown(key, record) for key, record in found[:limit]]
    return Page(entries, next=int(found[limit][0]) if len(found) > limit else None)


def _parse_shown(key: Key, record: Record) -> Mapping[str, object]:
    try:
        entry = parse_json(record.value)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or not isinstance(key, int):
        raise KMSError("attestation.failed", details={"reason": f"entry {key} is damaged"})
    return entry


async def verify_stored_log(
    storage: StoragePort, crypto: CryptoPort, instance: Instance
) -> Verdict:
    """Verify every entry up to the head that is stored now, from the first one."""
    (stored_head,) = await storage.read([HEAD])
    verdict = Verdict(0, FIRST_PREVIOUS_HASH, None)
    if stored_head is None:
        return attrs.evolve(verdict, fault=BadEntryError(-1, "the log's head is missing"))
    try:
        head = parse_head(stored_head)
    except DamagedRecordError:
        return attrs.evolve(verdict, fault=BadEntryError(-1, "the log's head is damaged"))
    verifier = ChainVerifier(
        expected_uak=instance.record.uak_public, expected_kiak=instance.record.kiak_public
    )
    while verdict.fault is None and verifier.next_seq <= head.seq_num:
        page = await storage.scan(
            "audit", after=verifier.next_seq - 1, limit=min(MAX_PAGE, head.seq_num + 1)
        )
        verdict = await _verify_page(verifier, crypto, page, head)
        await asyncio.sleep(0)
    if verdict.fault is None:
        verdict = attrs.evolve(verdict, fault=await _fault_beyond(storage, head))
    return verdict


async def _verify_page(
    verifier: ChainVerifier,
    crypto: CryptoPort,
    page: Sequence[tuple[Key, Record]],
    head: Head,
) -> Verdict:
    checks: list[SignatureCheck] = []
    # What holds if the signature of the same index does not.
    before: list[tuple[int, str]] = []
    fault: BadEntryError | None = None
    good = (verifier.next_seq, verifier.previous_hash)
    if not page:
        fault = BadEntryError(verifier.next_seq, "is missing")
    for key, record in page:
        if isinstance(key, int) and key > head.seq_num:
            break
        try:
            found = _check_entry(verifier, key, record, head)
        except BadEntryError as error:
            fault = error
            break
        checks.extend(found)
        before.extend([good] * len(found))
        good = (verifier.next_seq, verifier.previous_hash)
    answers = await crypto.verify_ed25519(checks)
    for (entries, last_hash), holds in zip(before, answers, strict=True):
        if not holds:
            return Verdict(entries, last_hash, BadEntryError(entries, "a signature is not valid"))
    return Verdict(*good, fault)


def _check_entry(
    verifier: ChainVerifier, key: Key, record: Record, head: Head
) -> Sequence[SignatureCheck]:
    seq_num = verifier.next_seq
    if key != seq_num:
        raise BadEntryError(seq_num, "is missing")
    checks = verifier.check(_parse_entry(record.value, seq_num))
    if seq_num == head.seq_num and verifier.previous_hash != head.chain_hash:
        raise BadEntryError(seq_num, "is not the entry that the head names")
    return checks


async def _fault_beyond(storage: StoragePort, head: Head) -> BadEntryError | None:
    beyond = await storage.scan("audit", after=head.seq_num, limit=1)
    (again,) = await storage.read([HEAD])
    # An entry and the head that names it land together: only without a newer head is one
    # that was seen there a stranger.
    if not beyond or again is None or again.revision != head.revision:
        return None
    return BadEntryError(head.seq_num + 1, "lies beyond the log's head")


def _parse_entry(text: str, seq_num: int) -> object:
    try:
        return parse_json(text)
    except ValueError:
        raise BadEntryError(seq_num, "is not JSON") from None
