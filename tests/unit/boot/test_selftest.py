"""Self-tests: a wrong answer locks nothing open, a missing primitive has a name."""

from __future__ import annotations

import asyncio

import pytest
from doubles import FaultyCrypto
from enclave import Refusal, World
from kms_enclave.ports.crypto import SignatureCheck
from kms_enclave.ports.storage import StorageError

_CAPABILITIES = ["ecdsa-p256", "ed25519", "hkdf-aes-gcm", "pbkdf2", "stored-key"]


async def test_what_works_is_named_when_the_enclave_is_ready(world: World) -> None:
    worker = await world.worker()
    assert worker.start["capabilities"] == _CAPABILITIES


@pytest.mark.parametrize(
    ("operation", "capabilities"),
    [
        ("mac", {"pbkdf2"}),
        ("open_master_secret", {"hkdf-aes-gcm", "ed25519", "ecdsa-p256"}),
        ("derive_audit_public_key", {"hkdf-aes-gcm"}),
        ("sign_ed25519", {"ed25519", "stored-key"}),
        ("open_vapid_key", {"ecdsa-p256"}),
        ("sign_es256", {"ecdsa-p256"}),
        ("generate_audit_key", {"stored-key"}),
    ],
)
async def test_a_missing_primitive_is_unsupported_by_name_even_without_words(
    world: World, operation: str, capabilities: set[str]
) -> None:
    world.crypto.failing[operation] = RuntimeError("")
    worker = await world.worker()
    error = worker.start["error"]
    assert error["code"] == "unsupported"
    assert error["details"]["capability"] in capabilities
    assert error["details"]["error"] == "RuntimeError"


class _Wrong(FaultyCrypto):
    """Answers, but wrongly: one operation at a time."""

    def __init__(self, operation: str) -> None:
        super().__init__()
        self._operation = operation

    def __getattr__(self, name: str) -> object:
        answers = {
            "mac": bytes(32),
            "derive_audit_public_key": bytes(32),
            "sign_ed25519": bytes(64),
            "sign_es256": bytes(64),
            "verify_es256": True,
        }
        if name == self.__dict__.get("_operation"):

            async def answer(*_: object, **__: object) -> object:
                return answers[name]

            return answer
        return super().__getattr__(name)


@pytest.mark.parametrize(
    ("operation", "capability"),
    [
        ("mac", "pbkdf2"),
        ("derive_audit_public_key", "hkdf-aes-gcm"),
        ("sign_ed25519", "ed25519"),
        ("sign_es256", "ecdsa-p256"),
        ("verify_es256", "ecdsa-p256"),
    ],
)
async def test_a_wrong_answer_fails_attestation(
    world: World, operation: str, capability: str
) -> None:
    worker = await world.worker(crypto=_Wrong(operation))
    error = worker.start["error"]
    assert error["code"] == "attestation.failed"
    assert error["details"]["reason"] == f"self-test failed: {capability}"


async def test_a_verifier_that_takes_anything_fails_attestation(world: World) -> None:
    class Credulous(FaultyCrypto):
        async def verify_ed25519(self, checks: list[SignatureCheck]) -> list[bool]:
            return [True for _ in checks]

    worker = await world.worker(crypto=Credulous())
    assert worker.start["error"]["details"]["reason"] == "self-test failed: ed25519"


async def test_after_a_failed_self_test_every_request_is_answered_with_it(world: World) -> None:
    world.crypto.failing["mac"] = RuntimeError("no")
    worker = await world.worker()
    with pytest.raises(Refusal) as caught:
        await worker.call("getStatus")
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize("failure", ["blocked", "unavailable", "full", "evicted", "newer"])
async def test_storage_that_cannot_be_used_is_named(world: World, failure: str) -> None:
    world.storage.failure = StorageError(failure, "")
    worker = await world.worker()
    assert worker.start["error"]["code"] == f"storage.{failure}"
    with pytest.raises(Refusal) as caught:
        await worker.call("isSetup")
    assert caught.value.code == f"storage.{failure}"


async def test_self_tests_at_the_same_time_do_not_disturb_each_other(world: World) -> None:
    await world.worker()
    workers = await asyncio.gather(*(world.worker() for _ in range(8)))
    assert {worker.start["type"] for worker in workers} == {"kms:ready"}


async def test_a_self_test_leaves_nothing_behind(world: World) -> None:
    await world.worker()
    keys = [key for key, _ in await world.memory.scan("meta", after=None, limit=9)]
    assert keys == ["head", "instance"]
