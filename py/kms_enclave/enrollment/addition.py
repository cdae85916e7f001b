"""Enrolling another way to unlock, and changing the passphrase, with the user.

What is new comes from the page, where the operator allows that, or from the enclave's
own dialog. What the page passed is checked before the user is asked for anything; the
new key is made after the user has authenticated and before the commit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import attrs

from kms_enclave.context import Context
from kms_enclave.enrollment.changes import (
    add_enrollment,
    change_passphrase,
)
from kms_enclave.enrollment.methods import ask_new_passphrase, passphrase_method
from kms_enclave.enrollment.new_passkey import register_passkey, require_method_allowed
from kms_enclave.enrollment.registration import RegistrationRequest, enrolling
from kms_enclave.log.instance import read_instance
from kms_enclave.ports.prompt import Dialog, PromptRequest
from kms_enclave.unlock.asking import recognition_of
from kms_enclave.unlock.master_secret import NewKek, make_prf_kek
from kms_enclave.unlock.passphrase import normalize_new_passphrase
from kms_enclave.unlock.record import (
    PASSPHRASE,
    PASSPHRASE_ENROLLMENT,
    Method,
    PasskeyData,
    enrollment_id_for,
    list_enrollments,
    read_enrollment,
)
from kms_enclave.unlock.session import (
    AuthorisationRequest,
    Session,
    commit_steps,
    require_page_credentials,
    unlocked_for,
)

__all__ = ["AdditionRequest", "PagePasskey", "add_by_user", "change_passphrase_by_user"]

_USER_NAME: Final = "Key enclave"
_NEW_FIELD: Final = "newCredentials.passphrase"


@attrs.frozen
class PagePasskey:
    """A passkey that the page created and evaluated: usable only by that page's calls."""

    credential_id: str
    prf_output: bytes = attrs.field(repr=False)
    rp_id: str


@attrs.frozen
class AdditionRequest:
    """What to add; without passphrase and passkey the enclave asks the user."""

    method: Method
    passphrase: str | None = attrs.field(default=None, repr=False)
    page_passkey: PagePasskey | None = None


async def add_by_user(
    context: Context, authorisation: AuthorisationRequest, request: AdditionRequest
) -> str:
    """Authenticate the user, enroll what is new, return its id.

    Raises KMSError ``enrollment.exists``, ``unsupported``, ``request.invalid`` and those
    of :func:`~kms_enclave.unlock.session.authenticated`.
    """
    enrollment_id_for(request.method, taken=await list_enrollments(context.storage))
    require_method_allowed(context, request.method)
    if request.passphrase is not None or request.page_passkey is not None:
        require_page_credentials(context, field="newCredentials")
    if request.passphrase is not None:
        normalize_new_passphrase(request.passphrase, field=_NEW_FIELD)
    async with unlocked_for(context, authorisation) as (unlocked, dialog):
        new = await _make_new(context, authorisation, request, dialog)

        async def steps(session: Session) -> str:
            return await add_enrollment(session, new)

        async with enrolling(context, new):
            return await commit_steps(context, authorisation, unlocked, steps)


async def change_passphrase_by_user(
    context: Context, authorisation: AuthorisationRequest, *, passphrase: str | None
) -> None:
    """Authenticate the user and replace the passphrase.

    Raises KMSError ``enrollment.not.found`` where there is none, ``request.invalid``, and
    those of :func:`~kms_enclave.unlock.session.authenticated`.
    """
    await read_enrollment(context.storage, PASSPHRASE_ENROLLMENT)
    if passphrase is not None:
        require_page_credentials(context, field="newPassphrase")
        normalize_new_passphrase(passphrase, field="newPassphrase")
    async with unlocked_for(context, authorisation) as (unlocked, dialog):
        if passphrase is not None:
            new = await passphrase_method(context, passphrase, "page", field="newPassphrase")
        else:
            async with _dialog_after(context, dialog) as asking:
                prompt = await _prompt(context, authorisation, PASSPHRASE)
                new = await ask_new_passphrase(context, asking, prompt)

        async def steps(session: Session) -> None:
            await change_passphrase(session, new)

        await commit_steps(context, authorisation, unlocked, steps)


async def _make_new(
    context: Context,
    authorisation: AuthorisationRequest,
    request: AdditionRequest,
    dialog: Dialog | None,
) -> NewKek:
    if request.passphrase is not None:
        return await passphrase_method(context, request.passphrase, "page", field=_NEW_FIELD)
    if request.page_passkey is not None:
        return await _page_method(context, request.page_passkey)
    async with _dialog_after(context, dialog) as asking:
        if request.method == PASSPHRASE:
            prompt = await _prompt(context, authorisation, PASSPHRASE)
            return await ask_new_passphrase(context, asking, prompt)
        registration = RegistrationRequest(
            request.method,
            authorisation.words,
            authorisation.origin,
            authorisation.operation,
            _USER_NAME,
        )
        return await register_passkey(context, asking, registration)


async def _page_method(context: Context, given: PagePasskey) -> NewKek:
    passkey = PasskeyData(
        credential_id=given.credential_id, rp_id=given.rp_id, page_only=True, sign_count=0
    )
    return await make_prf_kek(
        context.crypto,
        prf_output=given.prf_output,
        passkey=passkey,
        via="page",
        now_ms=context.clock.now_ms(),
    )


@asynccontextmanager
async def _dialog_after(context: Context, dialog: Dialog | None) -> AsyncIterator[Dialog]:
    """Go on in the dialog that authenticated, or open one where the page's credentials did."""
    if dialog is not None:
        yield dialog
        return
    async with context.prompt.dialog() as opened:
        yield opened


async def _prompt(
    context: Context, authorisation: AuthorisationRequest, method: Method
) -> PromptRequest:
    instance = await read_instance(context.storage)
    return PromptRequest(
        authorisation.words,
        authorisation.origin,
        (method,),
        recognition=recognition_of(instance.record),
    )
