"""What SQLite storage promises beyond the port: durability, two connections, named failures."""

import sqlite3
from pathlib import Path

import pytest
from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.adapters.native.sqlite import SqliteStorage
from kms_enclave.ports.crypto import AuditSigningKey, MacKey, SignatureCheck
from kms_enclave.ports.storage import (
    ABSENT,
    Expectation,
    Put,
    Record,
    RevisionConflictError,
    StorageError,
)

from .expect import instance
from .materials import at, record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kms.sqlite"


async def test_records_and_handles_outlive_the_connection(path: Path) -> None:
    crypto = NativeCrypto()
    made = await crypto.generate_audit_key()
    storage = SqliteStorage(path)
    put = Put(at("a"), Record(1, "{}", {"audit": made.private}))
    await storage.commit(expectations=[], puts=[put])
    storage.close()

    (stored,) = await SqliteStorage(path).read([at("a")])
    key = instance(instance(stored, Record).handles["audit"], AuditSigningKey)
    check = SignatureCheck(made.public_raw, await crypto.sign_ed25519(key, b"m"), b"m")
    assert list(await crypto.verify_ed25519([check])) == [True]


async def test_two_connections_see_each_others_revisions(path: Path) -> None:
    first, second = SqliteStorage(path), SqliteStorage(path)
    await first.commit(expectations=[Expectation(at("a"), ABSENT)], puts=[Put(at("a"), record())])
    with pytest.raises(RevisionConflictError):
        await second.commit(
            expectations=[Expectation(at("a"), ABSENT)], puts=[Put(at("a"), record())]
        )


async def test_a_put_that_fails_takes_the_ones_before_it_along(path: Path) -> None:
    storage = SqliteStorage(path)
    foreign = Record(1, "{}", {"key": MacKey(object())})
    with pytest.raises(TypeError):
        await storage.commit(expectations=[], puts=[Put(at("a"), record()), Put(at("b"), foreign)])
    assert await storage.read([at("a")]) == [None]


def test_every_commit_is_synced_to_the_disk(path: Path) -> None:
    storage = SqliteStorage(path)
    full = 2
    assert storage._connection.execute("PRAGMA synchronous").fetchone() == (full,)
    assert storage._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_of_a_newer_schema_is_newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(StorageError) as refusal:
        SqliteStorage(path)
    assert refusal.value.failure == "newer"


async def test_tables_that_are_gone_are_evicted(path: Path) -> None:
    storage = SqliteStorage(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE records")
    with pytest.raises(StorageError) as refusal:
        await storage.read([at("a")])
    assert refusal.value.failure == "evicted"


async def test_a_file_that_may_not_grow_is_full_and_keeps_what_it_had(path: Path) -> None:
    storage = SqliteStorage(path)
    await storage.commit(expectations=[], puts=[Put(at("a"), record("1"))])
    storage._connection.execute("PRAGMA max_page_count = 10")
    with pytest.raises(StorageError) as refusal:
        await storage.commit(
            expectations=[],
            puts=[Put(at("a"), record("2")), Put(at("b"), record("x" * 1_000_000))],
        )
    assert refusal.value.failure == "full"
    assert await storage.read([at("a"), at("b")]) == [record("1"), None]


@pytest.mark.parametrize("content", [b"not a database, but long enough to be read as one" * 30])
def test_a_file_that_is_no_database_is_unavailable(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StorageError) as refusal:
        SqliteStorage(path)
    assert refusal.value.failure == "unavailable"


async def test_a_closed_database_is_unavailable(path: Path) -> None:
    storage = SqliteStorage(path)
    storage.close()
    with pytest.raises(StorageError) as refusal:
        await storage.count("meta")
    assert refusal.value.failure == "unavailable"
