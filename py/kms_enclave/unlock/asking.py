"""Asking the user to unlock: which methods can answer, and for which operation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kms_enclave.context import Context
from kms_enclave.encoding import parse_base64url
from kms_enclave.errors import KMSError
from kms_enclave.log.instance import InstanceRecord
from kms_enclave.ports.prompt import (
    Ceremony,
    Dialog,
    PasskeyOption,
    PassphraseAnswer,
    PromptRequest,
    Recognition,
)
from kms_enclave.unlock.assertion import enclave_rp_id
from kms_enclave.unlock.credentials import (
    AssertionCredentials,
    Credentials,
    PassphraseCredentials,
)
from kms_enclave.unlock.record import (
    GATE,
    PRF_SALT_LENGTH,
    Enrollment,
    is_credential_id,
    list_enrollments,
    readable_enrollments,
)

__all__ = ["ask_to_unlock", "recognition_of"]


async def ask_to_unlock(
    context: Context,
    dialog: Dialog,
    instance: InstanceRecord,
    *,
    words: str,
    origin: str,
    operation: bytes,
    gate_only: bool,
    error: KMSError | None,
) -> Credentials:
    """Show the dialog and return what the user answered.

    Raises KMSError ``unlock.cancelled``; ``enrollment.damaged`` or ``enrollment.not.found``
    where nothing that is enrolled can be asked for here.
    """
    enrollments = await _askable(context, gate_only=gate_only)
    passkeys = tuple(option for one in enrollments if (option := _option(one)) is not None)
    methods = tuple(dict.fromkeys(enrollment.record.method for enrollment in enrollments))
    ceremony = None
    if passkeys:
        new_challenge = partial(context.challenges.issue, operation)
        ceremony = Ceremony(new_challenge, enclave_rp_id(context.enclave_origin), passkeys)
    request = PromptRequest(words, origin, methods, error, recognition_of(instance))
    answer = await dialog.authenticate(request, ceremony)
    if isinstance(answer, PassphraseAnswer):
        return PassphraseCredentials(answer.passphrase, "enclave")
    return AssertionCredentials(answer, operation)


async def _askable(context: Context, *, gate_only: bool) -> Sequence[Enrollment]:
    readable = {
        enrollment.record.enrollment_id: enrollment
        for enrollment in await readable_enrollments(context.storage)
        if enrollment.record.passkey is None or _option(enrollment) is not None
    }
    askable = [
        enrollment
        for enrollment in readable.values()
        if enrollment.record.unlocks_here(allow_gate=context.config.allow_gate)
        and (not gate_only or enrollment.record.method == GATE)
    ]
    if askable:
        return askable
    for name in await list_enrollments(context.storage):
        if name not in readable and (not gate_only or name.startswith(f"enrollment:{GATE}:")):
            raise KMSError("enrollment.damaged", details={"enrollmentId": name})
    raise KMSError("enrollment.not.found", "Nothing is enrolled that could be asked for")


def recognition_of(instance: InstanceRecord) -> Recognition | None:
    """Return what the user recognises a prompt by, if it was chosen."""
    if instance.recognition_phrase is None or instance.recognition_colour is None:
        return None
    return Recognition(instance.recognition_phrase, instance.recognition_colour)


def _option(enrollment: Enrollment) -> PasskeyOption | None:
    passkey = enrollment.record.passkey
    if passkey is None:
        return None
    try:
        salt = parse_base64url(passkey.app_salt) if passkey.app_salt else None
        credential_id = parse_base64url(passkey.credential_id)
    except ValueError:
        return None  # A damaged record must not keep the others from unlocking.
    # Nor may one that the frame or the browser would not take for a question.
    if not is_credential_id(credential_id) or len(salt or b"") > PRF_SALT_LENGTH:
        return None
    return PasskeyOption(credential_id, salt)
