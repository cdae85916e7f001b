"""The promises on CPython: pyca/cryptography with storage in memory and in SQLite."""

from __future__ import annotations

import copy
import pickle
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import attrs
import pytest
import pytest_asyncio
from kms_enclave.adapters.native.clock import SystemClock
from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.adapters.native.locks import AsyncioLocks
from kms_enclave.adapters.native.memory import MemoryStorage
from kms_enclave.adapters.native.sqlite import SqliteStorage
from kms_enclave.ports.crypto import KeyHandle
from kms_enclave.ports.storage import StoragePort

from .promises import PROMISES, Promise
from .vectors import Vectors

_VECTORS = Path(__file__).parent.parent / "vectors" / "crypto.json"


@attrs.frozen
class NativeSubject:
    """The adapters that run without a browser."""

    storage: StoragePort
    vectors: Vectors
    crypto: NativeCrypto = attrs.field(factory=NativeCrypto)
    clock: SystemClock = attrs.field(factory=SystemClock)
    locks: AsyncioLocks = attrs.field(factory=AsyncioLocks)

    async def ways_out(self, handle: KeyHandle) -> list[str]:
        """Try what an accident would: copies, pickles, public attributes."""
        native = handle.native
        ways: dict[str, Callable[[object], object]] = {
            "copy": copy.copy,
            "deepcopy": copy.deepcopy,
            "pickle": pickle.dumps,
            "vars": vars,
        }
        found = [name for name in dir(native) if not name.startswith("_")]
        for name, attempt in ways.items():
            try:
                attempt(native)
            except TypeError:
                continue
            found.append(name)
        return found


@pytest_asyncio.fixture(params=["memory", "sqlite"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NativeSubject]:
    vectors = Vectors.parse(_VECTORS.read_text("utf-8"))
    if request.param == "memory":
        yield NativeSubject(MemoryStorage(), vectors)
        return
    storage = SqliteStorage(tmp_path / "kms.sqlite")
    yield NativeSubject(storage, vectors)
    storage.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("promise", PROMISES.values(), ids=PROMISES.keys())
async def test_promise(promise: Promise, subject: NativeSubject) -> None:
    await promise(subject)
