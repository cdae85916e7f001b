"""Push subscriptions under a lease: the page keeps them current while no user is there."""

from __future__ import annotations

from kms_enclave.context import Context
from kms_enclave.leases.book import lease_book_address, parse_book
from kms_enclave.leases.lease import LeaseRecord, read_lease_in, verify_live_lease
from kms_enclave.leases.patterns import read_patterns_in
from kms_enclave.leases.standing import verify_standing
from kms_enclave.log.entry import EntryDraft
from kms_enclave.log.instance import read_instance_in
from kms_enclave.log.journal import Change
from kms_enclave.log.signing import instance_draft
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.push.subscription import (
    PushSubscription,
    delete_subscription,
    subscription_details,
    verify_subscription,
    write_subscription,
)

__all__ = ["remove_subscription_under_lease", "set_subscription_under_lease"]


async def set_subscription_under_lease(
    context: Context, subscription: PushSubscription, *, lease_id: str, origin: str
) -> None:
    """Store this origin's subscription of the lease's key.

    Raises FieldError, and KMSError as issuing under the lease would.
    """
    endpoint_origin = verify_subscription(subscription, config=context.config)

    async def plan(now_ms: int) -> Change:
        unit = UnitOfWork(context.storage)
        lease = await _usable_lease(context, unit, lease_id, origin, now_ms)
        await write_subscription(unit, subscription, kid=lease.kid, origin=origin)
        await _log(context, unit, "subscription.set", lease, endpoint_origin)
        return unit.change()

    await context.journal.commit(plan)


async def remove_subscription_under_lease(context: Context, *, lease_id: str, origin: str) -> None:
    """Delete this origin's subscription of the lease's key; none is no error."""

    async def plan(now_ms: int) -> Change:
        unit = UnitOfWork(context.storage)
        lease = await _usable_lease(context, unit, lease_id, origin, now_ms)
        if await delete_subscription(unit, kid=lease.kid, origin=origin):
            await _log(context, unit, "subscription.remove", lease, None)
        return unit.change()

    await context.journal.commit(plan)


async def _usable_lease(
    context: Context, unit: UnitOfWork, lease_id: str, origin: str, now_ms: int
) -> LeaseRecord:
    lease = await read_lease_in(unit, lease_id)
    standing = parse_book(await unit.read(lease_book_address(lease_id))).standing
    patterns = await read_patterns_in(unit, origin)
    suspended = patterns.match(lease.record.user_id)
    live = verify_live_lease(lease, expected_origin=origin, now_ms=now_ms, suspended=suspended)
    verify_standing(standing, now_ms=now_ms, clock_ms=context.clock.now_ms())
    return live.record


async def _log(
    context: Context,
    unit: UnitOfWork,
    op: str,
    lease: LeaseRecord,
    endpoint_origin: str | None,
) -> None:
    draft = EntryDraft(
        op=op,
        request_id=context.crypto.random_uuid(),
        kid=lease.kid,
        user_id=lease.user_id,
        origin=lease.origin,
        lease_id=lease.lease_id,
        details=subscription_details(endpoint_origin) if endpoint_origin else {},
    )
    unit.log(instance_draft(await read_instance_in(unit), draft))
