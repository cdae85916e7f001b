"""The first enrollment: a Master Secret, the audit keys' public side, a VAPID key.

What protects the Master Secret is made first; then everything lands in one commit:
enrollment, instance record with the Instance Audit Key's certificate, the first VAPID
key, the ``setup`` entry. A second setup is refused; it never replaces anything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import attrs

from kms_enclave.context import Context
from kms_enclave.encoding import format_base64url
from kms_enclave.enrollment.methods import ask_new_passphrase, choose_method, passphrase_method
from kms_enclave.enrollment.new_passkey import register_passkey
from kms_enclave.enrollment.recognition import make_recognition
from kms_enclave.enrollment.registration import RegistrationRequest, enrolling
from kms_enclave.errors import KMSError
from kms_enclave.keys.derivation import (
    derive_mkek,
    derive_user_audit_key,
    derive_user_audit_public_key,
)
from kms_enclave.keys.vapid import VapidKeyRecord, generate_vapid_key, write_vapid_key
from kms_enclave.log.entry import EntryDraft
from kms_enclave.log.instance import Instance, read_instance, read_instance_in
from kms_enclave.log.journal import Change
from kms_enclave.log.signing import UserSigner, certify_instance, user_draft
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.prompt import Dialog, PromptRequest, Recognition
from kms_enclave.unlock.master_secret import NewKek, OpenedEnrollment, enroll_new_secret
from kms_enclave.unlock.passphrase import normalize_new_passphrase
from kms_enclave.unlock.record import (
    METHODS_IN_WORDS,
    PASSPHRASE,
    Method,
    enrollment_id_for,
    list_enrollments,
    write_enrollment,
)
from kms_enclave.unlock.session import require_page_credentials

__all__ = ["SetUp", "setup_by_wizard", "setup_passkey", "setup_passphrase"]

_WORDS: Final = "Set up your key enclave"


@attrs.frozen
class SetUp:
    """What a setup made; ``recognition`` is what the user will know prompts by."""

    enrollment_id: str
    method: Method
    key: VapidKeyRecord
    recognition: Recognition


async def setup_passphrase(context: Context, *, passphrase: str | None, origin: str) -> SetUp:
    """Set the enclave up with a passphrase, the page's or one that the user types here.

    Raises KMSError ``request.invalid``, ``enrollment.exists``, ``unlock.cancelled``.
    """
    if passphrase is not None:
        # First what is wrong with the call itself, whatever the enclave's state.
        normalize_new_passphrase(passphrase, field="passphrase")
    await _require_not_set_up(context)
    if passphrase is not None:
        require_page_credentials(context.config, field="passphrase")
        return await _commit(context, await passphrase_method(context, passphrase, "page"), origin)
    words = PromptRequest(f"{_WORDS} with {METHODS_IN_WORDS[PASSPHRASE]}", origin, (PASSPHRASE,))
    async with _setup_dialog(context) as dialog:
        new = await ask_new_passphrase(context, dialog, words)
        return await _introduced(dialog, words, await _commit(context, new, origin))


async def setup_passkey(
    context: Context, *, method: Method, user_name: str, operation: bytes, origin: str
) -> SetUp:
    """Set the enclave up with a passkey that the user creates in the enclave's own dialog.

    Raises KMSError ``enrollment.exists``, and those of
    :func:`~kms_enclave.enrollment.new_passkey.register_passkey`.
    """
    await _require_not_set_up(context)
    words = f"{_WORDS} with {METHODS_IN_WORDS[method]}"
    request = RegistrationRequest(method, words, origin, operation, user_name)
    async with _setup_dialog(context) as dialog:
        new = await register_passkey(context, dialog, request)
        made = await _commit_new(context, new, origin)
        return await _introduced(dialog, PromptRequest(words, origin), made)


async def setup_by_wizard(context: Context, *, operation: bytes, origin: str) -> SetUp:
    """Set the enclave up by a method that the user picks."""
    await _require_not_set_up(context)
    async with _setup_dialog(context) as dialog:
        new = await choose_method(context, dialog, words=_WORDS, operation=operation, origin=origin)
        made = await _commit_new(context, new, origin)
        return await _introduced(dialog, PromptRequest(_WORDS, origin), made)


@asynccontextmanager
async def _setup_dialog(context: Context) -> AsyncIterator[Dialog]:
    async with context.prompt.dialog() as dialog:
        # Another setup may have been asked for before this one, and be done now.
        await _require_not_set_up(context)
        yield dialog


async def _introduced(dialog: Dialog, request: PromptRequest, made: SetUp) -> SetUp:
    """Show the user, once, what real prompts look like; the setup is done already."""
    await dialog.introduce(attrs.evolve(request, recognition=made.recognition, error=None))
    return made


async def _commit_new(context: Context, new: NewKek, origin: str) -> SetUp:
    async with enrolling(context, new):
        return await _commit(context, new, origin)


async def _commit(context: Context, new: NewKek, origin: str) -> SetUp:
    made: list[SetUp] = []

    async def plan(now_ms: int) -> Change:
        unit = UnitOfWork(context.storage)
        instance = await _require_not_set_up(context, unit)
        taken = await list_enrollments(context.storage)
        opened = await enroll_new_secret(
            context.crypto,
            new,
            enrollment_id=enrollment_id_for(new.method, taken=taken),
            instance_id=instance.record.instance_id,
        )
        mkek = await derive_mkek(context.crypto, opened.secret)
        key = await generate_vapid_key(
            context.crypto, mkek=mkek, instance_id=instance.record.instance_id, now_ms=now_ms
        )
        await write_enrollment(unit, opened.enrollment)
        await write_vapid_key(unit, key)
        recognition = make_recognition(context.crypto)
        await _log_setup(context, unit, instance, opened, key, recognition, origin)
        enrollment = opened.enrollment.record
        made[:] = [SetUp(enrollment.enrollment_id, enrollment.method, key, recognition)]
        return unit.change()

    await context.journal.commit(plan)
    return made[0]


async def _log_setup(
    context: Context,
    unit: UnitOfWork,
    instance: Instance,
    opened: OpenedEnrollment,
    key: VapidKeyRecord,
    recognition: Recognition,
    origin: str,
) -> None:
    crypto, enrollment = context.crypto, opened.enrollment.record
    signer = UserSigner(
        audit_key=await derive_user_audit_key(crypto, opened.secret),
        uak_public=format_base64url(await derive_user_audit_public_key(crypto, opened.secret)),
        unlock_time=context.clock.now_ms(),
        via=enrollment.via,
    )
    record = attrs.evolve(
        instance.record,
        uak_public=signer.uak_public,
        current_kid=key.kid,
        recognition_phrase=recognition.phrase,
        recognition_colour=recognition.colour,
    )
    record = await certify_instance(
        crypto, signer.audit_key, record, context.build, now_ms=record.created_at
    )
    await instance.write(unit, record)
    draft = EntryDraft(
        op="setup",
        request_id=crypto.random_uuid(),
        kid=key.kid,
        origin=origin,
        details={
            "auditPublicKey": signer.uak_public,
            "enrollmentId": enrollment.enrollment_id,
            "instanceCert": record.kiak_cert,
            "method": enrollment.method,
            "vapidPublicKey": key.public_key,
        },
    )
    unit.log(user_draft(signer, draft, lock_time=context.clock.now_ms()))


async def _require_not_set_up(context: Context, unit: UnitOfWork | None = None) -> Instance:
    instance = await (read_instance_in(unit) if unit else read_instance(context.storage))
    if instance.record.uak_public is not None:
        raise KMSError("enrollment.exists")
    return instance
