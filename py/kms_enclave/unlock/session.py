"""One authenticated operation: ask who may, act, commit, forget.

The user proves presence once; then the steps run inside the journal, as often as a
conflict makes them run, and everything they write lands in one commit with entries
signed by the User Audit Key. With credentials in the call (where the operator allows
that) there is one attempt; without, the enclave's own dialog asks, stays open after
wrong credentials and closes at the end. Every denied attempt is an entry of the log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import attrs

from kms_enclave.config import Config
from kms_enclave.context import Context
from kms_enclave.encoding import format_base64url
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.keys.derivation import derive_user_audit_key, derive_user_audit_public_key
from kms_enclave.log.entry import EntryDraft
from kms_enclave.log.instance import (
    Instance,
    InstanceRecord,
    read_instance,
    read_instance_in,
)
from kms_enclave.log.journal import Change
from kms_enclave.log.signing import UserSigner, certify_instance, instance_draft, user_draft
from kms_enclave.log.skew import is_behind
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.crypto import AuditSigningKey, MasterSecret
from kms_enclave.ports.prompt import Dialog
from kms_enclave.unlock.asking import ask_to_unlock
from kms_enclave.unlock.credentials import (
    AssertionCredentials,
    Credentials,
    GateRequested,
    PassphraseCredentials,
    PrfCredentials,
)
from kms_enclave.unlock.master_secret import OpenedEnrollment, enroll_opened_secret
from kms_enclave.unlock.record import (
    Enrollment,
    EnrollmentRecord,
    Via,
    enrollment_address,
    parse_enrollment,
    write_enrollment,
)
from kms_enclave.unlock.throttle import (
    clear_attempts,
    count_attempt,
    counted_at,
    take_back_attempt,
)
from kms_enclave.unlock.unlocking import Unlocked, WrongCredentialsError, unlock, verify_form
from kms_enclave.webauthn.challenge import LateAnswerError, late_answer

__all__ = [
    "AuthorisationRequest",
    "Session",
    "Steps",
    "authenticated",
    "commit_steps",
    "require_page_credentials",
    "unlocked_for",
    "user_signer",
]

T = TypeVar("T")


@attrs.frozen
class AuthorisationRequest:
    """What is to be authorised, and what the page passed for it.

    ``words`` is shown to the user; ``operation`` is the hash of method, parameters and
    origin, which a challenge is bound to.
    """

    origin: str
    words: str
    operation: bytes
    given: Credentials | GateRequested | None = attrs.field(repr=False)


@attrs.define
class Session:
    """What the steps of an authenticated operation work with."""

    context: Context
    unit: UnitOfWork
    origin: str
    now_ms: int
    opened: OpenedEnrollment
    signer: UserSigner
    instance: Instance

    @property
    def secret(self) -> MasterSecret:
        """The Master Secret's handle; it must not be kept."""
        return self.opened.secret

    @property
    def audit_key(self) -> AuditSigningKey:
        """The User Audit Key."""
        return self.signer.audit_key

    async def change_instance(self, record: InstanceRecord) -> None:
        """Replace the instance's record."""
        await self.instance.write(self.unit, record)
        self.instance = attrs.evolve(self.instance, record=record)

    def log(
        self,
        op: str,
        *,
        details: Mapping[str, object],
        kid: str = "",
        user_id: str | None = None,
        lease_id: str | None = None,
    ) -> None:
        """Add an entry that the user authenticated."""
        draft = EntryDraft(
            op=op,
            request_id=self.context.crypto.random_uuid(),
            kid=kid,
            origin=self.origin,
            user_id=user_id,
            lease_id=lease_id,
            details=details,
        )
        lock_time = self.context.clock.now_ms()
        self.unit.log(user_draft(self.signer, draft, lock_time=lock_time))


Steps = Callable[[Session], Awaitable[T]]


async def authenticated(
    context: Context, authorisation: AuthorisationRequest, steps: Steps[T]
) -> T:
    """Authenticate the user and commit what ``steps`` do; return what they return.

    Raises KMSError ``setup.required``, ``unlock.denied``, ``unlock.cancelled``,
    ``unlock.throttled``, ``enrollment.*``, ``request.invalid``, and what steps raise.
    """
    async with unlocked_for(context, authorisation) as (unlocked, _):
        return await commit_steps(context, authorisation, unlocked, steps)


@asynccontextmanager
async def unlocked_for(
    context: Context, authorisation: AuthorisationRequest
) -> AsyncIterator[tuple[Unlocked, Dialog | None]]:
    """Authenticate the user for what the block does; the dialog closes at its end.

    The dialog, where one was needed, is there for further questions.
    """
    instance = await read_instance(context.storage)
    if instance.record.uak_public is None:
        raise KMSError("setup.required")
    given = authorisation.given
    if given is None or isinstance(given, GateRequested):
        async with context.prompt.dialog() as dialog:
            yield await _ask_until_unlocked(context, dialog, authorisation, instance), dialog
        return
    require_page_credentials(context.config, field="credentials")
    try:
        unlocked = await _attempt(context, authorisation, given, instance)
    except WrongCredentialsError:
        raise KMSError("unlock.denied", _denial(given)) from None
    yield unlocked, None


async def user_signer(context: Context, unlocked: Unlocked) -> UserSigner:
    """Return the User Audit Key of an unlocked operation."""
    secret = unlocked.opened.secret
    public = await derive_user_audit_public_key(context.crypto, secret)
    return UserSigner(
        audit_key=await derive_user_audit_key(context.crypto, secret),
        uak_public=format_base64url(public),
        unlock_time=context.clock.now_ms(),
        via=unlocked.via,
    )


def require_page_credentials(config: Config, *, field: str) -> None:
    """Refuse credentials in a call where the operator has not allowed them."""
    if not config.allow_page_credentials:
        raise request_invalid(field, "this enclave does not take credentials from a page")


async def commit_steps(
    context: Context, authorisation: AuthorisationRequest, unlocked: Unlocked, steps: Steps[T]
) -> T:
    """Commit what ``steps`` do for an unlocked operation; return what they return."""
    signer = await user_signer(context, unlocked)
    results: list[T] = []

    async def plan(now_ms: int) -> Change:
        unit = UnitOfWork(context.storage)
        instance = await read_instance_in(unit)
        if instance.record.uak_public != signer.uak_public:
            raise _reset_meanwhile()
        clock_ms = context.clock.now_ms()
        adjusts = is_behind(clock_ms=clock_ms, now_ms=now_ms)
        session = Session(
            context,
            unit,
            authorisation.origin,
            clock_ms if adjusts else now_ms,
            unlocked.opened,
            signer,
            instance,
        )
        current = await _verify_still_enrolled(session, unlocked)
        if adjusts:
            session.log("clock.adjust", details={"from": now_ms})
        await _renew_certificate(session)
        if adjusts:
            await context.on_clock_adjusted(
                context, unit, session.instance, last_ms=now_ms, now_ms=clock_ms
            )
        await _recalibrate(session, unlocked, current)
        results[:] = [await steps(session)]
        return unit.change(adjusts_clock_to_ms=clock_ms if adjusts else None)

    await context.journal.commit(plan)
    return results[0]


async def _verify_still_enrolled(session: Session, unlocked: Unlocked) -> EnrollmentRecord:
    """Refuse what was removed or changed meanwhile; keep the passkey's counter.

    Returns what is enrolled now: the same passphrase may have been recalibrated meanwhile.
    """
    record = unlocked.opened.enrollment.record
    stored = await session.unit.read(enrollment_address(record.enrollment_id))
    current = parse_enrollment(stored, expected_id=record.enrollment_id) if stored else None
    if current is None or not current.record.is_same_secret(record):
        raise KMSError("unlock.denied", "What unlocked was removed or changed meanwhile")
    passkey = current.record.passkey
    if passkey is not None and (unlocked.sign_count or 0) > passkey.sign_count:
        counted = attrs.evolve(passkey, sign_count=unlocked.sign_count or 0)
        record = attrs.evolve(current.record, passkey=counted)
        await write_enrollment(session.unit, attrs.evolve(current, record=record))
    return current.record


async def _recalibrate(session: Session, unlocked: Unlocked, current: EnrollmentRecord) -> None:
    due, record = unlocked.recalibration, unlocked.opened.enrollment.record
    if due is None or record.kdf is None or current != record:
        return  # Not due, or somebody else has done it.
    if due.new is None:
        kdf = attrs.evolve(record.kdf, calibrated_at=due.calibrated_at)
        await write_enrollment(session.unit, Enrollment(attrs.evolve(record, kdf=kdf)))
        return
    enrollment = await enroll_opened_secret(
        session.context.crypto,
        session.opened,
        due.new,
        enrollment_id=record.enrollment_id,
        instance_id=session.instance.record.instance_id,
    )
    await write_enrollment(session.unit, enrollment)
    session.log(
        "enrollment.change",
        details={
            "enrollmentId": record.enrollment_id,
            "method": record.method,
            "reason": "recalibrated",
        },
    )


async def _renew_certificate(session: Session) -> None:
    record = session.instance.record
    renewed = await certify_instance(
        session.context.crypto,
        session.audit_key,
        record,
        session.context.build,
        now_ms=session.now_ms,
    )
    if renewed is not record:
        await session.change_instance(renewed)


async def _ask_until_unlocked(
    context: Context, dialog: Dialog, authorisation: AuthorisationRequest, instance: Instance
) -> Unlocked:
    error: KMSError | None = None
    while True:
        credentials = await ask_to_unlock(
            context,
            dialog,
            instance.record,
            words=authorisation.words,
            origin=authorisation.origin,
            operation=authorisation.operation,
            gate_only=isinstance(authorisation.given, GateRequested),
            error=error,
        )
        current = await read_instance(context.storage)
        if current.record.instance_id != instance.record.instance_id:
            raise _reset_meanwhile()
        try:
            return await _attempt(context, authorisation, credentials, instance)
        except WrongCredentialsError:
            error = KMSError("unlock.denied", _denial(credentials))
        except LateAnswerError:
            error = late_answer()
        except KMSError as refusal:
            if refusal.code not in ("request.invalid", "unlock.denied", "unlock.throttled"):
                raise
            error = refusal


async def _attempt(
    context: Context,
    authorisation: AuthorisationRequest,
    credentials: Credentials,
    instance: Instance,
) -> Unlocked:
    verify_form(credentials)
    counted = counted_at(credentials, origin=authorisation.origin)
    # One at a time: calls with right credentials in parallel are not guesses.
    async with context.unlocking:
        attempt = (
            await count_attempt(context.storage, context.clock, counted)
            if counted is not None
            else None
        )
        try:
            unlocked = await unlock(context, credentials=credentials, instance=instance.record)
        except WrongCredentialsError:
            # Counted for good, whether or not it can be logged.
            await _record_denial(context, authorisation.origin, credentials)
            raise
        except KMSError:
            if attempt is not None:
                await take_back_attempt(context.storage, attempt)  # Damage is no guess.
            raise
        if counted is not None:
            await clear_attempts(context.storage, counted)
        return unlocked


def _reset_meanwhile() -> KMSError:
    return KMSError("unlock.denied", "The enclave was reset meanwhile")


def _denial(credentials: Credentials) -> str:
    if isinstance(credentials, PassphraseCredentials):
        return "Invalid passphrase"
    if isinstance(credentials, PrfCredentials):
        return "Decryption failed"
    return "The passkey's answer is not valid"


def _via(credentials: Credentials) -> Via:
    if isinstance(credentials, PassphraseCredentials):
        return credentials.via
    return "enclave" if isinstance(credentials, AssertionCredentials) else "page"


async def _record_denial(context: Context, origin: str, credentials: Credentials) -> None:
    method = "passphrase" if isinstance(credentials, PassphraseCredentials) else "passkey"
    draft = EntryDraft(
        op="unlock.denied",
        request_id=context.crypto.random_uuid(),
        origin=origin,
        details={"method": method, "via": _via(credentials)},
    )

    async def plan(_: int) -> Change:
        # Another tab may have begun a new instance while the keys were derived.
        instance = await read_instance(context.storage)
        return Change(drafts=[instance_draft(instance, draft)])

    await context.journal.commit(plan)
