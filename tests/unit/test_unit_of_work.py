"""What a change rests on: everything that was read for it, at the revision it was read at."""

from __future__ import annotations

import pytest
from enclave import World
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.storage import ABSENT, Address, Delete, Expectation, Put, Record

READ, WRITTEN, DELETED = (Address("meta", name) for name in ("read", "written", "deleted"))
MISSING = Address("leases", "missing")


@pytest.fixture
async def unit(world: World) -> UnitOfWork:
    for revision, address in enumerate((READ, WRITTEN, DELETED), start=3):
        await world.put(address.store, address.key, Record(revision, "{}"))
    return UnitOfWork(world.memory)


async def test_a_change_names_what_was_read_and_what_was_not_there(unit: UnitOfWork) -> None:
    assert await unit.read(READ) == Record(3, "{}")
    assert await unit.read(MISSING) is None
    change = unit.change()
    assert change.expectations == (Expectation(READ, 3), Expectation(MISSING, ABSENT))
    assert (change.puts, change.deletes) == ((), ())


async def test_what_is_written_or_deleted_was_read_at_its_revision(unit: UnitOfWork) -> None:
    await unit.write(WRITTEN, '{"a":1}')
    await unit.write(WRITTEN, '{"a":2}')
    await unit.delete(DELETED)
    change = unit.change()
    assert change.expectations == (Expectation(WRITTEN, 4), Expectation(DELETED, 5))
    assert change.puts == (Put(WRITTEN, Record(5, '{"a":2}')),)
    assert change.deletes == (Delete(DELETED),)


async def test_reads_see_what_the_unit_itself_has_written(unit: UnitOfWork) -> None:
    await unit.write(MISSING, "{}")
    await unit.delete(READ)
    assert await unit.read(MISSING) == Record(1, "{}")
    assert await unit.read(READ) is None
    assert unit.pending("leases") == [("missing", Record(1, "{}"))]
