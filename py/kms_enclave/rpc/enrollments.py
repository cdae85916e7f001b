"""Setting up, adding and changing ways to unlock, and the reset."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kms_enclave.boot.reset import Closing
from kms_enclave.enrollment.addition import (
    add_unlocked,
    change_passphrase_unlocked,
    verify_addition,
    verify_new_passphrase,
)
from kms_enclave.enrollment.setup import SetUp
from kms_enclave.errors import request_invalid
from kms_enclave.rpc import contract
from kms_enclave.rpc.grants import FirstSetup, Operation, Reader, View
from kms_enclave.rpc.method import Wire
from kms_enclave.rpc.new_credentials import to_addition
from kms_enclave.structure import unstructure
from kms_enclave.unlock.operation import UnlockedOperation
from kms_enclave.unlock.record import GATE, METHODS_IN_WORDS, PRF

__all__ = [
    "add_enrollment",
    "change_passphrase",
    "reset",
    "setup",
    "setup_with_gate",
    "setup_with_passphrase",
    "setup_with_prf",
]


async def setup_with_passphrase(first: FirstSetup, params: contract.SetupPassphraseParams) -> Wire:
    """Set up with a passphrase, the page's or one that the user types."""
    return _set_up(await first.with_passphrase(params.passphrase))


async def setup_with_prf(first: FirstSetup, params: contract.SetupPasskeyParams) -> Wire:
    """Set up with a passkey whose PRF output protects the Master Secret."""
    _require_own_rp_id(first, params.rp_id)
    return _set_up(await first.with_passkey(PRF, params.name))


async def setup_with_gate(first: FirstSetup, params: contract.SetupPasskeyParams) -> Wire:
    """Set up with a passkey as a gate."""
    _require_own_rp_id(first, params.rp_id)
    return _set_up(await first.with_passkey(GATE, params.name))


async def setup(first: FirstSetup, _: contract.Empty) -> Wire:
    """Set up by the method that the user picks."""
    return _set_up(await first.by_wizard())


def add_enrollment(_: View, params: contract.AddEnrollmentParams) -> Operation:
    """Add a way to unlock."""
    request = to_addition(params)
    words = f"Add {METHODS_IN_WORDS[params.method]}"
    # Whoever authorises one must know that it will not be theirs alone, or not theirs at all.
    if request.passphrase is not None:
        words += " that it has chosen"
    if request.page_passkey is not None:
        words += " of its own, with which it unlocks without asking you"

    async def verify(reader: Reader) -> None:
        await verify_addition(reader.storage, reader.config, request)

    async def run(operation: UnlockedOperation) -> Wire:
        enrollment_id = await add_unlocked(operation, request)
        return unstructure(contract.AddEnrollmentResult(success=True, enrollment_id=enrollment_id))

    return Operation(words, run, verify)


def change_passphrase(_: View, params: contract.ChangePassphraseParams) -> Operation:
    """Replace the passphrase by the page's, or by one that the user types."""
    words = "Change the passphrase"
    if params.new_passphrase is not None:
        words += " to one that it has chosen"

    async def verify(reader: Reader) -> None:
        await verify_new_passphrase(reader.storage, reader.config, passphrase=params.new_passphrase)

    async def run(operation: UnlockedOperation) -> Wire:
        await change_passphrase_unlocked(operation, passphrase=params.new_passphrase)
        return unstructure(contract.Success(success=True))

    return Operation(words, run, verify)


async def reset(end: Callable[[], Awaitable[Closing | None]], _: contract.ResetParams) -> Wire:
    """End the instance; return how its log ended."""
    closing = await end()
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


def _require_own_rp_id(first: FirstSetup, rp_id: str | None) -> None:
    if rp_id not in (None, first.rp_id):
        raise request_invalid("rpId", "must be the enclave's own host")
