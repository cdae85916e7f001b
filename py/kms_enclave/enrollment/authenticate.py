"""Who may: one authenticated block per operation, by the page's credentials or a prompt.

With credentials in the call (where the operator allows that) there is one attempt.
Without, the enclave's own dialog asks, stays open after a wrong passphrase and
closes at success. Every denied attempt is an entry of the log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import attrs

from kms_enclave.audit.entry import EntryDraft
from kms_enclave.audit.journal import Change
from kms_enclave.audit.signing import instance_draft
from kms_enclave.context import Context
from kms_enclave.enrollment.unlock import Credentials, Unlocked, WrongPassphraseError, unlock
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.instance import Instance, read_instance
from kms_enclave.ports.prompt import PromptRequest

__all__ = ["authenticated", "require_page_credentials_allowed"]

_METHODS = ("passphrase",)


@asynccontextmanager
async def authenticated(
    context: Context, *, passphrase: str | None, operation: str, origin: str
) -> AsyncIterator[tuple[Unlocked, Instance]]:
    """Authenticate the user for what the block does.

    ``passphrase`` is what the page passed, or ``None`` to ask the user with
    ``operation``, a sentence in words. Raises KMSError ``setup.required``,
    ``unlock.denied``, ``unlock.cancelled``, ``enrollment.damaged`` or
    ``request.invalid``.
    """
    instance = await read_instance(context.storage)
    if instance.record.uak_public is None:
        raise KMSError("setup.required")
    if passphrase is not None:
        require_page_credentials_allowed(context, field="credentials")
        credentials = Credentials(passphrase=passphrase, via="page")
        try:
            yield await _unlock(context, instance, credentials), instance
        except WrongPassphraseError:
            await _record_denial(context, credentials, origin)
            raise KMSError("unlock.denied") from None
        return
    unlocked = await _ask_until_unlocked(context, instance, operation, origin)
    try:
        yield unlocked, instance
    finally:
        await context.prompt.close()


def require_page_credentials_allowed(context: Context, *, field: str) -> None:
    """Refuse credentials in a call where the operator has not allowed them."""
    if not context.config.allow_page_credentials:
        raise request_invalid(field, "this enclave does not take credentials from a page")


async def _ask_until_unlocked(
    context: Context, instance: Instance, operation: str, origin: str
) -> Unlocked:
    request = PromptRequest(operation, origin, _METHODS)
    while True:
        answer = await context.prompt.authenticate(request)
        credentials = Credentials(passphrase=answer.passphrase, via="enclave")
        async with AsyncExitStack() as stack:
            # Whatever else fails now, the dialog must not stay in the way of the next.
            stack.push_async_callback(context.prompt.close)
            error = None
            try:
                unlocked = await _unlock(context, instance, credentials)
            except WrongPassphraseError:
                await _record_denial(context, credentials, origin)
                error = KMSError("unlock.denied")
            except KMSError as refusal:
                if refusal.code != "request.invalid":
                    raise
                error = refusal
            stack.pop_all()
        if error is None:
            return unlocked
        request = attrs.evolve(request, attempt=request.attempt + 1, error=error)


async def _unlock(context: Context, instance: Instance, credentials: Credentials) -> Unlocked:
    return await unlock(
        credentials=credentials,
        instance=instance,
        crypto=context.crypto,
        storage=context.storage,
        clock=context.clock,
    )


async def _record_denial(context: Context, credentials: Credentials, origin: str) -> None:
    draft = EntryDraft(
        op="unlock.denied",
        request_id=context.crypto.random_uuid(),
        origin=origin,
        details={"method": "passphrase", "via": credentials.via},
    )

    async def plan(_: int) -> Change:
        # Another tab may have begun a new instance while the keys were derived.
        instance = await read_instance(context.storage)
        return Change(drafts=[instance_draft(instance, draft)])

    await context.journal.commit(plan)
