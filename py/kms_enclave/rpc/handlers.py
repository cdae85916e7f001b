"""The methods: each takes its contract's parameters and returns its result as JSON.

Only translation happens here; decisions are made by the modules that it calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Never, cast

from kms_enclave.audit.retention import delete_pruned
from kms_enclave.boot.reset import RESET_WORDS, reset_instance
from kms_enclave.context import Context
from kms_enclave.enrollment.addition import (
    add_by_user,
    change_passphrase_by_user,
)
from kms_enclave.enrollment.setup import (
    SetUp,
    setup_by_wizard,
    setup_passkey,
    setup_passphrase,
)
from kms_enclave.errors import request_invalid
from kms_enclave.issuing.issuance import Issuer
from kms_enclave.issuing.ledger import Ledger
from kms_enclave.push.leased_subscription import (
    remove_subscription_under_lease,
    set_subscription_under_lease,
)
from kms_enclave.rpc import contract
from kms_enclave.rpc.audit import make_audit_queries
from kms_enclave.rpc.batch import run_batch
from kms_enclave.rpc.dispatch import Handler
from kms_enclave.rpc.leases import make_lease_handlers
from kms_enclave.rpc.new_credentials import to_addition
from kms_enclave.rpc.queries import make_queries
from kms_enclave.rpc.steps import STEPS
from kms_enclave.rpc.translate import (
    Authenticated,
    authorisation,
    hash_of,
    to_subscription,
)
from kms_enclave.structure import unstructure
from kms_enclave.unlock.assertion import enclave_rp_id
from kms_enclave.unlock.record import GATE, METHODS_IN_WORDS, PRF, Method
from kms_enclave.unlock.session import authenticated

__all__ = ["make_handlers"]

Wire = Mapping[str, object]


def make_handlers(context: Context, issuer: Issuer, ledger: Ledger) -> Mapping[str, Handler]:
    """Return the handler of every method of the contract."""
    return {
        **make_queries(context),
        **make_audit_queries(context),
        **make_lease_handlers(context, issuer, ledger),
        **{name: partial(_run_step, context, name) for name in STEPS},
        "pruneAudit": partial(_prune_audit, context),
        "setPushSubscription": partial(_set_subscription, context),
        "removePushSubscription": partial(_remove_subscription, context),
        "batch": partial(run_batch, context),
        "setupPassphrase": partial(_setup_passphrase, context),
        "setupPasskeyPRF": partial(_setup_passkey, context, PRF),
        "setupPasskeyGate": partial(_setup_passkey, context, GATE),
        "setup": partial(_setup, context),
        "addEnrollment": partial(_add_enrollment, context),
        "changePassphrase": partial(_change_passphrase, context),
        "resetKMS": partial(_reset, context),
    }


async def _run_step(context: Context, name: str, params: Authenticated, origin: str) -> Wire:
    step = STEPS[name](context, cast(Never, params))
    return await authenticated(context, authorisation(name, params, origin, step.words), step.run)


async def _prune_audit(context: Context, params: contract.PruneAuditParams, origin: str) -> Wire:
    result = await _run_step(context, "pruneAudit", params, origin)
    await delete_pruned(context.storage)
    return result


async def _set_subscription(
    context: Context, params: contract.SetPushSubscriptionParams, origin: str
) -> Wire:
    if params.lease_id is None:
        return await _run_step(context, "setPushSubscription", params, origin)
    _require_lease_alone(params)
    subscription = to_subscription(params.subscription)
    await set_subscription_under_lease(
        context, subscription, lease_id=params.lease_id, origin=origin
    )
    return unstructure(contract.Success(success=True))


async def _remove_subscription(
    context: Context, params: contract.RemovePushSubscriptionParams, origin: str
) -> Wire:
    if params.lease_id is None:
        return await _run_step(context, "removePushSubscription", params, origin)
    _require_lease_alone(params)
    await remove_subscription_under_lease(context, lease_id=params.lease_id, origin=origin)
    return unstructure(contract.Success(success=True))


async def _setup_passphrase(
    context: Context, params: contract.SetupPassphraseParams, origin: str
) -> Wire:
    return _set_up(await setup_passphrase(context, passphrase=params.passphrase, origin=origin))


async def _setup_passkey(
    context: Context, method: Method, params: contract.SetupPasskeyParams, origin: str
) -> Wire:
    _require_own_rp_id(context, params.rp_id, field="rpId")
    name = "setupPasskeyPRF" if method == PRF else "setupPasskeyGate"
    return _set_up(
        await setup_passkey(
            context,
            method=method,
            user_name=params.name,
            operation=hash_of(name, params, origin),
            origin=origin,
        )
    )


async def _setup(context: Context, params: contract.Empty, origin: str) -> Wire:
    operation = hash_of("setup", params, origin)
    return _set_up(await setup_by_wizard(context, operation=operation, origin=origin))


async def _add_enrollment(
    context: Context, params: contract.AddEnrollmentParams, origin: str
) -> Wire:
    request = to_addition(params)
    words = f"Add {METHODS_IN_WORDS[params.method]}"
    # Whoever authorises one must know that it will not be theirs alone, or not theirs at all.
    if request.passphrase is not None:
        words += " that it has chosen"
    if request.page_passkey is not None:
        words += " of its own, with which it unlocks without asking you"
    enrollment_id = await add_by_user(
        context, authorisation("addEnrollment", params, origin, words), request
    )
    return unstructure(contract.AddEnrollmentResult(success=True, enrollment_id=enrollment_id))


async def _change_passphrase(
    context: Context, params: contract.ChangePassphraseParams, origin: str
) -> Wire:
    words = "Change the passphrase"
    if params.new_passphrase is not None:
        words += " to one that it has chosen"
    request = authorisation("changePassphrase", params, origin, words)
    await change_passphrase_by_user(context, request, passphrase=params.new_passphrase)
    return unstructure(contract.Success(success=True))


async def _reset(context: Context, params: contract.ResetParams, origin: str) -> Wire:
    closing = await reset_instance(context, authorisation("resetKMS", params, origin, RESET_WORDS))
    checkpoint = None
    if closing is not None:
        checkpoint = contract.ClosingCheckpoint(
            seq_num=closing.head.seq_num,
            chain_hash=closing.head.chain_hash,
            checkpoint=closing.checkpoint,
        )
    return unstructure(contract.ResetResult(success=True, checkpoint=checkpoint))


def _set_up(made: SetUp) -> Wire:
    return unstructure(
        contract.SetupResult(
            success=True,
            enrollment_id=made.enrollment_id,
            vapid_public_key=made.key.public_key,
            vapid_kid=made.key.kid,
        )
    )


def _require_lease_alone(params: Authenticated) -> None:
    """A call under a lease authenticates nobody: who passes credentials expects that it does."""
    if params.credentials is not None:
        raise request_invalid("credentials", "cannot be passed together with leaseId")


def _require_own_rp_id(context: Context, rp_id: str | None, *, field: str) -> None:
    if rp_id not in (None, enclave_rp_id(context.enclave_origin)):
        raise request_invalid(field, "must be the enclave's own host")
