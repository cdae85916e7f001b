"""Ending an instance: one commit that wipes everything and begins a new log.

The new log's first entry names the old one and carries its closing entry, so that an
auditor with an older export sees where it ended and by whose word.
"""

from __future__ import annotations

from typing import cast

from kms_enclave.audit.entry import EntryDraft
from kms_enclave.audit.journal import Change, Entry, SignedDraft
from kms_enclave.audit.signing import instance_draft, user_draft
from kms_enclave.boot.genesis import new_instance
from kms_enclave.context import Context
from kms_enclave.enrollment.authenticate import authenticated
from kms_enclave.instance import Instance, read_instance
from kms_enclave.ports.prompt import PromptRequest

__all__ = ["reset_instance"]

_WORD = "RESET"
_OPERATION = "Delete all keys, leases and the log of this enclave"


async def reset_instance(context: Context, *, passphrase: str | None, origin: str) -> Entry:
    """Reset with credentials, or with the user's typed word; return the closing entry.

    Raises KMSError ``unlock.denied``, ``unlock.cancelled``, ``request.invalid``.
    """
    draft = EntryDraft(op="reset", request_id=context.crypto.random_uuid(), origin=origin)
    if passphrase is None:
        await context.prompt.confirm(PromptRequest(_OPERATION, origin, ()), word=_WORD)
        try:
            instance = await read_instance(context.storage)
            return await _restart(context, instance, instance_draft(instance, draft))
        finally:
            await context.prompt.close()
    async with authenticated(
        context, passphrase=passphrase, operation=_OPERATION, origin=origin
    ) as (unlocked, instance):
        signed = user_draft(
            unlocked,
            draft,
            uak_public=str(instance.record.uak_public),
            lock_time=context.clock.now_ms(),
            details={},
        )
        return await _restart(context, instance, signed)


async def _restart(context: Context, instance: Instance, closing: SignedDraft) -> Entry:
    async def opening(last: Entry) -> Change:
        previous_log = {"instanceId": instance.record.instance_id, "closing": last}
        # The old log's end and the new one's beginning are one commit, at one time.
        now_ms = cast(int, last["timestamp"])
        return await new_instance(context, now_ms=now_ms, details={"previousLog": previous_log})

    return await context.journal.restart(
        closing=closing, expectations=[instance.expectation()], opening=opening
    )
