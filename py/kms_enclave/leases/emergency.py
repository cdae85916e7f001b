"""The emergency list: tokens of revoked leases that push services might still accept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, parse_record
from kms_enclave.config import Config
from kms_enclave.leases.lease import LeaseRecord, lease_address
from kms_enclave.leases.revocation import leases_of_origin
from kms_enclave.leases.token import TokenRecord, token_address
from kms_enclave.ports.storage import StoragePort
from kms_enclave.scanning import scan_all

__all__ = ["RevokedToken", "is_token_revoked", "list_revoked_tokens", "listed_for_ms"]

_MINUTE_MS: Final = 60_000


def listed_for_ms(config: Config) -> int:
    """Return how long after its expiry a revoked token stays on the list, in milliseconds."""
    return config.revoked_listed_minutes * _MINUTE_MS


@attrs.frozen
class RevokedToken:
    """``exp`` in Unix seconds, ``revoked_at`` in milliseconds."""

    jti: str
    lease_id: str
    exp: int
    revoked_at: int
    rid: str | None = None


async def is_token_revoked(
    storage: StoragePort, config: Config, jti: str, *, origin: str, now_ms: int
) -> bool:
    """Tell whether a token is of a revoked lease of this origin and not long dead."""
    (stored,) = await storage.read([token_address(jti)])
    token = _parse_token(stored.value) if stored else None
    if token is None or token.lease_id is None or not _is_listed(token, config, now_ms):
        return False
    (lease_stored,) = await storage.read([lease_address(token.lease_id)])
    try:
        lease = parse_record(lease_stored.value, LeaseRecord) if lease_stored else None
    except DamagedRecordError:
        return True  # Whether it was revoked is not known.
    return lease is not None and lease.origin == origin and lease.revoked_at is not None


async def list_revoked_tokens(
    storage: StoragePort, config: Config, *, origin: str, now_ms: int
) -> Sequence[RevokedToken]:
    """Return every listed token of this origin's revoked leases."""
    revoked_at = {
        record.lease_id: record.revoked_at
        async for record in leases_of_origin(storage, origin)
        if record.revoked_at is not None
    }
    if not revoked_at:
        return ()
    tokens: list[RevokedToken] = []
    async for key, stored in scan_all(storage, "tokens"):
        token = _parse_token(stored.value)
        if token is None or token.lease_id is None or not _is_listed(token, config, now_ms):
            continue
        since = revoked_at.get(token.lease_id)
        if since is not None:
            tokens.append(RevokedToken(str(key), token.lease_id, token.exp, since, token.rid))
    return tokens


def _is_listed(token: TokenRecord, config: Config, now_ms: int) -> bool:
    return now_ms < token.exp * 1000 + listed_for_ms(config)


def _parse_token(text: str) -> TokenRecord | None:
    try:
        return parse_record(text, TokenRecord)
    except DamagedRecordError:
        return None
