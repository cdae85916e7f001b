"""What the user chooses for an enrollment, as the key encryption key it gives."""

from __future__ import annotations

import attrs

from kms_enclave.context import Context
from kms_enclave.enrollment.new_passkey import complete_registration
from kms_enclave.enrollment.registration import RegistrationRequest, registration_options
from kms_enclave.errors import KMSError
from kms_enclave.ports.prompt import Dialog, PassphraseAnswer, PromptRequest
from kms_enclave.unlock.master_secret import NewKek, make_passphrase_method
from kms_enclave.unlock.passphrase import calibrate_iterations, normalize_new_passphrase
from kms_enclave.unlock.record import PASSPHRASE, PRF, Via
from kms_enclave.webauthn.challenge import LateAnswerError, late_answer

__all__ = ["ask_new_passphrase", "choose_method", "passphrase_method"]

_USER_NAME = "Key enclave"


async def passphrase_method(
    context: Context, passphrase: str, via: Via, *, field: str = "passphrase"
) -> NewKek:
    """Return the KEK of a new passphrase. Raises KMSError ``request.invalid``."""
    normalized = normalize_new_passphrase(passphrase, field=field)
    iterations = await calibrate_iterations(context.crypto, context.clock)
    return await make_passphrase_method(
        context.crypto,
        passphrase=normalized,
        iterations=iterations,
        via=via,
        now_ms=context.clock.now_ms(),
    )


async def ask_new_passphrase(context: Context, dialog: Dialog, request: PromptRequest) -> NewKek:
    """Have the user choose a passphrase in the enclave's dialog, until it is one that holds."""
    while True:
        answer = await dialog.choose_passphrase(request)
        try:
            return await passphrase_method(context, answer.passphrase, "enclave")
        except KMSError as refusal:
            if refusal.code != "request.invalid":
                raise
            request = _again(request, refusal)


async def choose_method(
    context: Context, dialog: Dialog, *, words: str, operation: bytes, origin: str
) -> NewKek:
    """Show the wizard; the user picks a passphrase or a passkey. The dialog stays open."""
    wanted = RegistrationRequest(PRF, words, origin, operation, _USER_NAME)
    request = PromptRequest(words, origin, (PASSPHRASE, PRF))
    options = await registration_options(context, wanted)
    while True:
        answer = await dialog.set_up(request, options)
        try:
            if isinstance(answer, PassphraseAnswer):
                return await passphrase_method(context, answer.passphrase, "enclave")
            return await complete_registration(context, dialog, wanted, options, answer)
        except LateAnswerError:
            request = _again(request, late_answer())
        except KMSError as refusal:
            if refusal.code not in ("request.invalid", "unlock.denied"):
                raise
            request = _again(request, refusal)


def _again(request: PromptRequest, refusal: KMSError) -> PromptRequest:
    return attrs.evolve(request, error=refusal)
