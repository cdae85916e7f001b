"""The kinds of access: what authorises a method, and how its handler is run.

A row of the method table names one of these with its handler. The kind authorises; the handler
gets what :mod:`kms_enclave.rpc.grants` has for it, so it cannot act before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, Generic, Never, Protocol, TypeVar, cast

import attrs

from kms_enclave.boot.reset import RESET_WORDS, Closing, reset_instance
from kms_enclave.errors import request_invalid
from kms_enclave.rpc.authorisation import Authenticated, authorisation, hash_of
from kms_enclave.rpc.grants import (
    FirstSetup,
    LeaseUse,
    Operation,
    OwnLeases,
    Reader,
    Step,
    View,
)
from kms_enclave.rpc.method import Authorisation, Enclave, Handler, Method, Wire
from kms_enclave.unlock.operation import UnlockedOperation
from kms_enclave.unlock.session import authenticated, unlocked_for

__all__ = [
    "ByUser",
    "ByUserOperation",
    "ByUserOrLease",
    "Confirmed",
    "FirstUse",
    "GivesUp",
    "Plan",
    "Reads",
    "UnderLease",
    "bind_methods",
    "plan_of",
]

P = TypeVar("P")
Plan = Callable[[View, Never], Step]


class _Leased(Authenticated, Protocol):
    """Parameters that carry credentials, or name a lease."""

    @property
    def lease_id(self) -> str | None: ...


A = TypeVar("A", bound=Authenticated)
L = TypeVar("L", bound=_Leased)


def bind_methods(enclave: Enclave) -> Mapping[str, Handler]:
    """Return what dispatch calls, by method."""
    return {name: method.access.bind(name, enclave) for name, method in enclave.methods.items()}


def plan_of(method: Method) -> Plan | None:
    """Return the plan of a method that can be a step of a batch; ``None`` for every other."""
    access = method.access
    if isinstance(access, ByUser | ByUserOrLease):
        return cast(Plan, access.plan)
    return None


@attrs.frozen
class Reads(Generic[P]):
    """Nothing authorises it: it only reads."""

    authorisation: ClassVar = Authorisation.NONE
    handler: Callable[[Reader, P], Awaitable[Wire]]

    def bind(self, _: str, enclave: Enclave) -> Handler:
        """Run the handler with a reader."""

        def run(params: P, origin: str) -> Awaitable[Wire]:
            return self.handler(Reader(enclave, origin), params)

        return run


@attrs.frozen
class GivesUp(Generic[P]):
    """Nothing authorises it: a page gives its own power up."""

    authorisation: ClassVar = Authorisation.NONE
    handler: Callable[[OwnLeases, P], Awaitable[Wire]]

    def bind(self, _: str, enclave: Enclave) -> Handler:
        """Run the handler with the ending of the origin's own leases."""

        def run(params: P, origin: str) -> Awaitable[Wire]:
            return self.handler(OwnLeases(enclave, origin), params)

        return run


@attrs.frozen
class UnderLease(Generic[P]):
    """A live lease of the calling origin authorises it."""

    authorisation: ClassVar = Authorisation.LEASE
    handler: Callable[[LeaseUse, P], Awaitable[Wire]]

    def bind(self, _: str, enclave: Enclave) -> Handler:
        """Run the handler with what leases of the origin allow."""

        def run(params: P, origin: str) -> Awaitable[Wire]:
            return self.handler(LeaseUse(enclave, origin), params)

        return run


@attrs.frozen
class FirstUse(Generic[P]):
    """Allowed as long as the enclave is not set up."""

    authorisation: ClassVar = Authorisation.FIRST_USE
    handler: Callable[[FirstSetup, P], Awaitable[Wire]]

    def bind(self, name: str, enclave: Enclave) -> Handler:
        """Run the handler with the setup of an empty enclave."""

        def run(params: P, origin: str) -> Awaitable[Wire]:
            setup = FirstSetup(enclave, origin, hash_of(name, params, origin))
            return self.handler(setup, params)

        return run


@attrs.frozen
class ByUser(Generic[A]):
    """The user authenticates; then the planned step runs in the session, in one commit."""

    authorisation: ClassVar = Authorisation.FRESH
    plan: Callable[[View, A], Step]

    def bind(self, name: str, enclave: Enclave) -> Handler:
        """Plan, authenticate, run the step."""

        async def run(params: A, origin: str) -> Wire:
            step = self.plan(_view(enclave), params)
            request = authorisation(name, params, origin, step.words)
            result = await authenticated(enclave.context, request, step.run)
            if step.then is not None:
                await step.then(enclave.context.storage)
            return result

        return run


@attrs.frozen
class ByUserOperation(Generic[A]):
    """The user authenticates; then the planned operation runs, which commits by itself."""

    authorisation: ClassVar = Authorisation.FRESH
    plan: Callable[[View, A], Operation]

    def bind(self, name: str, enclave: Enclave) -> Handler:
        """Plan, verify, authenticate, run the operation while the dialog is open."""

        async def run(params: A, origin: str) -> Wire:
            operation = self.plan(_view(enclave), params)
            request = authorisation(name, params, origin, operation.words)
            if operation.verify is not None:
                await operation.verify(Reader(enclave, origin))
            async with unlocked_for(enclave.context, request) as (unlocked, dialog):
                return await operation.run(
                    UnlockedOperation(enclave.context, request, unlocked, dialog)
                )

        return run


@attrs.frozen
class ByUserOrLease(Generic[L]):
    """The user authenticates, or the call names a live lease of its origin."""

    authorisation: ClassVar = Authorisation.FRESH_OR_LEASE
    plan: Callable[[View, L], Step]
    under_lease: Callable[[LeaseUse, L], Awaitable[Wire]]

    def bind(self, name: str, enclave: Enclave) -> Handler:
        """Run the step without a lease, the other handler with one."""
        by_user = cast(Callable[[L, str], Awaitable[Wire]], ByUser(self.plan).bind(name, enclave))

        async def run(params: L, origin: str) -> Wire:
            if params.lease_id is None:
                return await by_user(params, origin)
            if params.credentials is not None:
                # A call under a lease authenticates nobody: who passes credentials expects it.
                raise request_invalid("credentials", "cannot be passed together with leaseId")
            return await self.under_lease(LeaseUse(enclave, origin), params)

        return run


@attrs.frozen
class Confirmed(Generic[A]):
    """The user authenticates, or types a word in the enclave's own dialog: the reset."""

    authorisation: ClassVar = Authorisation.CONFIRM
    handler: Callable[[Callable[[], Awaitable[Closing | None]], A], Awaitable[Wire]]

    def bind(self, name: str, enclave: Enclave) -> Handler:
        """Run the handler with the reset, which asks the user."""

        async def run(params: A, origin: str) -> Wire:
            request = authorisation(name, params, origin, RESET_WORDS)
            return await self.handler(lambda: reset_instance(enclave.context, request), params)

        return run


def _view(enclave: Enclave) -> View:
    return View(enclave.context.config, enclave.context.clock, enclave.methods)
