"""Signatures in several processes: the answers, and who gives them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from kms_enclave.adapters.native import pool
from kms_enclave.adapters.native.crypto import is_ed25519_valid
from kms_enclave.ports.crypto import SignatureCheck


def _batch() -> list[SignatureCheck]:
    key = Ed25519PrivateKey.generate()
    public, signature = key.public_key().public_bytes_raw(), key.sign(b"message")
    return [
        SignatureCheck(public, signature, b"message"),
        SignatureCheck(public, signature, b"another"),
        SignatureCheck(b"no key", signature, b"message"),
    ]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[SignatureCheck]:
    """What this process verifies: the other one imports the module anew."""
    checks: list[SignatureCheck] = []

    def count(check: SignatureCheck) -> bool:
        checks.append(check)
        return is_ed25519_valid(check)

    monkeypatch.setattr(pool, "is_ed25519_valid", count)
    return checks


class _Busy:
    """A process that has not begun yet."""

    def __init__(self) -> None:
        self.batches: list[tuple[Future[Sequence[bool]], Sequence[SignatureCheck]]] = []

    def submit(self, _: object, checks: Sequence[SignatureCheck]) -> Future[Sequence[bool]]:
        future: Future[Sequence[bool]] = Future()
        self.batches.append((future, checks))
        return future

    def work(self) -> None:
        """Verify everything that waits."""
        for future, checks in self.batches:
            future.set_result([is_ed25519_valid(check) for check in checks])

    def shutdown(self, *, cancel_futures: bool) -> None:
        """Nothing runs."""


async def test_what_a_busy_process_has_no_time_for_is_verified_here(
    monkeypatch: pytest.MonkeyPatch, here: list[SignatureCheck]
) -> None:
    busy = _Busy()
    monkeypatch.setattr(pool, "ProcessPoolExecutor", lambda *_, **__: busy)
    batches = [_batch() for _ in range(10)]
    with pool.SignaturePool(1) as signatures:
        waiting = asyncio.gather(*map(signatures.verify_ed25519, batches))
        await asyncio.sleep(0)
        assert [checks for _, checks in busy.batches] == batches[:3]
        assert here == [check for batch in batches[3:] for check in batch]
        busy.work()
        assert await waiting == [[True, False, False]] * 10


async def test_what_the_other_process_has_time_for_is_verified_there(
    here: list[SignatureCheck],
) -> None:
    with pool.SignaturePool(1) as signatures:
        for _ in range(5):
            assert await signatures.verify_ed25519(_batch()) == [True, False, False]
    assert here == []
