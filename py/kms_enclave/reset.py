"""Ending an instance: one commit that wipes everything and begins a new log.

The new log's first entry names the old one and carries its closing entry, so that an
auditor with an older export sees where it ended and by whose word.
"""

from __future__ import annotations

from typing import Final, cast

from kms_enclave.audit.entry import EntryDraft
from kms_enclave.audit.journal import Change, Entry, SignedDraft
from kms_enclave.audit.signing import instance_draft, user_draft
from kms_enclave.boot.genesis import new_instance
from kms_enclave.context import Context
from kms_enclave.enrollment.asking import recognition_of
from kms_enclave.enrollment.session import AuthorisationRequest, unlocked_for, user_signer
from kms_enclave.instance import Instance, read_instance
from kms_enclave.ports.prompt import PromptRequest

__all__ = ["RESET_WORDS", "reset_instance"]

RESET_WORDS: Final = "Delete all keys, leases and the log of this enclave"
_TYPED_WORD: Final = "RESET"


async def reset_instance(context: Context, authorisation: AuthorisationRequest) -> Entry:
    """Reset with the page's credentials, or with the user's typed word; return the closing entry.

    Raises KMSError ``unlock.denied``, ``unlock.cancelled``, ``request.invalid``.
    """
    origin = authorisation.origin
    draft = EntryDraft(op="reset", request_id=context.crypto.random_uuid(), origin=origin)
    if authorisation.given is not None:
        async with unlocked_for(context, authorisation) as (unlocked, _):
            instance = await read_instance(context.storage)
            signer = await user_signer(context, unlocked)
            signed = user_draft(signer, draft, lock_time=context.clock.now_ms())
            return await _restart(context, instance, signed)
    async with context.prompt.dialog() as dialog:
        instance = await read_instance(context.storage)
        request = PromptRequest(RESET_WORDS, origin, recognition=recognition_of(instance.record))
        await dialog.confirm(request, word=_TYPED_WORD)
        instance = await read_instance(context.storage)
        return await _restart(context, instance, instance_draft(instance, draft))


async def _restart(context: Context, instance: Instance, closing: SignedDraft) -> Entry:
    async def opening(last: Entry) -> Change:
        previous_log = {"instanceId": instance.record.instance_id, "closing": last}
        # The old log's end and the new one's beginning are one commit, at one time.
        now_ms = cast(int, last["timestamp"])
        return await new_instance(context, now_ms=now_ms, details={"previousLog": previous_log})

    return await context.journal.restart(
        closing=closing, expectations=[instance.expectation()], opening=opening
    )
