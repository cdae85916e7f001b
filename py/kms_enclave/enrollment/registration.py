"""A new passkey's ceremony: what it is made with, and verification of what comes back.

A passkey that was made and is then not enrolled, for whatever reason, is of no use to
anybody: the browser is told to forget it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import attrs

from kms_enclave.context import Context
from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.errors import KMSError
from kms_enclave.ports.prompt import RegistrationAnswer, RegistrationOptions
from kms_enclave.ports.storage import StorageError
from kms_enclave.unlock.assertion import enclave_party, enclave_rp_id
from kms_enclave.unlock.master_secret import NewKek
from kms_enclave.unlock.record import Enrollment, Method, PasskeyData, readable_enrollments
from kms_enclave.webauthn.challenge import UnknownChallengeError
from kms_enclave.webauthn.verification import InvalidResponseError, verify_registration

__all__ = [
    "RegistrationRequest",
    "discarded_unless_done",
    "does_not_verify",
    "enrolling",
    "registration_options",
    "verify_new_passkey",
]

_SALT_LENGTH: Final = 32
_HANDLE_LENGTH: Final = 32


@attrs.frozen
class RegistrationRequest:
    """Which kind of enrollment is wanted, for whom, in words."""

    method: Method
    words: str
    origin: str
    operation: bytes
    user_name: str


async def registration_options(
    context: Context, request: RegistrationRequest
) -> RegistrationOptions:
    """Return fresh options: salts, what is enrolled already, challenges for this operation.

    A second passkey made with the same options takes the place of the first on the same
    authenticator, since both have one user handle.
    """
    enrolled = await readable_enrollments(context.storage)
    exclude = [one for enrollment in enrolled if (one := _credential_id(enrollment)) is not None]
    return RegistrationOptions(
        new_challenge=partial(context.challenges.issue, request.operation),
        rp_id=enclave_rp_id(context.enclave_origin),
        user_handle=context.crypto.random_bytes(_HANDLE_LENGTH),
        user_name=request.user_name,
        app_salt=context.crypto.random_bytes(_SALT_LENGTH),
        exclude=exclude,
    )


def _credential_id(enrollment: Enrollment) -> bytes | None:
    passkey = enrollment.record.passkey
    try:
        return parse_base64url(passkey.credential_id) if passkey else None
    except ValueError:
        return None  # A damaged record must not keep others from being made.


def verify_new_passkey(
    context: Context,
    request: RegistrationRequest,
    options: RegistrationOptions,
    answer: RegistrationAnswer,
) -> PasskeyData:
    """Return the passkey of a registration.

    Raises LateAnswerError, or KMSError ``unlock.denied`` with the check that failed.
    """
    try:
        context.challenges.redeem(answer.challenge, request.operation)
        sign_count = verify_registration(
            client_data_json=answer.client_data_json,
            authenticator_data=answer.authenticator_data,
            credential_id=answer.credential_id,
            public_key=answer.public_key,
            algorithm=answer.algorithm,
            expected_challenge=answer.challenge,
            expected_party=enclave_party(context),
        )
    except UnknownChallengeError:
        raise does_not_verify("the challenge is not of this ceremony") from None
    except InvalidResponseError as error:
        raise does_not_verify(str(error)) from None
    return PasskeyData(
        credential_id=format_base64url(answer.credential_id),
        rp_id=options.rp_id,
        page_only=False,
        sign_count=sign_count,
        public_key=format_base64url(answer.public_key),
        algorithm=answer.algorithm,
    )


def does_not_verify(reason: str) -> KMSError:
    """Return the refusal of a ceremony that made a passkey."""
    return KMSError("unlock.denied", "The new passkey does not verify", details={"reason": reason})


@asynccontextmanager
async def enrolling(context: Context, new: NewKek) -> AsyncIterator[None]:
    """Commit an enrollment in the block; if that fails, its new passkey is discarded."""
    passkey = new.template.passkey
    if passkey is None or passkey.page_only:
        yield
        return
    credential_id = parse_base64url(passkey.credential_id)
    async with discarded_unless_done(context, rp_id=passkey.rp_id, credential_id=credential_id):
        yield


@asynccontextmanager
async def discarded_unless_done(
    context: Context, *, rp_id: str, credential_id: bytes
) -> AsyncIterator[None]:
    """Tell the browser to forget a new passkey if the block raises and it is not enrolled."""
    done = False
    try:
        yield
        done = True
    finally:
        if not done and not await _may_be_enrolled(context, credential_id):
            context.prompt.discard_passkey(rp_id=rp_id, credential_id=credential_id)


async def _may_be_enrolled(context: Context, credential_id: bytes) -> bool:
    """Ask storage: an answer can be a replay, and a commit can be made and seem to have failed."""
    try:
        enrolled = await readable_enrollments(context.storage)
    except StorageError:
        return True
    return credential_id in map(_credential_id, enrolled)
