"""Commits: all or nothing, and only on the revisions that were named."""

from __future__ import annotations

import asyncio

from kms_enclave.ports.crypto import KeyHandle
from kms_enclave.ports.storage import (
    ABSENT,
    Delete,
    Expectation,
    Put,
    Record,
    RevisionConflictError,
    StoragePort,
)

from .expect import equal, holds, instance, refused
from .materials import at, record
from .subject import Subject


async def _put(storage: StoragePort, *puts: Put) -> None:
    await storage.commit(expectations=[], puts=puts)


async def a_committed_record_is_read_back_whole(subject: Subject) -> None:
    text = '{"text":"\u00e9\u20ac\U0001f511 \\"quoted\\"","n":[1,2]}'
    await _put(subject.storage, Put(at("a"), record(text, revision=7, expires_ms=123)))
    (stored,) = await subject.storage.read([at("a")])
    equal(stored, record(text, revision=7, expires_ms=123))


async def an_absent_expectation_lets_the_first_write_through_only(subject: Subject) -> None:
    storage, first = subject.storage, Expectation(at("a"), ABSENT)
    await storage.commit(expectations=[first], puts=[Put(at("a"), record("1"))])
    error = await refused(
        RevisionConflictError,
        storage.commit(expectations=[first], puts=[Put(at("a"), record("2"))]),
    )
    equal(error.address, at("a"))
    equal(await storage.read([at("a")]), [record("1")])


async def an_expected_revision_lets_the_next_write_through(subject: Subject) -> None:
    storage = subject.storage
    await _put(storage, Put(at("a"), record("1")))
    await storage.commit(
        expectations=[Expectation(at("a"), 1)], puts=[Put(at("a"), record("2", revision=2))]
    )
    equal(await storage.read([at("a")]), [record("2", revision=2)])


async def a_revision_conflict_writes_and_deletes_nothing(subject: Subject) -> None:
    storage = subject.storage
    await _put(storage, Put(at("kept"), record("1")), Put(at("moved"), record(revision=5)))
    holding = Expectation(at("kept"), 1)
    for stale in (4, 6, ABSENT):
        moved = Expectation(at("moved"), stale)
        for expectations in ([holding, moved], [moved, holding]):
            error = await refused(
                RevisionConflictError,
                storage.commit(
                    expectations=expectations,
                    puts=[Put(at("kept"), record("2")), Put(at("new", "keys"), record())],
                    deletes=[Delete(at("moved"))],
                ),
            )
            equal(error.address, at("moved"))
    equal(
        await storage.read([at("kept"), at("moved"), at("new", "keys")]),
        [record("1"), record(revision=5), None],
    )


async def a_revision_expected_of_a_missing_record_is_a_conflict(subject: Subject) -> None:
    await refused(
        RevisionConflictError,
        subject.storage.commit(expectations=[Expectation(at("a"), 1)], puts=[]),
    )


async def an_expectation_alone_checks_and_writes_nothing(subject: Subject) -> None:
    await subject.storage.commit(expectations=[Expectation(at("a"), ABSENT)], puts=[])
    equal(await subject.storage.read([at("a")]), [None])


async def a_commit_over_several_stores_is_one(subject: Subject) -> None:
    storage = subject.storage
    await _put(storage, Put(at("old", "leases"), record()))
    await storage.commit(
        expectations=[Expectation(at("head"), ABSENT), Expectation(at("old", "leases"), 1)],
        puts=[Put(at("head"), record("h")), Put(at(0, "audit"), record("e"))],
        deletes=[Delete(at("old", "leases"))],
    )
    equal(
        await storage.read([at("head"), at(0, "audit"), at("old", "leases")]),
        [record("h"), record("e"), None],
    )


async def of_two_commits_on_one_revision_exactly_one_wins(subject: Subject) -> None:
    storage = subject.storage
    await _put(storage, Put(at("head"), record("0")))

    async def attempt(number: int) -> int:
        await storage.commit(
            expectations=[Expectation(at("head"), 1)],
            puts=[
                Put(at("head"), record(str(number), revision=2)),
                Put(at(number, "audit"), record(str(number))),
            ],
        )
        return number

    outcomes = await asyncio.gather(
        *(attempt(number) for number in range(10)), return_exceptions=True
    )
    winners = [outcome for outcome in outcomes if isinstance(outcome, int)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, RevisionConflictError)]
    equal((len(winners), len(losers)), (1, 9))
    equal(await storage.read([at("head")]), [record(str(winners[0]), revision=2)])
    equal(await storage.count("audit"), 1)


async def counting_up_under_retries_loses_no_step(subject: Subject) -> None:
    storage = subject.storage
    await _put(storage, Put(at("counter"), record("0")))

    async def increment() -> None:
        while True:
            seen = instance((await storage.read([at("counter")]))[0], Record)
            following = record(str(int(seen.value) + 1), revision=seen.revision + 1)
            try:
                await storage.commit(
                    expectations=[Expectation(at("counter"), seen.revision)],
                    puts=[Put(at("counter"), following)],
                    durable=False,
                )
            except RevisionConflictError:
                continue
            return

    await asyncio.gather(*(increment() for _ in range(8)))
    equal(await storage.read([at("counter")]), [record("8", revision=9)])


async def deleting_what_is_not_there_is_no_error(subject: Subject) -> None:
    await subject.storage.commit(expectations=[], puts=[], deletes=[Delete(at("nothing"))])


async def an_empty_commit_is_no_error(subject: Subject) -> None:
    await subject.storage.commit(expectations=[], puts=[])


async def replacing_all_leaves_only_what_is_put(subject: Subject) -> None:
    storage = subject.storage
    await _put(storage, Put(at("a"), record()), Put(at("b", "tokens"), record()))
    await storage.replace_all(
        expectations=[Expectation(at("a"), 1)], puts=[Put(at("c", "keys"), record("c"))]
    )
    equal(
        await storage.read([at("a"), at("b", "tokens"), at("c", "keys")]),
        [None, None, record("c")],
    )


async def replacing_all_on_a_moved_revision_deletes_nothing(subject: Subject) -> None:
    storage = subject.storage
    await _put(storage, Put(at("a"), record(revision=2)))
    await refused(
        RevisionConflictError,
        storage.replace_all(expectations=[Expectation(at("a"), 1)], puts=[]),
    )
    holds((await storage.read([at("a")]))[0] is not None, "nothing was deleted")


async def a_caller_cannot_change_what_is_stored(subject: Subject) -> None:
    handles: dict[str, KeyHandle] = {"audit": (await subject.crypto.generate_audit_key()).private}
    await _put(subject.storage, Put(at("a"), Record(1, "{}", handles)))
    handles.clear()
    (stored,) = await subject.storage.read([at("a")])
    equal(list(stored.handles) if stored else None, ["audit"])
