"""The log as it is stored: pages of it, and the verification of all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import attrs

from kms_enclave.audit.journal import HEAD, Head, parse_head
from kms_enclave.audit.verify import BadEntryError, ChainVerifier
from kms_enclave.encoding import parse_json
from kms_enclave.instance import Instance
from kms_enclave.ports.crypto import CryptoPort, SignatureCheck
from kms_enclave.ports.storage import Key, Record, StoragePort

__all__ = ["MAX_PAGE", "Verdict", "read_page", "verify_stored_log"]

MAX_PAGE: Final = 500


@attrs.frozen
class Verdict:
    """``entries`` is how many hold; ``fault`` is the first that does not."""

    entries: int
    last_hash: str
    fault: BadEntryError | None


async def read_page(storage: StoragePort, *, start: int, limit: int) -> Sequence[tuple[int, str]]:
    """Return up to ``limit`` entries from number ``start`` on, as (number, JSON text)."""
    found = await storage.scan("audit", after=start - 1, limit=min(limit, MAX_PAGE))
    return [(int(key), record.value) for key, record in found]


async def verify_stored_log(
    storage: StoragePort, crypto: CryptoPort, instance: Instance
) -> Verdict:
    """Verify every entry up to the head that is stored now, from the first one."""
    (stored_head,) = await storage.read([HEAD])
    head = parse_head(stored_head)
    verifier = ChainVerifier(
        expected_uak=instance.record.uak_public, expected_kiak=instance.record.kiak_public
    )
    fault: BadEntryError | None = None
    while fault is None and verifier.next_seq <= head.seq_num:
        page = await storage.scan(
            "audit", after=verifier.next_seq - 1, limit=min(MAX_PAGE, head.seq_num + 1)
        )
        fault = await _verify_page(verifier, crypto, page, head)
        await asyncio.sleep(0)
    if fault is None and verifier.previous_hash != head.chain_hash:
        fault = BadEntryError(head.seq_num, "is not the entry that the head names")
    good = fault.seq_num if fault else verifier.next_seq
    return Verdict(good, verifier.previous_hash, fault)


async def _verify_page(
    verifier: ChainVerifier,
    crypto: CryptoPort,
    page: Sequence[tuple[Key, Record]],
    head: Head,
) -> BadEntryError | None:
    checks: list[SignatureCheck] = []
    owners: list[int] = []
    fault: BadEntryError | None = None
    if not page:
        fault = BadEntryError(verifier.next_seq, "is missing")
    for key, record in page:
        if isinstance(key, int) and key > head.seq_num:
            break
        seq_num = verifier.next_seq
        try:
            if key != seq_num:
                raise BadEntryError(seq_num, "is missing")
            found = verifier.check(_parse_entry(record.value, seq_num))
        except BadEntryError as error:
            fault = error
            break
        checks.extend(found)
        owners.extend([seq_num] * len(found))
    answers = await crypto.verify_ed25519(checks)
    for seq_num, good in zip(owners, answers, strict=True):
        if not good:
            return BadEntryError(seq_num, "a signature does not verify")
    return fault


def _parse_entry(text: str, seq_num: int) -> object:
    try:
        return parse_json(text)
    except ValueError:
        raise BadEntryError(seq_num, "is not JSON") from None
