"""Key stretching that keeps up with the device: more iterations after a month, never fewer.

Looked at when a passphrase has unlocked and its last calibration is over 30 days old.
Where the device is faster now, the same passphrase gets a new salt and more iterations
in the commit of the operation that it unlocked.
"""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.context import Context
from kms_enclave.unlock.master_secret import NewKek, make_passphrase_method
from kms_enclave.unlock.passphrase import calibrate_iterations
from kms_enclave.unlock.record import EnrollmentRecord

__all__ = ["RECALIBRATE_AFTER_MS", "Recalibration", "recalibrate"]

RECALIBRATE_AFTER_MS: Final = 30 * 24 * 3_600_000


@attrs.frozen
class Recalibration:
    """When it was made, in milliseconds, and the new KEK where there are more iterations."""

    calibrated_at: int
    new: NewKek | None


async def recalibrate(
    context: Context, record: EnrollmentRecord, *, passphrase: bytes
) -> Recalibration | None:
    """Return what a passphrase that has just unlocked should become, ``None`` for as it is."""
    now_ms = context.clock.now_ms()
    # A calibration from the future is that of a clock which was set right since.
    if record.kdf is None or 0 <= now_ms - record.kdf.calibrated_at <= RECALIBRATE_AFTER_MS:
        return None
    iterations = await calibrate_iterations(context.crypto, context.clock)
    if iterations <= record.kdf.iterations:
        return Recalibration(now_ms, None)
    new = await make_passphrase_method(
        context.crypto,
        passphrase=passphrase,
        iterations=iterations,
        via=record.via,
        now_ms=now_ms,
    )
    template = attrs.evolve(new.template, created_at=record.created_at)
    return Recalibration(now_ms, attrs.evolve(new, template=template))
