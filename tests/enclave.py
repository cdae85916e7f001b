"""A whole enclave on the native adapters, spoken to as the frame does: in JSON texts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from doubles import FakeClock, FaultyCrypto, FaultyStorage
from kms_enclave.adapters.native.locks import AsyncioLocks
from kms_enclave.adapters.native.memory import MemoryStorage
from kms_enclave.app import run
from kms_enclave.context import Ports
from kms_enclave.ports.storage import (
    STORE_NAMES,
    Address,
    Delete,
    Key,
    Put,
    Record,
    StoreName,
)

from tools.patience import patient

__all__ = ["APP", "ENDPOINT", "OTHER_APP", "PASSPHRASE", "Refusal", "Worker", "World"]

APP = "https://app.example"
OTHER_APP = "https://other.example"
ENCLAVE = "https://kms.example"
PASSPHRASE = "correct horse battery"
CREDENTIALS = {"method": "passphrase", "passphrase": PASSPHRASE}
ENDPOINT = {
    "url": "https://push.example/send/one",
    "aud": "https://push.example",
    "eid": "one",
}
ENDPOINT_2 = {"url": "https://push.example/send/two", "aud": "https://push.example", "eid": "two"}
CONFIG: Mapping[str, Any] = {
    "parentOrigins": [APP, OTHER_APP],
    "contact": "mailto:operator@app.example",
    "allowPageCredentials": True,
    # Sends are as good as free, so that a test meets only the quota that it is about.
    "quotas": {
        "default": {
            "tokensPerHour": 100,
            "sendsPerMinute": 1000,
            "burstSends": 1000,
            "sendsPerMinutePerEid": 1000,
        },
        "ceiling": {
            "tokensPerHour": 1000,
            "sendsPerMinute": 1000,
            "burstSends": 1000,
            "sendsPerMinutePerEid": 1000,
        },
        "perUserPerDay": 100_000,
        "perRelayPerHour": 100_000,
    },
}
BUILD: Mapping[str, str] = {"version": "1.0.0", "codeHash": "code-1", "manifestHash": "manifest-1"}


class Refusal(Exception):  # noqa: N818 - the enclave refused; the test expects it
    """An error reply."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']} {error['details']}")
        self.code: str = error["code"]
        self.message: str = error["message"]
        self.retry_after_ms: int | None = error["retryAfterMs"]
        self.details: Mapping[str, Any] = error["details"]


Answer = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]


class Worker:
    """One tab's worker: the requests it gets, what it sends, the user in front of it."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.user: Answer | None = None
        """What the user does with a dialog: ``{"answer": …}``, ``{"refused": …}`` or nothing."""
        self.introduced: Mapping[str, Any] = {"answer": {"agreed": True}}
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.receive: Callable[[str], None]
        self._challenge = ""

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Every dialog that was opened, changed or closed."""
        return [message for message in self.sent if "ask" in message]

    @property
    def start(self) -> dict[str, Any]:
        """How the start ended: ``kms:ready`` or ``kms:refused``."""
        (message,) = [m for m in self.sent if m.get("type") in ("kms:ready", "kms:refused")]
        return message

    async def call(self, method: str, /, *, origin: str = APP, **params: object) -> Any:
        """Return the result of a method. Raises Refusal."""
        reply = await self.request({"method": method, "params": params, "origin": origin})
        if "error" in reply:
            raise Refusal(reply["error"])
        return reply["result"]

    async def request(self, envelope: Mapping[str, object]) -> dict[str, Any]:
        """Send a request as it is; return its reply as it is."""
        number = len(self._replies) + 1
        self._replies[number] = asyncio.get_running_loop().create_future()
        self.receive(json.dumps({"id": number, **envelope}))
        return await asyncio.wait_for(self._replies[number], timeout=patient(10))

    def send(self, text: str) -> None:
        message = json.loads(text)
        self.sent.append(message)
        if "ask" in message:
            reply = self._reaction(self.begin(message))
            if reply is not None:
                loop = asyncio.get_running_loop()
                loop.call_soon(self.receive, json.dumps({"id": message["id"], **reply}))
        elif "challenge" in message:
            self._challenge = message["challenge"]
        elif "id" in message:
            self._replies[message["id"]].set_result(message)

    def begin(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Begin the ceremony that can answer, as a click does; return it with its challenge."""
        for name in ("ceremony", "registration"):
            if asked.get(name) is not None:
                self.receive(json.dumps({"id": asked["id"], "begin": True}))
                return {**asked, name: {**asked[name], "challenge": self._challenge}}
        return asked

    @property
    def discarded(self) -> list[dict[str, str]]:
        """The passkeys that the browser was told to forget."""
        return [message["discard"] for message in self.sent if "discard" in message]

    def _reaction(self, asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if asked["ask"] == "introduce":
            return self.introduced
        return self.user(asked) if self.user and asked["ask"] != "close" else None

    async def set_up(self) -> Any:
        return await self.call("setupPassphrase", passphrase=PASSPHRASE)

    async def create_lease(self, *, origin: str = APP, **changes: object) -> str:
        """Return the id of a lease; ``changes`` replace parameters."""
        params: dict[str, object] = {
            "userId": "user-1",
            "subs": [ENDPOINT, ENDPOINT_2],
            "ttlHours": 12,
            "credentials": CREDENTIALS,
        }
        result = await self.call("createLease", origin=origin, **{**params, **changes})
        return str(result["leaseId"])

    async def issue(self, lease_id: str, **changes: object) -> Any:
        params: dict[str, object] = {"leaseId": lease_id, "endpoint": ENDPOINT}
        return await self.call("issueVAPIDJWT", **{**params, **changes})

    async def log(self) -> list[dict[str, Any]]:
        """Return every entry."""
        entries: list[dict[str, Any]] = []
        start: int | None = 0
        while start is not None:
            page = await self.call("getAuditLog", **{"from": start})
            entries += page["entries"]
            start = page["next"]
        return entries


@attrs.define
class World:
    """What the tabs of one origin share. Every worker sees the same storage and clock."""

    clock: FakeClock = attrs.field(factory=FakeClock)
    memory: MemoryStorage = attrs.field(factory=MemoryStorage)
    crypto: FaultyCrypto = attrs.field(factory=FaultyCrypto)
    locks: AsyncioLocks = attrs.field(factory=AsyncioLocks)
    storage: FaultyStorage = attrs.field()

    @storage.default
    def _storage(self) -> FaultyStorage:
        return FaultyStorage(self.memory)

    async def worker(
        self,
        *,
        storage: FaultyStorage | None = None,
        config: Mapping[str, object] | None = None,
        build: Mapping[str, str] | None = None,
        crypto: FaultyCrypto | None = None,
        top_origin: str = APP,
    ) -> Worker:
        """Start another worker; ``config`` and ``build`` replace single fields.

        ``top_origin`` is that of the outermost page around it.
        """
        worker = Worker()
        ports = Ports(
            crypto=crypto or self.crypto,
            storage=storage or self.storage,
            clock=self.clock,
            locks=self.locks,
        )
        worker.receive = await run(
            ports,
            config_text=json.dumps({**CONFIG, **(config or {})}),
            build_text=json.dumps({**BUILD, **(build or {})}),
            enclave_origin=ENCLAVE,
            top_origin=top_origin,
            send=worker.send,
        )
        return worker

    async def ready(self, **options: Any) -> Worker:
        """Start a worker and set the enclave up."""
        worker = await self.worker(**options)
        await worker.set_up()
        return worker

    async def records(self) -> list[tuple[StoreName, Key, Record]]:
        """Return everything that is stored."""
        return [
            (store, key, record)
            for store in STORE_NAMES
            for key, record in await self.memory.scan(store, after=None, limit=100_000)
        ]

    async def value(self, store: Any, key: str | int) -> Any:
        """Return the JSON value of a stored record."""
        record = await self.record(store, key)
        return json.loads(record.value)

    async def record(self, store: Any, key: str | int) -> Record:
        (record,) = await self.memory.read([Address(store, key)])
        assert record is not None, f"{store}/{key} is not there"
        return record

    async def tamper(self, store: Any, key: str | int, **changes: object) -> None:
        """Change fields of a stored value, past every rule but that of its spelling."""
        record = await self.record(store, key)
        changed = {**json.loads(record.value), **changes}
        value = json.dumps(changed, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        await self.put(store, key, attrs.evolve(record, value=value))

    async def put(self, store: Any, key: str | int, record: Record) -> None:
        await self.memory.commit(expectations=(), puts=[Put(Address(store, key), record)])

    async def delete(self, store: Any, key: str | int) -> None:
        await self.memory.commit(expectations=(), puts=(), deletes=[Delete(Address(store, key))])
