"""A new passkey: the ceremony, its verification, and the key encryption key it gives.

PRF is always asked for at creation. Some authenticators evaluate it only at an
assertion: then a second ceremony fetches the output. One that has no PRF at all can
still be a gate, if the operator allows gates and the user agrees, having been told
what that means. Asking for PRF never breaks a registration that works without.
"""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.context import Context
from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.enrollment.asking import recognition_of
from kms_enclave.enrollment.keys import (
    PRF_OUTPUT_LENGTH,
    NewKek,
    make_gate_kek,
    make_prf_kek,
)
from kms_enclave.enrollment.record import (
    GATE,
    PRF,
    Enrollment,
    Method,
    PasskeyData,
    readable_enrollments,
)
from kms_enclave.enrollment.unlock import enclave_rp_id
from kms_enclave.enrollment.webauthn import (
    ALGORITHMS,
    InvalidResponseError,
    Party,
    signed_bytes,
    verify_assertion,
    verify_registration,
)
from kms_enclave.errors import KMSError
from kms_enclave.instance import read_instance
from kms_enclave.ports.prompt import (
    AssertionAnswer,
    Ceremony,
    Dialog,
    PasskeyOption,
    PromptRequest,
    RegistrationAnswer,
    RegistrationOptions,
)

__all__ = [
    "RegistrationRequest",
    "complete_registration",
    "register_passkey",
    "registration_options",
]

_SALT_LENGTH: Final = 32
_HANDLE_LENGTH: Final = 32
GATE_OFFER: Final = (
    "This passkey cannot protect data at rest: whoever copies this device's storage could "
    "read your keys. Use it as a gate all the same?"
)


@attrs.frozen
class RegistrationRequest:
    """Which kind of enrollment is wanted, for whom, in words."""

    method: Method
    words: str
    origin: str
    operation: bytes
    user_name: str


async def register_passkey(
    context: Context, dialog: Dialog, request: RegistrationRequest
) -> NewKek:
    """Have the user create a passkey; return the KEK of the enrollment it makes.

    Raises KMSError ``unlock.cancelled``, ``unlock.denied`` for a response that does not
    verify, ``unsupported`` where neither PRF nor a gate is to be had.
    """
    require_method_allowed(context, request.method)
    options = await registration_options(context, request)
    answer = await dialog.register(await _prompt(context, request), options)
    return await complete_registration(context, dialog, request, options, answer)


async def registration_options(
    context: Context, request: RegistrationRequest
) -> RegistrationOptions:
    """Return fresh options: a challenge for this operation, salts, what is enrolled already."""
    enrolled = await readable_enrollments(context.storage)
    exclude = [one for enrollment in enrolled if (one := _credential_id(enrollment)) is not None]
    return RegistrationOptions(
        challenge=context.challenges.issue(request.operation),
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


async def complete_registration(
    context: Context,
    dialog: Dialog,
    request: RegistrationRequest,
    options: RegistrationOptions,
    answer: RegistrationAnswer,
) -> NewKek:
    """Verify the new credential and make its KEK."""
    passkey = _verified_passkey(context, request, options, answer)
    now_ms = context.clock.now_ms()
    if request.method == GATE:
        return await make_gate_kek(context.crypto, passkey=passkey, now_ms=now_ms)
    output = answer.prf_output
    if output is None and answer.prf_enabled:
        output = await _evaluate_prf(context, dialog, request, options, passkey)
    if output is None or len(output) != PRF_OUTPUT_LENGTH:
        await _offer_gate(context, dialog, request)
        return await make_gate_kek(context.crypto, passkey=passkey, now_ms=now_ms)
    return await make_prf_kek(
        context.crypto,
        prf_output=output,
        passkey=attrs.evolve(passkey, app_salt=format_base64url(options.app_salt)),
        via="enclave",
        now_ms=now_ms,
    )


def require_method_allowed(context: Context, method: Method) -> None:
    """Refuse a gate where the operator has removed it."""
    if method == GATE and not context.config.allow_gate:
        raise KMSError(
            "unsupported",
            "This enclave does not take passkey gates",
            details={"capability": "passkey-gate"},
        )


def _verified_passkey(
    context: Context,
    request: RegistrationRequest,
    options: RegistrationOptions,
    answer: RegistrationAnswer,
) -> PasskeyData:
    in_time = context.challenges.redeem(options.challenge, request.operation)
    try:
        if not in_time:
            raise InvalidResponseError("the challenge is used up or too old")
        sign_count = verify_registration(
            client_data_json=answer.client_data_json,
            authenticator_data=answer.authenticator_data,
            credential_id=answer.credential_id,
            public_key=answer.public_key,
            algorithm=answer.algorithm,
            expected_challenge=options.challenge,
            expected_party=_party(context, request),
        )
    except InvalidResponseError as error:
        raise KMSError(
            "unlock.denied", "The new passkey does not verify", details={"reason": str(error)}
        ) from None
    return PasskeyData(
        credential_id=format_base64url(answer.credential_id),
        rp_id=options.rp_id,
        page_only=False,
        sign_count=sign_count,
        public_key=format_base64url(answer.public_key),
        algorithm=answer.algorithm,
    )


async def _evaluate_prf(
    context: Context,
    dialog: Dialog,
    request: RegistrationRequest,
    options: RegistrationOptions,
    passkey: PasskeyData,
) -> bytes | None:
    challenge = context.challenges.issue(request.operation)
    option = PasskeyOption(parse_base64url(passkey.credential_id), options.app_salt)
    ceremony = Ceremony(challenge, options.rp_id, (option,))
    prompt = attrs.evolve(await _prompt(context, request), methods=(PRF,))
    answer = await dialog.authenticate(prompt, ceremony)
    in_time = context.challenges.redeem(challenge, request.operation)
    if not isinstance(answer, AssertionAnswer) or not in_time:
        raise KMSError("unlock.denied", "The new passkey does not verify")
    try:
        verify_assertion(
            client_data_json=answer.client_data_json,
            authenticator_data=answer.authenticator_data,
            expected_challenge=challenge,
            expected_party=_party(context, request),
            stored_sign_count=passkey.sign_count,
        )
    except InvalidResponseError as error:
        raise KMSError(
            "unlock.denied", "The new passkey does not verify", details={"reason": str(error)}
        ) from None
    good = await context.crypto.verify_webauthn(
        algorithm=ALGORITHMS[passkey.algorithm or 0],
        public_key=parse_base64url(passkey.public_key or ""),
        signature=answer.signature,
        message=signed_bytes(
            client_data_json=answer.client_data_json,
            authenticator_data=answer.authenticator_data,
        ),
    )
    if not good or answer.credential_id != option.credential_id:
        raise KMSError("unlock.denied", "The new passkey does not verify")
    return answer.prf_output


async def _offer_gate(context: Context, dialog: Dialog, request: RegistrationRequest) -> None:
    if not context.config.allow_gate:
        raise KMSError(
            "unsupported",
            "This passkey has no PRF, and this enclave does not take gates",
            details={"capability": "prf"},
        )
    prompt = await _prompt(context, request)
    await dialog.confirm(attrs.evolve(prompt, operation=GATE_OFFER), word=None)


async def _prompt(context: Context, request: RegistrationRequest) -> PromptRequest:
    instance = await read_instance(context.storage)
    return PromptRequest(
        request.words,
        request.origin,
        (request.method,),
        recognition=recognition_of(instance.record),
    )


def _party(context: Context, request: RegistrationRequest) -> Party:
    return Party(context.enclave_origin, enclave_rp_id(context.enclave_origin), request.origin)
