"""Writes the files of tests/vectors/audit: two exports of one log, and a checkpoint.

An enclave on the native adapters makes them; its keys are random, so that every run
writes other files. docs/cli.md shows what is in them.

usage: PYTHONPATH=py:tests python tests/vectors/make_audit.py tests/vectors/audit
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from enclave import CREDENTIALS, Refusal, World
from exports import export

_DAY_MS = 86_400_000


async def _write(folder: Path) -> None:
    world = World()
    worker = await world.ready()
    lease = await worker.create_lease(userId="alice")
    await worker.issue(lease)
    _store(folder / "monday.jsonl", await export(worker))
    note = (await worker.call("getAuditCheckpoint"))["checkpoint"]
    (folder / "monday.checkpoint").write_text(note, "utf-8")

    world.clock.advance(4 * _DAY_MS)
    with suppress(Refusal):
        await worker.create_lease(credentials={**CREDENTIALS, "passphrase": "a guess of somebody"})
    lease = await worker.create_lease(userId="alice")
    for _ in range(2):
        await worker.issue(lease)
    _store(folder / "friday.jsonl", await export(worker))
    print((await worker.call("getAuditPublicKey"))["publicKey"])


def _store(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in lines))


if __name__ == "__main__":
    asyncio.run(_write(Path(sys.argv[1])))
