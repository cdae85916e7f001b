"""The specification's table of details says of every operation what an entry of it tells."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from enclave import CREDENTIALS, World
from exports import exported
from kms_enclave.log.entry import SIGNERS

_DOCUMENT = Path(__file__).parents[3] / "docs" / "spec" / "audit.md"
_NAME = re.compile(r"`([a-zA-Z]+)[^`]*`")


_NOT_LIVED = {
    "audit.prune", "enrollment.add", "enrollment.change", "enrollment.remove", "issue.refused",
    "lease.expire", "lease.suspend",
}  # fmt: skip


def _documented() -> dict[tuple[str, str], set[str]]:
    """Return the names in the row of each operation and kind of signer."""
    _, _, rest = _DOCUMENT.read_text("utf-8").partition("Written today are:\n\n")
    found: dict[tuple[str, str], set[str]] = {}
    for row in rest.partition("\n\n")[0].splitlines()[2:]:
        ops, signers, details = (cell.strip() for cell in row.strip("|").split("|"))
        for op in re.findall(r"`([a-z.]+)`", ops):
            for kind in re.findall(r"[A-Z]{3,4}", signers.replace("JWT", "")):
                found[op, kind] = set(_NAME.findall(details))
    return found


def test_every_operation_is_described_by_every_signer() -> None:
    assert set(_documented()) == {(op, kind) for op, kinds in SIGNERS.items() for kind in kinds}


async def _lived() -> list[Any]:
    """Return the entries of a log with nearly every operation that a page can cause."""
    world = World()
    worker = await world.ready()
    first, second = [await worker.create_lease() for _ in range(2)]
    by_user = {"credentials": CREDENTIALS}
    push = {"endpoint": "https://fcm.googleapis.com/send/one"}
    for method, params in [
        ("extendLease", {"leaseId": first, "addHours": 2, **by_user}),
        ("resumeLease", {"leaseId": first, **by_user}),
        ("suspendPattern", {"userIdPattern": "bot-*", **by_user}),
        ("unsuspendPattern", {"userIdPattern": "bot-*", **by_user}),
        ("generateVAPID", by_user),
        ("setPushSubscription", {"subscription": push, **by_user}),
        ("removePushSubscription", by_user),
        ("revokeLease", {"leaseId": second}),
        ("regenerateVAPID", by_user),
    ]:
        await worker.call(method, **params)
    world.clock.advance(-10 * 60_000)
    await worker.create_lease()
    await world.worker(build={"codeHash": "another"})
    entries = await worker.log()
    await worker.call("resetKMS", **by_user)
    (genesis,) = await worker.log()
    return [*entries, genesis, genesis["details"]["previousLog"]["closing"]]


def test_what_entries_tell_is_in_the_table() -> None:
    documented = _documented()
    entries = asyncio.run(_lived())
    for line in exported().lines:
        entry = json.loads(line)
        entries += [entry] if "op" in entry else []
    assert set(SIGNERS) - {entry["op"] for entry in entries} == _NOT_LIVED
    for entry in entries:
        told = set(entry.get("details", {}))
        assert told <= documented[entry["op"], entry["signer"]], entry
