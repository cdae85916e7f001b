"""Export files of logs with every kind of line, made by an enclave; their verdicts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import cache

import attrs
from enclave import CREDENTIALS, Refusal, Worker, World
from forging import LEASE_ID, Forger, b64, public, verify_signature
from independent.keys import MAY_SIGN
from kms_enclave.log.verify.export import BadExportError, ExportSummary, ExportVerifier
from kms_enclave.log.verify.stream import verify_export
from kms_enclave.ports.crypto import SignatureCheck

__all__ = ["Exported", "every_kind", "export", "exported", "judge", "pruned", "unset", "verdict"]


@attrs.frozen
class Exported:
    """A file's lines, without their line feeds, and the key that its reader expects."""

    lines: tuple[bytes, ...]
    key: str


async def export(worker: Worker) -> list[bytes]:
    """Return the lines of a whole export file."""
    part = await worker.call("exportAudit")
    text = part["text"]
    while part["next"] is not None:
        part = await worker.call("exportAudit", **{"from": part["next"], "size": part["size"]})
        text += part["text"]
    *lines, rest = text.encode().split(b"\n")
    assert rest == b"", "the last line has its end"
    return lines


async def _finish(worker: Worker) -> Exported:
    keys = await worker.call("getAuditPublicKey")
    key = keys["publicKey"] or keys["instancePublicKey"]
    return Exported(tuple(await export(worker)), key)


async def _used() -> tuple[World, Worker]:
    world = World()
    worker = await world.ready()
    lease = await worker.create_lease()
    with suppress(Refusal):
        await worker.create_lease(credentials={**CREDENTIALS, "passphrase": "x" * 9})
    await worker.issue(lease)
    await worker.issue(lease, relayId="relay")
    return world, worker


@cache
def exported() -> Exported:
    """A log with entries of every signer."""

    async def write() -> Exported:
        _, worker = await _used()
        return await _finish(worker)

    return asyncio.run(write())


@cache
def pruned() -> Exported:
    """A log whose first entries were dropped."""

    async def write() -> Exported:
        _, worker = await _used()
        note = (await worker.call("getAuditCheckpoint"))["checkpoint"]
        await worker.call("pruneAudit", keep=3, checkpoint=note, credentials=CREDENTIALS)
        await worker.create_lease()
        return await _finish(worker)

    return asyncio.run(write())


@cache
def unset() -> Exported:
    """A log without a setup."""

    async def write() -> Exported:
        world = World()
        await world.worker()
        return await _finish(await world.worker(build={"codeHash": "code-2"}))

    return asyncio.run(write())


@cache
def every_kind() -> Exported:
    """A forged log with every operation by every signer that may sign it, and every field."""
    log = Forger()
    log.genesis()
    log.setup()
    for signer, ops in MAY_SIGN.items():
        own = None if signer == "UAK" else log.certificate(signer, scope=sorted(ops))
        for op in sorted(ops - {"instance.start", "setup", "reset"}):
            times = {"unlockTime": 990, "lockTime": 1000, "duration": 10}
            log.add(
                op,
                signer,
                cert=own,
                kid="kid",
                userId="alice",
                origin="https://app.example",
                leaseId=LEASE_ID,
                details={"via": "page", "count": 1},
                **(times if signer == "UAK" else {}),
            )
    log.add("reset", "UAK", details={"via": "page"})
    return Exported(tuple(log.export()), b64(public(log.uak)))


def verdict(
    lines: Sequence[bytes], *, key: str | None = None, checkpoints: Sequence[str] = ()
) -> ExportSummary:
    """Verify a file; signatures by ``cryptography``. Raises BadExportError."""

    async def verify(checks: Sequence[SignatureCheck]) -> Sequence[bool]:
        return [verify_signature(c.public_raw, c.signature, c.message) for c in checks]

    verifier = ExportVerifier(expected_key=key, expected_checkpoints=checkpoints)
    return asyncio.run(verify_export(lines, verifier, verify))


def judge(lines: Sequence[bytes], *, key: str | None = None) -> BadExportError | None:
    """Return what is wrong with a file, or ``None``; nothing else may be raised."""
    try:
        verdict(lines, key=key)
    except BadExportError as error:
        return error
    return None
