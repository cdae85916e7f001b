"""Enrolling another way to unlock, and changing the passphrase, with the user.

What is new comes from the page, where the operator allows that, or from the enclave's
own dialog. What the page passed is checked before the user is asked for anything; the
new key is made after the user has authenticated and before the commit.
"""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.config import Config
from kms_enclave.context import Context
from kms_enclave.enrollment.changes import (
    add_enrollment,
    change_passphrase,
)
from kms_enclave.enrollment.methods import ask_new_passphrase, passphrase_method
from kms_enclave.enrollment.new_passkey import register_passkey, require_method_allowed
from kms_enclave.enrollment.registration import RegistrationRequest, enrolling
from kms_enclave.log.instance import read_instance
from kms_enclave.ports.prompt import PromptRequest
from kms_enclave.ports.storage import StoragePort
from kms_enclave.unlock.asking import recognition_of
from kms_enclave.unlock.master_secret import NewKek, make_prf_kek
from kms_enclave.unlock.operation import UnlockedOperation
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
from kms_enclave.unlock.session import Session, require_page_credentials

__all__ = [
    "AdditionRequest",
    "PagePasskey",
    "add_unlocked",
    "change_passphrase_unlocked",
    "verify_addition",
    "verify_new_passphrase",
]

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


async def verify_addition(storage: StoragePort, config: Config, request: AdditionRequest) -> None:
    """Refuse what cannot be added, before the user is asked.

    Raises KMSError ``enrollment.exists``, ``unsupported``, ``request.invalid``.
    """
    enrollment_id_for(request.method, taken=await list_enrollments(storage))
    require_method_allowed(config, request.method)
    if request.passphrase is not None or request.page_passkey is not None:
        require_page_credentials(config, field="newCredentials")
    if request.passphrase is not None:
        normalize_new_passphrase(request.passphrase, field=_NEW_FIELD)


async def add_unlocked(operation: UnlockedOperation, request: AdditionRequest) -> str:
    """Enroll what is new and return its id. Raises KMSError like :func:`verify_addition`."""
    new = await _make_new(operation, request)

    async def steps(session: Session) -> str:
        return await add_enrollment(session, new)

    async with enrolling(operation.context, new):
        return await operation.commit(steps)


async def verify_new_passphrase(
    storage: StoragePort, config: Config, *, passphrase: str | None
) -> None:
    """Refuse a change of the passphrase that cannot be made, before the user is asked.

    Raises KMSError ``enrollment.not.found`` where there is none, ``request.invalid``.
    """
    await read_enrollment(storage, PASSPHRASE_ENROLLMENT)
    if passphrase is not None:
        require_page_credentials(config, field="newPassphrase")
        normalize_new_passphrase(passphrase, field="newPassphrase")


async def change_passphrase_unlocked(
    operation: UnlockedOperation, *, passphrase: str | None
) -> None:
    """Replace the passphrase by the page's, or by one that the user types. Raises KMSError."""
    context = operation.context
    if passphrase is not None:
        new = await passphrase_method(context, passphrase, "page", field="newPassphrase")
    else:
        new = await _ask_passphrase(operation)

    async def steps(session: Session) -> None:
        await change_passphrase(session, new)

    await operation.commit(steps)


async def _make_new(operation: UnlockedOperation, request: AdditionRequest) -> NewKek:
    context, authorisation = operation.context, operation.authorisation
    if request.passphrase is not None:
        return await passphrase_method(context, request.passphrase, "page", field=_NEW_FIELD)
    if request.page_passkey is not None:
        return await _page_method(context, request.page_passkey)
    if request.method == PASSPHRASE:
        return await _ask_passphrase(operation)
    async with operation.ask() as asking:
        registration = RegistrationRequest(
            request.method,
            authorisation.words,
            authorisation.origin,
            authorisation.operation,
            _USER_NAME,
        )
        return await register_passkey(context, asking, registration)


async def _ask_passphrase(operation: UnlockedOperation) -> NewKek:
    context, authorisation = operation.context, operation.authorisation
    async with operation.ask() as asking:
        instance = await read_instance(context.storage)
        prompt = PromptRequest(
            authorisation.words,
            authorisation.origin,
            (PASSPHRASE,),
            recognition=recognition_of(instance.record),
        )
        return await ask_new_passphrase(context, asking, prompt)


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
