"""Ending an instance: one commit that wipes everything and begins a new log.

The new log's first entry names the old one and carries its closing entry and checkpoint,
so that an auditor with an older export sees where it ended and by whose word. A locked enclave's
log is too damaged to be ended: it is abandoned, and the new one says why.
"""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.audit.proofs import Log, checkpoint_of
from kms_enclave.boot.genesis import new_instance
from kms_enclave.boot.refusal import read_refusal
from kms_enclave.context import Context
from kms_enclave.errors import KMSError
from kms_enclave.log.entry import EntryDraft
from kms_enclave.log.head import Head
from kms_enclave.log.instance import Instance, read_instance
from kms_enclave.log.journal import Change, Entry, SignedDraft
from kms_enclave.log.signing import instance_draft, user_draft
from kms_enclave.ports.prompt import PromptRequest
from kms_enclave.ports.storage import RevisionConflictError
from kms_enclave.tlog.checkpoint import log_origin
from kms_enclave.unlock.asking import recognition_of
from kms_enclave.unlock.session import AuthorisationRequest, unlocked_for, user_signer

__all__ = ["RESET_WORDS", "Closing", "reset_instance"]

RESET_WORDS: Final = "Delete all keys, leases and the log of this enclave"
_TYPED_WORD: Final = "RESET"
_MAX_ATTEMPTS: Final = 50


@attrs.frozen
class Closing:
    """The end of the old log, and the checkpoint over it that its own key signed."""

    head: Head
    checkpoint: str


async def reset_instance(context: Context, authorisation: AuthorisationRequest) -> Closing | None:
    """Reset with the page's credentials, or with the user's typed word; say how the log ended.

    A page that asks for the gate's ceremony has passed no credentials: the user types the
    word as well.

    There is no closing entry where a locked enclave was reset, which only the user's word
    can do: credentials cannot be checked without writing to the damaged log. Raises
    KMSError ``unlock.denied``, ``unlock.cancelled``, ``request.invalid``,
    ``attestation.failed``.
    """
    if context.lock.reason is not None:
        await _reset_locked(context, context.lock.reason, authorisation)
        return None
    origin = authorisation.origin
    draft = EntryDraft(op="reset", request_id=context.crypto.random_uuid(), origin=origin)
    if authorisation.given is not None:
        async with unlocked_for(context, authorisation) as (unlocked, dialog):
            instance = await read_instance(context.storage)
            if dialog is not None:
                await dialog.confirm(_prompt(instance, origin), word=_TYPED_WORD)
            signer = await user_signer(context, unlocked)
            if instance.record.uak_public != signer.uak_public:
                raise KMSError("unlock.denied", "The enclave was reset meanwhile")
            signed = user_draft(signer, draft, lock_time=context.clock.now_ms())
            return await _restart(context, instance, signed)
    async with context.prompt.dialog() as dialog:
        instance = await read_instance(context.storage)
        await dialog.confirm(_prompt(instance, origin), word=_TYPED_WORD)
        return await _restart(context, instance, instance_draft(instance, draft))


def _prompt(instance: Instance, origin: str) -> PromptRequest:
    return PromptRequest(RESET_WORDS, origin, recognition=recognition_of(instance.record))


async def _reset_locked(context: Context, reason: str, authorisation: AuthorisationRequest) -> None:
    if authorisation.given is not None:
        raise KMSError("attestation.failed", details={"reason": reason})

    refusal = await read_refusal(context.storage)
    previous_log: dict[str, object] = {"abandoned": reason}
    if refusal is not None:
        previous_log |= {"since": refusal.first, "count": refusal.count}

    async def opening(now_ms: int) -> Change:
        return await new_instance(context, now_ms=now_ms, details={"previousLog": previous_log})

    async with context.prompt.dialog() as dialog:
        request = PromptRequest(RESET_WORDS, authorisation.origin)
        await dialog.confirm(request, word=_TYPED_WORD)
        await context.journal.abandon(opening)
    context.lock.reason = None


async def _restart(context: Context, instance: Instance, closing: SignedDraft) -> Closing:
    instance_id = instance.record.instance_id
    origin = log_origin(context.enclave_origin, instance_id)

    async def opening(last: Entry, head: Head) -> tuple[Change, Closing]:
        checkpoint = await checkpoint_of(context.crypto, Log(instance, head, origin))
        previous_log = {"instanceId": instance_id, "closing": last, "checkpoint": checkpoint}
        # The old log's end and the new one's beginning are one commit, at one time.
        change = await new_instance(
            context, now_ms=head.timestamp_ms, details={"previousLog": previous_log}
        )
        return change, Closing(head, checkpoint)

    for _ in range(_MAX_ATTEMPTS):
        current = await read_instance(context.storage)
        if current.record.instance_id != instance.record.instance_id:
            raise KMSError("setup.required", "Another tab has reset this enclave")
        try:
            return await context.journal.restart(
                closing=closing, expectations=[current.expectation()], opening=opening
            )
        except RevisionConflictError:
            # Another tab wrote first; one that issues does not wait for the lock.
            continue
    raise KMSError("internal", "The log moved at every attempt")
