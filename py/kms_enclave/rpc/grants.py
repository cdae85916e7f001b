"""What a handler is given: as much as its method's row allows, and nothing else.

No handler is given the context, the storage that commits, or a crypto port. A handler that the
user authorises *plans*: from a view without any power it returns words and what to run; the run
gets a session, which exists only after the user has authenticated. Every other grant is a closed
list of actions, each of which verifies by itself that the calling origin may do it.

Python cannot hide what an object holds inside. This keeps a mistake from being written; it
does not contain hostile code in the enclave.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import attrs

from kms_enclave.audit.checking import verify_and_remember
from kms_enclave.audit.exporting import ExportPart, begin_export
from kms_enclave.audit.proofs import Log, checkpoint_of
from kms_enclave.audit.stored_log import Pace, Verdict
from kms_enclave.config import Config
from kms_enclave.enrollment.setup import (
    SetUp,
    setup_by_wizard,
    setup_passkey,
    setup_passphrase,
)
from kms_enclave.issuing.requests import IssueRequest, SendsRequest, Token
from kms_enclave.issuing.usage import LeaseUsage, UsageRequest, read_usage
from kms_enclave.leases.endpoint import verify_visible_ascii
from kms_enclave.leases.listing import LeaseState, lease_state
from kms_enclave.leases.revocation import revoke_lease, revoke_leases
from kms_enclave.log.instance import BuildInfo
from kms_enclave.ports.clock import ClockPort
from kms_enclave.ports.storage import (
    Address,
    Delete,
    Expectation,
    Key,
    Put,
    Record,
    StoragePort,
    StoreName,
)
from kms_enclave.push.leased_subscription import (
    remove_subscription_under_lease,
    set_subscription_under_lease,
)
from kms_enclave.push.subscription import PushSubscription
from kms_enclave.rpc import contract
from kms_enclave.rpc.method import Enclave, Method, Wire
from kms_enclave.unlock.assertion import enclave_rp_id
from kms_enclave.unlock.operation import UnlockedOperation
from kms_enclave.unlock.record import Method as EnrollmentMethod
from kms_enclave.unlock.session import Session

__all__ = [
    "FirstSetup",
    "LeaseUse",
    "Operation",
    "OwnLeases",
    "ReadOnlyStorage",
    "Reader",
    "Step",
    "View",
]


@attrs.frozen
class View:
    """What a call is planned from before the user has authenticated: nothing stored, no power."""

    config: Config
    clock: ClockPort
    methods: Mapping[str, Method]


@attrs.frozen
class Step:
    """``words`` is shown to the user; ``run`` acts and returns the method's result.

    A step runs inside one authenticated commit, alone or as part of a batch. ``then``, if
    given, runs once a commit of that step alone is done.
    """

    words: str
    run: Callable[[Session], Awaitable[Wire]]
    then: Callable[[StoragePort], Awaitable[object]] | None = None


@attrs.frozen
class Operation:
    """Like a step, but it goes on asking between authentication and commit: never in a batch.

    ``verify``, if given, refuses what can be refused before the user is asked.
    """

    words: str
    run: Callable[[UnlockedOperation], Awaitable[Wire]]
    verify: Callable[[Reader], Awaitable[None]] | None = None


class ReadOnlyStorage:
    """:class:`~kms_enclave.ports.storage.StoragePort` that refuses to write."""

    def __init__(self, storage: StoragePort) -> None:
        self._storage = storage

    async def read(self, addresses: Sequence[Address]) -> Sequence[Record | None]:
        """Read records in one transaction."""
        return await self._storage.read(addresses)

    async def scan(
        self, store: StoreName, *, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read records in key order."""
        return await self._storage.scan(store, after=after, limit=limit)

    async def scan_prefix(
        self, store: StoreName, *, prefix: str, after: str | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read records whose keys start with ``prefix``."""
        return await self._storage.scan_prefix(store, prefix=prefix, after=after, limit=limit)

    async def expired(
        self, store: StoreName, *, now_ms: int, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        """Read records with ``expires_ms <= now_ms``."""
        return await self._storage.expired(store, now_ms=now_ms, limit=limit)

    async def count(self, store: StoreName) -> int:
        """Return how many records a store holds."""
        return await self._storage.count(store)

    async def commit(
        self,
        *,
        expectations: Sequence[Expectation],
        puts: Sequence[Put],
        deletes: Sequence[Delete] = (),
        durable: bool = True,
    ) -> None:
        """Refuse. Raises PermissionError."""
        raise PermissionError("this method only reads")

    async def replace_all(
        self, *, expectations: Sequence[Expectation], puts: Sequence[Put]
    ) -> None:
        """Refuse. Raises PermissionError."""
        raise PermissionError("this method only reads")


@attrs.frozen
class Reader:
    """Nothing but reading, and what the log's own key says about the log."""

    _enclave: Enclave = attrs.field(repr=False)
    origin: str

    @property
    def storage(self) -> StoragePort:
        """Every record; a commit is refused."""
        return ReadOnlyStorage(self._enclave.context.storage)

    @property
    def clock(self) -> ClockPort:
        """The clock."""
        return self._enclave.context.clock

    @property
    def config(self) -> Config:
        """The operator's configuration."""
        return self._enclave.context.config

    @property
    def build(self) -> BuildInfo:
        """The build that runs."""
        return self._enclave.context.build

    @property
    def enclave_origin(self) -> str:
        """The enclave's own origin."""
        return self._enclave.context.enclave_origin

    @property
    def lock_reason(self) -> str | None:
        """Why the enclave is locked; ``None`` while it works."""
        return self._enclave.context.lock.reason

    async def log_time_ms(self) -> int:
        """Return the time that an entry would get now, in Unix milliseconds."""
        return await self._enclave.context.journal.read_time()

    async def checkpoint(self, log: Log) -> str:
        """Return the signed checkpoint of a log that was read."""
        return await checkpoint_of(self._enclave.context.crypto, log)

    async def begin_export(self) -> ExportPart:
        """Return the first part of an export."""
        context = self._enclave.context
        return await begin_export(
            self.storage, context.crypto, enclave_origin=context.enclave_origin
        )

    async def verify_log(self, *, incremental: bool, pace: Pace) -> Verdict:
        """Verify the stored log, and remember what was found for the next start."""
        context = self._enclave.context
        return await verify_and_remember(
            context.storage,
            context.crypto,
            enclave_origin=context.enclave_origin,
            incremental=incremental,
            pace=pace,
        )

    def emit(self, event: str, data: Mapping[str, object]) -> None:
        """Send an event to the calling origin."""
        self._enclave.context.events.emit(event, data, origin=self.origin)

    async def lease_state(self, lease_id: str) -> LeaseState:
        """Return a lease of the calling origin as issuing sees it. Raises KMSError."""

        async def read(now_ms: int) -> LeaseState:
            account = await self._enclave.ledger.account(lease_id)
            return lease_state(
                account.lease,
                account.patterns,
                account.book.standing,
                expected_origin=self.origin,
                now_ms=now_ms,
                clock_ms=self.clock.now_ms(),
            )

        return await self._enclave.ledger.consult(read)


@attrs.frozen
class OwnLeases:
    """A page may always give its own power up: it ends leases of the calling origin."""

    _enclave: Enclave = attrs.field(repr=False)
    origin: str

    async def revoke(self, lease_id: str) -> int:
        """Revoke one; return when it took effect, in Unix milliseconds. Raises KMSError."""
        return await revoke_lease(self._enclave.context, lease_id, origin=self.origin)

    async def revoke_all(self) -> Sequence[str]:
        """Revoke every live one; return their ids."""
        return await revoke_leases(self._enclave.context, origin=self.origin)


@attrs.frozen
class LeaseUse:
    """What a live lease of the calling origin allows; each action verifies lease and origin."""

    _enclave: Enclave = attrs.field(repr=False)
    origin: str

    def issue(
        self,
        method: str,
        params: contract.IssueParams | contract.IssueManyParams,
        *,
        count: int,
        sends: int,
    ) -> Awaitable[Sequence[Token]]:
        """Issue ``count`` tokens, which count as ``sends`` sends. Raises KMSError."""
        if params.relay_id is not None:
            verify_visible_ascii(params.relay_id, field="relayId")
        return self._enclave.issuer.issue(
            IssueRequest(
                origin=self.origin,
                lease_id=params.lease_id,
                endpoint=params.endpoint,
                kid=params.kid,
                relay_id=params.relay_id,
                count=count,
                sends=sends,
                method=method,
                relay_proof=params.relay_proof,
            )
        )

    async def record_sends(self, params: contract.RecordSendsParams) -> None:
        """Count sends before they are made. Raises KMSError."""
        if params.relay_id is not None:
            verify_visible_ascii(params.relay_id, field="relayId")
        await self._enclave.issuer.record_sends(
            SendsRequest(
                self.origin, params.lease_id, params.eid, params.count, relay_id=params.relay_id
            )
        )

    async def usage(self, params: contract.GetQuotaParams) -> LeaseUsage:
        """Return what a lease has used of its quotas. Raises KMSError."""
        context, issuer, ledger = self._enclave.context, self._enclave.issuer, self._enclave.ledger
        if params.relay_id is not None:
            verify_visible_ascii(params.relay_id, field="relayId")
        request = UsageRequest(self.origin, params.lease_id, params.eid, relay_id=params.relay_id)

        async def read(now_ms: int) -> LeaseUsage:
            return await read_usage(
                context,
                ledger,
                request,
                in_flight=await issuer.in_flight(request),
                now_ms=now_ms,
            )

        return await ledger.consult(read)

    async def set_subscription(self, subscription: PushSubscription, *, lease_id: str) -> None:
        """Store the origin's subscription of the lease's key. Raises FieldError, KMSError."""
        await set_subscription_under_lease(
            self._enclave.context, subscription, lease_id=lease_id, origin=self.origin
        )

    async def remove_subscription(self, *, lease_id: str) -> None:
        """Delete the origin's subscription of the lease's key. Raises KMSError."""
        await remove_subscription_under_lease(
            self._enclave.context, lease_id=lease_id, origin=self.origin
        )


@attrs.frozen
class FirstSetup:
    """Setting up; each action refuses an enclave that is set up already.

    ``operation`` is the hash of the call, which a challenge is bound to.
    """

    _enclave: Enclave = attrs.field(repr=False)
    origin: str
    operation: bytes

    @property
    def rp_id(self) -> str:
        """The enclave's relying party id."""
        return enclave_rp_id(self._enclave.context.enclave_origin)

    async def with_passphrase(self, passphrase: str | None) -> SetUp:
        """Set up with the page's passphrase, or one that the user types. Raises KMSError."""
        return await setup_passphrase(
            self._enclave.context, passphrase=passphrase, origin=self.origin
        )

    async def with_passkey(self, method: EnrollmentMethod, user_name: str) -> SetUp:
        """Set up with a passkey that the user creates. Raises KMSError."""
        return await setup_passkey(
            self._enclave.context,
            method=method,
            user_name=user_name,
            operation=self.operation,
            origin=self.origin,
        )

    async def by_wizard(self) -> SetUp:
        """Set up by the method that the user picks. Raises KMSError."""
        return await setup_by_wizard(
            self._enclave.context, operation=self.operation, origin=self.origin
        )
