"""From a request to its reply: the closed method table, and errors made wire errors.

A request is refused before any handler runs if its method is not in the table, its
parameters do not structure, or the enclave is locked and the method is not one of
those that show the evidence. This is the one place with a broad ``except``: whatever
is not a :class:`~kms_enclave.errors.KMSError` becomes ``internal`` with a correlation
id, and is counted. No stack and no exception text crosses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Never, cast

from kms_enclave.context import Lock
from kms_enclave.encoding import format_json
from kms_enclave.errors import KMSError, request_invalid, storage_failed
from kms_enclave.ports.storage import StorageError
from kms_enclave.rpc.channel import Request
from kms_enclave.rpc.depth import verify_depth
from kms_enclave.rpc.method import Handler, Rate, Wire
from kms_enclave.rpc.methods import METHODS
from kms_enclave.structure import FieldError, structure

__all__ = ["Dispatcher"]


class Dispatcher:
    """Answers requests with the handlers of an enclave."""

    def __init__(
        self,
        *,
        handlers: Mapping[str, Handler],
        lock: Lock,
        new_correlation_id: Callable[[], str],
        report: Callable[[str, BaseException], None],
    ) -> None:
        self._handlers = handlers
        self._new_correlation_id = new_correlation_id
        self._report = report
        self._lock = lock
        self.internal_errors = 0
        self._turns: Mapping[str, asyncio.Lock] = {
            name: asyncio.Lock()
            for name, method in METHODS.items()
            if method.rate is Rate.ONE_AT_A_TIME
        }

    async def reply(self, request: Request) -> str:
        """Return the JSON text of the one reply to a request."""
        number = request.get("id")
        try:
            return format_json({"id": number, "result": await self._call(request)})
        except Exception as error:
            return format_json({"id": number, "error": self._to_wire(error)})

    async def _call(self, request: Request) -> Wire:
        name = request.get("method")
        if not isinstance(name, str) or name not in self._handlers:
            raise KMSError("method.unknown", details={"method": str(name)[:64]})
        if self._lock.reason is not None and not METHODS[name].when_locked:
            raise KMSError("attestation.failed", details={"reason": self._lock.reason})
        given = request.get("params", {})
        verify_depth(given)
        params: object = structure(given, METHODS[name].params)
        handler = self._handlers[name]
        # A page that asks for something costly many times at once gets it once at a time.
        async with self._turns.get(name, nullcontext()):
            # A row pairs the class of the parameters with the handler.
            return await handler(cast(Never, params), cast(str, request["origin"]))

    def _to_wire(self, error: Exception) -> Wire:
        if isinstance(error, FieldError):
            error = request_invalid(error.field or "params", error.reason)
        if isinstance(error, StorageError):
            error = storage_failed(error.failure, str(error))
        if isinstance(error, KMSError):
            return error.to_wire()
        self.internal_errors += 1
        correlation_id = self._new_correlation_id()
        self._report(correlation_id, error)
        return KMSError("internal", details={"correlationId": correlation_id}).to_wire()
