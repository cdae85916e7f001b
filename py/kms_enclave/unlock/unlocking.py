"""From credentials to the Master Secret's handle, for one operation.

The handle can derive and nothing else, and the Master Secret must be the one this
instance was set up with: its User Audit Key must have the stored public key. A gate
has no secret of its own; its key is used only after this worker has verified an
assertion against a challenge that it made for this one operation.

Does not protect from script on this origin while the operation runs.
"""

from __future__ import annotations

import attrs

from kms_enclave.context import Context
from kms_enclave.encoding import format_base64url
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.keys.derivation import derive_user_audit_public_key
from kms_enclave.log.instance import InstanceRecord
from kms_enclave.ports.crypto import DecryptionError, WrappingKey
from kms_enclave.ports.prompt import AssertionAnswer
from kms_enclave.unlock.assertion import enclave_party, verify_answer
from kms_enclave.unlock.credentials import (
    AssertionCredentials,
    Credentials,
    PassphraseCredentials,
    PrfCredentials,
)
from kms_enclave.unlock.master_secret import (
    PRF_OUTPUT_LENGTH,
    OpenedEnrollment,
    derive_prf_kek,
    open_secret,
)
from kms_enclave.unlock.passphrase import normalize_passphrase, open_passphrase_kek
from kms_enclave.unlock.recalibration import Recalibration, recalibrate
from kms_enclave.unlock.record import (
    GATE,
    PASSPHRASE_ENROLLMENT,
    PRF,
    Enrollment,
    PasskeyData,
    Via,
    read_enrollment,
    readable_enrollments,
)
from kms_enclave.webauthn.challenge import UnknownChallengeError
from kms_enclave.webauthn.verification import InvalidResponseError

__all__ = ["Unlocked", "WrongCredentialsError", "unlock", "verify_form"]


class WrongCredentialsError(Exception):
    """The credentials are well-formed and wrong; the caller records the attempt."""


@attrs.frozen
class Unlocked:
    """An opened enrollment. ``sign_count`` is the authenticator's new counter.

    ``recalibration`` is what a passphrase's key stretching should become.
    """

    opened: OpenedEnrollment
    via: Via
    sign_count: int | None = None
    recalibration: Recalibration | None = None


def verify_form(credentials: Credentials) -> None:
    """Refuse what no enrollment can have, before it counts as an attempt.

    Raises KMSError ``unlock.denied`` for a passphrase (a wrong one, whatever its length), else
    ``request.invalid``.
    """
    if isinstance(credentials, PassphraseCredentials):
        try:
            normalize_passphrase(credentials.passphrase, field="credentials.passphrase")
        except KMSError:
            raise KMSError("unlock.denied", "Invalid passphrase") from None
    if isinstance(credentials, PrfCredentials) and (
        len(credentials.prf_output) != PRF_OUTPUT_LENGTH
    ):
        raise request_invalid("credentials.prfOutput", f"must be {PRF_OUTPUT_LENGTH} bytes")


async def unlock(
    context: Context, *, credentials: Credentials, instance: InstanceRecord
) -> Unlocked:
    """Open the Master Secret for one operation.

    Raises WrongCredentialsError, LateAnswerError, or KMSError ``enrollment.not.found``
    or ``enrollment.damaged``. :func:`verify_form` has passed the credentials.
    """
    if isinstance(credentials, PassphraseCredentials):
        return await _unlock_passphrase(context, credentials, instance)
    if isinstance(credentials, PrfCredentials):
        return await _unlock_page_prf(context, credentials, instance)
    return await _unlock_assertion(context, credentials, instance)


async def _unlock_passphrase(
    context: Context, credentials: PassphraseCredentials, instance: InstanceRecord
) -> Unlocked:
    passphrase = normalize_passphrase(credentials.passphrase, field="credentials.passphrase")
    enrollment = await read_enrollment(context.storage, PASSPHRASE_ENROLLMENT)
    kdf = enrollment.record.kdf
    try:
        kek = (
            await open_passphrase_kek(context.crypto, passphrase=passphrase, kdf=kdf)
            if kdf is not None
            else None
        )
    except ValueError:
        raise _damaged(enrollment) from None
    if kek is None:
        raise WrongCredentialsError
    opened = await _open(context, enrollment, kek, instance)
    renewal = await recalibrate(context, enrollment.record, passphrase=passphrase)
    return Unlocked(opened, credentials.via, recalibration=renewal)


async def _unlock_page_prf(
    context: Context, credentials: PrfCredentials, instance: InstanceRecord
) -> Unlocked:
    found = False
    for enrollment in await readable_enrollments(context.storage):
        passkey = enrollment.record.passkey
        if enrollment.record.method != PRF or passkey is None or not passkey.page_only:
            continue
        found = True
        try:
            kek = await derive_prf_kek(
                context.crypto, prf_output=credentials.prf_output, passkey=passkey
            )
            opened = await open_secret(
                context.crypto, enrollment, kek, instance_id=instance.instance_id
            )
        except (DecryptionError, ValueError):
            continue  # Another passkey's output, or damage: neither can be told apart.
        return Unlocked(await _verify_secret(context, opened, instance), "page")
    if not found:
        raise KMSError("enrollment.not.found", "No passkey of a page is enrolled")
    raise WrongCredentialsError


async def _unlock_assertion(
    context: Context, credentials: AssertionCredentials, instance: InstanceRecord
) -> Unlocked:
    answer = credentials.answer
    try:
        context.challenges.redeem(answer.challenge, credentials.operation)
    except UnknownChallengeError:
        raise WrongCredentialsError from None
    enrollment = await _find_passkey(context, answer)
    passkey = enrollment.record.passkey
    if passkey is None:
        raise WrongCredentialsError
    sign_count = await _verify_assertion(context, credentials, enrollment, passkey)
    if enrollment.record.method == GATE and not context.config.allow_gate:
        raise WrongCredentialsError  # The operator has removed gates since.
    if enrollment.record.method == GATE:
        kek = enrollment.gate_key
    else:
        kek = await _prf_kek(context, answer, enrollment, passkey)
    if kek is None:
        raise _damaged(enrollment)
    opened = await _open(context, enrollment, kek, instance)
    return Unlocked(opened, "enclave", sign_count)


async def _find_passkey(context: Context, answer: AssertionAnswer) -> Enrollment:
    for enrollment in await readable_enrollments(context.storage):
        passkey = enrollment.record.passkey
        if passkey is None or passkey.page_only:
            continue
        if passkey.credential_id == format_base64url(answer.credential_id):
            return enrollment
    raise WrongCredentialsError


async def _verify_assertion(
    context: Context,
    credentials: AssertionCredentials,
    enrollment: Enrollment,
    passkey: PasskeyData,
) -> int:
    try:
        return await verify_answer(
            context.crypto,
            credentials.answer,
            passkey=passkey,
            expected_party=enclave_party(context),
        )
    except InvalidResponseError:
        raise WrongCredentialsError from None
    except ValueError:
        raise _damaged(enrollment) from None


async def _prf_kek(
    context: Context, answer: AssertionAnswer, enrollment: Enrollment, passkey: PasskeyData
) -> WrappingKey:
    if passkey.app_salt is None:
        raise _damaged(enrollment)  # Nothing was evaluated: there was no input.
    if answer.prf_output is None or len(answer.prf_output) != PRF_OUTPUT_LENGTH:
        raise WrongCredentialsError
    try:
        return await derive_prf_kek(context.crypto, prf_output=answer.prf_output, passkey=passkey)
    except ValueError:
        raise _damaged(enrollment) from None


async def _open(
    context: Context, enrollment: Enrollment, kek: WrappingKey, instance: InstanceRecord
) -> OpenedEnrollment:
    try:
        opened = await open_secret(
            context.crypto, enrollment, kek, instance_id=instance.instance_id
        )
    except (DecryptionError, ValueError):
        raise _damaged(enrollment) from None
    return await _verify_secret(context, opened, instance)


async def _verify_secret(
    context: Context, opened: OpenedEnrollment, instance: InstanceRecord
) -> OpenedEnrollment:
    public = format_base64url(await derive_user_audit_public_key(context.crypto, opened.secret))
    if public != instance.uak_public:
        raise _damaged(opened.enrollment)
    return opened


def _damaged(enrollment: Enrollment) -> KMSError:
    return KMSError("enrollment.damaged", details={"enrollmentId": enrollment.record.enrollment_id})
