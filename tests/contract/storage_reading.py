"""Reading: order, limits, ranges and expiry."""

from __future__ import annotations

from collections.abc import Sequence

from kms_enclave.ports.storage import STORE_NAMES, Key, Put, Record, StoragePort, StoreName

from .expect import equal
from .materials import at, record
from .subject import Subject


async def _fill(storage: StoragePort, store: StoreName, *keys: Key) -> None:
    await storage.commit(
        expectations=[], puts=[Put(at(key, store), record(f'"{key}"')) for key in keys]
    )


def _keys(rows: Sequence[tuple[Key, Record]]) -> list[Key]:
    return [key for key, _ in rows]


async def reading_answers_in_the_order_of_the_question(subject: Subject) -> None:
    await _fill(subject.storage, "meta", "a", "b")
    await _fill(subject.storage, "keys", "a")
    answers = await subject.storage.read([at("b"), at("none"), at("a", "keys"), at("b")])
    equal([answer.value if answer else None for answer in answers], ['"b"', None, '"a"', '"b"'])
    equal(list(await subject.storage.read([])), [])


async def integer_keys_scan_in_numeric_order(subject: Subject) -> None:
    await _fill(subject.storage, "audit", 10, 9, 0, 100, 2**40)
    rows = await subject.storage.scan("audit", after=None, limit=10)
    equal(_keys(rows), [0, 9, 10, 100, 2**40])
    equal(rows[1][1], record('"9"'))


async def scanning_goes_on_after_the_last_key_seen(subject: Subject) -> None:
    await _fill(subject.storage, "audit", *range(7))
    seen: list[Key] = []
    after: Key | None = None
    while rows := await subject.storage.scan("audit", after=after, limit=3):
        seen.extend(_keys(rows))
        after = rows[-1][0]
    equal(seen, [0, 1, 2, 3, 4, 5, 6])


async def string_keys_scan_in_code_point_order(subject: Subject) -> None:
    await _fill(subject.storage, "leases", "b", "a", "B", "a0", "_")
    rows = await subject.storage.scan("leases", after="B", limit=10)
    equal(_keys(rows), ["_", "a", "a0", "b"])


async def a_prefix_scan_gives_its_own_keys_only(subject: Subject) -> None:
    await _fill(subject.storage, "grants", "a", "ab:1", "ab:2", "ab:30", "ac", "b")
    scan = subject.storage.scan_prefix
    equal(_keys(await scan("grants", prefix="ab:", after=None, limit=2)), ["ab:1", "ab:2"])
    equal(_keys(await scan("grants", prefix="ab:", after="ab:1", limit=9)), ["ab:2", "ab:30"])
    equal(_keys(await scan("grants", prefix="ab:", after="ab:30", limit=9)), [])
    equal(_keys(await scan("grants", prefix="ab:", after="a", limit=1)), ["ab:1"])
    equal(_keys(await scan("grants", prefix="ab:", after="b", limit=9)), [])
    equal(_keys(await scan("grants", prefix="%", after=None, limit=9)), [])


async def expired_records_come_oldest_first_up_to_now(subject: Subject) -> None:
    await subject.storage.commit(
        expectations=[],
        puts=[
            Put(at("late", "tokens"), record(expires_ms=300)),
            Put(at("due", "tokens"), record(expires_ms=200)),
            Put(at("never", "tokens"), record()),
            Put(at("old", "tokens"), record(expires_ms=100)),
            Put(at("epoch", "tokens"), record(expires_ms=0)),
        ],
    )
    expired = subject.storage.expired
    equal(_keys(await expired("tokens", now_ms=200, limit=9)), ["epoch", "old", "due"])
    equal(_keys(await expired("tokens", now_ms=200, limit=2)), ["epoch", "old"])
    equal(_keys(await expired("leases", now_ms=200, limit=9)), [])


async def an_expiry_that_moved_is_no_longer_due(subject: Subject) -> None:
    for expires_ms in (100, 500, None):
        await subject.storage.commit(
            expectations=[], puts=[Put(at("a", "leases"), record(expires_ms=expires_ms))]
        )
    equal(_keys(await subject.storage.expired("leases", now_ms=999, limit=9)), [])


async def every_store_counts_its_own_records(subject: Subject) -> None:
    for number, store in enumerate(STORE_NAMES):
        await _fill(subject.storage, store, *range(number))
    counts = [await subject.storage.count(store) for store in STORE_NAMES]
    equal(counts, list(range(len(STORE_NAMES))))
