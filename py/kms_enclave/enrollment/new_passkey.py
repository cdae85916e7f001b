"""Enrolling a new passkey: created by the user, verified, its key encryption key made.

PRF is always asked for at creation. Some authenticators evaluate it only at an
assertion: then a second ceremony fetches the output. One that has no PRF at all can
still be a gate, if the operator allows gates and the user agrees, having been told
what that means. Asking for PRF never breaks a registration that works without.
"""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.config import Config
from kms_enclave.context import Context
from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.enrollment.registration import (
    RegistrationRequest,
    discarded_unless_done,
    does_not_verify,
    registration_options,
    verify_new_passkey,
)
from kms_enclave.errors import KMSError
from kms_enclave.log.instance import read_instance
from kms_enclave.ports.prompt import (
    AssertionAnswer,
    Ceremony,
    Dialog,
    PasskeyOption,
    PassphraseAnswer,
    PromptRequest,
    RegistrationAnswer,
    RegistrationOptions,
)
from kms_enclave.unlock.asking import recognition_of
from kms_enclave.unlock.assertion import enclave_party, verify_answer
from kms_enclave.unlock.master_secret import (
    PRF_OUTPUT_LENGTH,
    NewKek,
    make_gate_kek,
    make_prf_kek,
)
from kms_enclave.unlock.record import GATE, PRF, Method, PasskeyData
from kms_enclave.webauthn.challenge import (
    LateAnswerError,
    UnknownChallengeError,
    late_answer,
)
from kms_enclave.webauthn.verification import InvalidResponseError

__all__ = ["complete_registration", "register_passkey", "require_method_allowed"]

GATE_OFFER: Final = (
    "Your passkey works, but it cannot encrypt. This browser itself would keep the key to your "
    "data, and ask for your passkey before it uses it. Somebody who copies this browser's "
    "files could get in without your passkey. A passphrase, or another device or security key, "
    "protects you better. Go on with this passkey?"
)


async def register_passkey(
    context: Context, dialog: Dialog, request: RegistrationRequest
) -> NewKek:
    """Have the user create a passkey; return the KEK of the enrollment it makes.

    Raises KMSError ``unlock.cancelled``, ``unlock.denied`` for a response that does not
    verify, ``unsupported`` where neither PRF nor a gate is to be had.
    """
    require_method_allowed(context.config, request.method)
    options = await registration_options(context, request)
    prompt = await _prompt(context, request)
    while True:
        answer = await dialog.register(prompt, options)
        try:
            return await complete_registration(context, dialog, request, options, answer)
        except LateAnswerError:
            prompt = attrs.evolve(prompt, error=late_answer())


async def complete_registration(
    context: Context,
    dialog: Dialog,
    request: RegistrationRequest,
    options: RegistrationOptions,
    answer: RegistrationAnswer,
) -> NewKek:
    """Verify the new credential and make its KEK.

    Raises those of :func:`register_passkey`, and LateAnswerError. Then nothing is
    enrolled, and the browser is told to forget the passkey.
    """
    async with discarded_unless_done(
        context, rp_id=options.rp_id, credential_id=answer.credential_id
    ):
        passkey = verify_new_passkey(context, request, options, answer)
        return await _make_kek(context, dialog, request, options, answer, passkey)


async def _make_kek(
    context: Context,
    dialog: Dialog,
    request: RegistrationRequest,
    options: RegistrationOptions,
    answer: RegistrationAnswer,
    passkey: PasskeyData,
) -> NewKek:
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


def require_method_allowed(config: Config, method: Method) -> None:
    """Refuse a gate where the operator has removed it."""
    if method == GATE and not config.allow_gate:
        raise KMSError(
            "unsupported",
            "This enclave does not take passkey gates",
            details={"capability": "passkey-gate"},
        )


async def _evaluate_prf(
    context: Context,
    dialog: Dialog,
    request: RegistrationRequest,
    options: RegistrationOptions,
    passkey: PasskeyData,
) -> bytes | None:
    option = PasskeyOption(parse_base64url(passkey.credential_id), options.app_salt)
    ceremony = Ceremony(options.new_challenge, options.rp_id, (option,))
    prompt = attrs.evolve(await _prompt(context, request), methods=(PRF,))
    while True:
        answer = await dialog.authenticate(prompt, ceremony)
        try:
            return await _verified_output(context, request, passkey, answer)
        except LateAnswerError:
            prompt = attrs.evolve(prompt, error=late_answer())


async def _verified_output(
    context: Context,
    request: RegistrationRequest,
    passkey: PasskeyData,
    answer: PassphraseAnswer | AssertionAnswer,
) -> bytes | None:
    if isinstance(answer, PassphraseAnswer):
        raise does_not_verify("there is no assertion")
    try:
        context.challenges.redeem(answer.challenge, request.operation)
        await verify_answer(
            context.crypto,
            answer,
            passkey=passkey,
            expected_party=enclave_party(context),
        )
    except UnknownChallengeError:
        raise does_not_verify("the challenge is not of this ceremony") from None
    except InvalidResponseError as error:
        raise does_not_verify(str(error)) from None
    if format_base64url(answer.credential_id) != passkey.credential_id:
        raise does_not_verify("it is of another passkey")
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
