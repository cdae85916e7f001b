"""The one place where adapters meet the domain: an enclave, from boot to replies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from kms_enclave.audit.announcing import Announcer
from kms_enclave.audit.checking import IN_THE_BACKGROUND, verify_and_remember
from kms_enclave.audit.retention import delete_pruned
from kms_enclave.boot.selftest import run_self_tests
from kms_enclave.boot.state import open_state
from kms_enclave.codec import parse_record
from kms_enclave.config import parse_config
from kms_enclave.context import Context, Lock, Ports
from kms_enclave.encoding import format_json
from kms_enclave.errors import KMSError, storage_failed
from kms_enclave.issuing.issuance import Issuer
from kms_enclave.issuing.ledger import Ledger
from kms_enclave.issuing.refusals import write_counts
from kms_enclave.leases.reanchoring import reanchor_leases
from kms_enclave.leases.sweep import SWEEP_INTERVAL_S, Sweeper
from kms_enclave.log.instance import BuildInfo
from kms_enclave.log.journal import Journal
from kms_enclave.ports.storage import StorageError
from kms_enclave.rpc.access import bind_methods
from kms_enclave.rpc.channel import Channel, Request
from kms_enclave.rpc.dispatch import Dispatcher
from kms_enclave.rpc.method import Enclave
from kms_enclave.rpc.methods import METHODS
from kms_enclave.structure import FieldError
from kms_enclave.webauthn.challenge import ChallengeBook

__all__ = ["run"]

_VERIFY_AFTER_S: Final = 10
"""A start is busy enough; a page that stays this long is in use."""

_LOG: Final = logging.getLogger("kms_enclave")


async def run(
    ports: Ports,
    *,
    config_text: str,
    build_text: str,
    enclave_origin: str,
    top_origin: str,
    send: Callable[[str], None],
) -> Callable[[str], None]:
    """Boot, send ``kms:ready`` or ``kms:refused``, and return what takes later messages.

    After a failed check of the stored state the enclave stays, locked: it answers what
    shows the evidence, and a confirmed reset. After anything else that refuses, every
    request is answered with that refusal.
    """
    channel = Channel(send=send)
    try:
        context = _make_context(ports, channel, config_text, build_text, enclave_origin, top_origin)
        capabilities = await run_self_tests(context)
    except (KMSError, StorageError, FieldError) as error:
        return _refuse(channel, _as_kms_error(error))
    ledger = Ledger(storage=ports.storage, journal=context.journal)
    issuer = Issuer(context=context, ledger=ledger)
    channel.handle = Dispatcher(
        handlers=bind_methods(Enclave(context, issuer, ledger, METHODS)),
        lock=context.lock,
        new_correlation_id=ports.crypto.random_uuid,
        report=_report,
    ).reply
    try:
        await open_state(context)
    except StorageError as error:
        return _refuse(channel, _as_kms_error(error))
    except KMSError as error:
        context.lock.reason = str(error.details.get("reason", error.message))
        channel.send_message({"type": "kms:refused", "error": error.to_wire()})
        return channel.receive
    channel.send_message(
        {
            "type": "kms:ready",
            "version": context.build.version,
            "codeHash": context.build.code_hash,
            "manifestHash": context.build.manifest_hash,
            "capabilities": list(capabilities),
        }
    )
    sweeper = Sweeper(context, write_counts=write_counts)
    _sweep_regularly(context, sweeper, Announcer(context), channel)
    loop = asyncio.get_running_loop()
    loop.call_later(_VERIFY_AFTER_S, lambda: channel.run_beside(_verify_log(context)))
    return channel.receive


def _sweep_regularly(
    context: Context, sweeper: Sweeper, announcer: Announcer, channel: Channel
) -> None:
    channel.run_beside(_sweep_once(context, sweeper, announcer))
    loop = asyncio.get_running_loop()
    loop.call_later(SWEEP_INTERVAL_S, _sweep_regularly, context, sweeper, announcer, channel)


async def _sweep_once(context: Context, sweeper: Sweeper, announcer: Announcer) -> None:
    try:
        await sweeper.sweep()
        await announcer.announce()
    except (KMSError, StorageError) as error:
        _report(context.crypto.random_uuid(), error)  # The next one tries again.


async def _verify_log(context: Context) -> None:
    """Verify the whole log once; what is wrong with it keeps the next start from being one."""
    try:
        await delete_pruned(context.storage)
        await verify_and_remember(
            context.storage,
            context.crypto,
            enclave_origin=context.enclave_origin,
            pace=IN_THE_BACKGROUND,
        )
    except (KMSError, StorageError) as error:
        _report(context.crypto.random_uuid(), error)


def _make_context(
    ports: Ports,
    channel: Channel,
    config_text: str,
    build_text: str,
    enclave_origin: str,
    top_origin: str,
) -> Context:
    return Context(
        crypto=ports.crypto,
        storage=ports.storage,
        clock=ports.clock,
        prompt=channel,
        events=channel,
        journal=Journal(
            storage=ports.storage, crypto=ports.crypto, clock=ports.clock, locks=ports.locks
        ),
        config=parse_config(config_text),
        build=parse_record(build_text, BuildInfo),
        lock=Lock(),
        enclave_origin=enclave_origin,
        top_origin=top_origin,
        challenges=ChallengeBook(crypto=ports.crypto, clock=ports.clock),
        unlocking=asyncio.Lock(),
        on_clock_adjusted=reanchor_leases,
    )


def _refuse(channel: Channel, error: KMSError) -> Callable[[str], None]:

    async def refuse(request: Request) -> str:
        return format_json({"id": request.get("id"), "error": error.to_wire()})

    channel.handle = refuse
    channel.send_message({"type": "kms:refused", "error": error.to_wire()})
    return channel.receive


def _as_kms_error(error: KMSError | StorageError | FieldError) -> KMSError:
    if isinstance(error, StorageError):
        return storage_failed(error.failure, str(error))
    if isinstance(error, FieldError):
        return KMSError("internal", f"The configuration is not valid: {error}")
    return error


def _report(correlation_id: str, error: BaseException) -> None:
    # The type only: a message could hold what the user typed.
    _LOG.error("internal error %s: %s", correlation_id, type(error).__name__)
