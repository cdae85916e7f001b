"""Signatures in several processes: the answers, and who gives them."""

from __future__ import annotations

import asyncio

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


async def test_what_the_other_process_has_no_time_for_is_verified_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here: list[SignatureCheck] = []

    def count(check: SignatureCheck) -> bool:
        here.append(check)
        return is_ed25519_valid(check)

    # Only this process sees it: the other one imports the module anew.
    monkeypatch.setattr(pool, "is_ed25519_valid", count)
    batches = [_batch() for _ in range(10)]
    with pool.SignaturePool(1) as signatures:
        answers = await asyncio.gather(*map(signatures.verify_ed25519, batches))
        assert answers == [[True, False, False]] * 10
        # It takes longer to start than all of them take.
        assert here == [check for batch in batches[3:] for check in batch]
        here.clear()
        assert await signatures.verify_ed25519(batches[0]) == [True, False, False]
        assert here == []
