"""A new passkey's ceremony: what it is made with, and verification of what comes back."""

from __future__ import annotations

from functools import partial
from typing import Final

import attrs

from kms_enclave.context import Context
from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.enrollment.assertion import enclave_party, enclave_rp_id
from kms_enclave.enrollment.challenge import UnknownChallengeError
from kms_enclave.enrollment.record import Enrollment, Method, PasskeyData, readable_enrollments
from kms_enclave.enrollment.webauthn import InvalidResponseError, verify_registration
from kms_enclave.errors import KMSError
from kms_enclave.ports.prompt import RegistrationAnswer, RegistrationOptions

__all__ = [
    "RegistrationRequest",
    "does_not_verify",
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
            expected_party=enclave_party(context.enclave_origin, parent_origin=request.origin),
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
