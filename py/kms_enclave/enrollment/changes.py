"""Adding, removing and changing enrollments: the same Master Secret throughout.

No sequence of these locks a user out: whatever was enrolled and not removed still
unlocks, and the last enrollment that must remain cannot be removed. Every change moves
the instance's record, so that two tabs cannot each remove what the other relies on.
"""

from __future__ import annotations

import attrs

from kms_enclave.errors import KMSError
from kms_enclave.ports.storage import Record
from kms_enclave.unlock.master_secret import NewKek, enroll_opened_secret
from kms_enclave.unlock.record import (
    PASSPHRASE,
    PASSPHRASE_ENROLLMENT,
    Enrollment,
    enrollment_address,
    enrollment_id_for,
    has_form,
    list_enrollments,
    parse_enrollment,
    readable_enrollments,
    write_enrollment,
)
from kms_enclave.unlock.session import Session
from kms_enclave.unlock.throttle import passphrase_counts

__all__ = ["add_enrollment", "change_passphrase", "remove_enrollment"]


async def add_enrollment(session: Session, new: NewKek) -> str:
    """Enroll another method; return its id. Raises KMSError ``enrollment.exists``."""
    taken = await list_enrollments(session.context.storage)
    enrollment_id = enrollment_id_for(new.method, taken=taken)
    await _store(session, new, enrollment_id)
    session.log("enrollment.add", details={"enrollmentId": enrollment_id, "method": new.method})
    return enrollment_id


async def change_passphrase(session: Session, new: NewKek) -> None:
    """Replace the passphrase. Raises KMSError ``enrollment.not.found`` where there is none."""
    stored = await session.unit.read(enrollment_address(PASSPHRASE_ENROLLMENT))
    if stored is None:
        raise _not_found(PASSPHRASE_ENROLLMENT)
    await _store(session, _later(new, stored), PASSPHRASE_ENROLLMENT)
    session.log(
        "enrollment.change",
        details={"enrollmentId": PASSPHRASE_ENROLLMENT, "method": PASSPHRASE},
    )


async def remove_enrollment(session: Session, enrollment_id: str) -> None:
    """Remove an enrollment. Raises KMSError ``enrollment.not.found`` or ``enrollment.last``."""
    address = enrollment_address(enrollment_id)
    if await session.unit.read(address) is None:
        raise _not_found(enrollment_id)
    await session.unit.delete(address)
    if not await _can_unlock(session):
        raise KMSError("enrollment.last", details={"enrollmentId": enrollment_id})
    await session.change_instance(session.instance.record)
    session.log("enrollment.remove", details={"enrollmentId": enrollment_id})


async def _can_unlock(session: Session) -> bool:
    """Tell whether one that must remain does, earlier steps of a batch considered."""
    allow_gate = session.context.config.allow_gate
    for enrollment in await readable_enrollments(session.context.storage):
        address = enrollment_address(enrollment.record.enrollment_id)
        unlocks = enrollment.record.unlocks_here(allow_gate=allow_gate)
        if unlocks and has_form(enrollment.record) and await session.unit.read(address) is not None:
            return True
    return False


async def _store(session: Session, new: NewKek, enrollment_id: str) -> None:
    enrollment: Enrollment = await enroll_opened_secret(
        session.context.crypto,
        session.opened,
        new,
        enrollment_id=enrollment_id,
        instance_id=session.instance.record.instance_id,
    )
    await write_enrollment(session.unit, enrollment)
    if new.method == PASSPHRASE:
        # They were guesses at another one: who replaces what they forgot need not wait for it.
        for address in passphrase_counts(origin=session.origin):
            await session.unit.delete(address)
    await session.change_instance(session.instance.record)


def _later(new: NewKek, replaced: Record) -> NewKek:
    """Return it as created after what it replaces, which tells a change from a recalibration."""
    try:
        earlier = parse_enrollment(replaced, expected_id=PASSPHRASE_ENROLLMENT).record.created_at
    except KMSError:
        return new  # Damage, which opened nothing.
    created_at = max(new.template.created_at, earlier + 1)
    return attrs.evolve(new, template=attrs.evolve(new.template, created_at=created_at))


def _not_found(enrollment_id: str) -> KMSError:
    return KMSError("enrollment.not.found", details={"enrollmentId": enrollment_id})
