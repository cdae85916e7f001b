"""The enclave as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from kms_enclave.fields import text
from kms_enclave.rpc.contract.audit import ClosingCheckpoint
from kms_enclave.rpc.contract.credentials import Credentials

__all__ = [
    "AuthenticatedParams",
    "BatchParams",
    "BatchResult",
    "BatchStep",
    "Empty",
    "ResetParams",
    "ResetResult",
    "StatusResult",
]


@attrs.frozen
class Empty:
    """No parameters."""


@attrs.frozen
class AuthenticatedParams:
    """Nothing but what authenticates; without credentials the enclave asks."""

    credentials: Credentials | None = None


@attrs.frozen
class StatusResult:
    """How the enclave is; ``audit_entries`` counts the log, ``reason`` says why it is locked."""

    state: Literal["ready", "locked"]
    version: str
    code_hash: str
    manifest_hash: str
    instance_id: str | None
    is_setup: bool
    vapid_kid: str | None
    audit_entries: int
    now: int
    reason: str | None = None


@attrs.frozen
class BatchStep:
    """One step, of a method that can be one (the table at the top).

    ``{"$ref": "0.kid"}`` in its parameters stands for a field of an earlier step's result.
    """

    method: str = attrs.field(validator=text(64))
    params: Mapping[str, object] | None = None


@attrs.frozen
class BatchParams:
    """1 to 10 steps under one authentication, in order, all or nothing."""

    requests: tuple[BatchStep, ...]
    credentials: Credentials | None = None


@attrs.frozen
class BatchResult:
    """The steps' results, in order."""

    results: tuple[Mapping[str, object], ...]


@attrs.frozen
class ResetParams:
    """Without credentials the user confirms in the enclave's own dialog."""

    credentials: Credentials | None = None


@attrs.frozen
class ResetResult:
    """``checkpoint`` is the end of the ended log; null where a locked enclave was reset."""

    success: Literal[True]
    checkpoint: ClosingCheckpoint | None
