"""What a granted token leaves: its audit entry, its record, and what the caller gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kms_enclave.codec import format_record
from kms_enclave.context import Context
from kms_enclave.encoding import parse_base64url
from kms_enclave.issuing.requests import Granted, Token
from kms_enclave.leases.token import TokenClaims, TokenRecord, token_address
from kms_enclave.log.entry import EntryDraft, format_signer_id
from kms_enclave.log.journal import SignedDraft
from kms_enclave.ports.storage import Put, Record

__all__ = ["make_tokens", "token_drafts", "token_put"]


def token_drafts(granted: Granted, context: Context) -> Iterator[SignedDraft]:
    """Return the entry of each token, signed by the lease's audit key."""
    lease = granted.lease
    signer_id = format_signer_id(parse_base64url(lease.record.lak_public))
    for number, claims in enumerate(granted.claims, start=1):
        details: dict[str, object] = {
            "aud": claims.aud,
            "eid": claims.eid,
            "exp": claims.exp,
            "jti": claims.jti,
            "nbf": claims.nbf,
            "quotas": _snapshot(granted, number),
        }
        if claims.rid is not None:
            details["rid"] = claims.rid
        draft = EntryDraft(
            op="sign",
            request_id=context.crypto.random_uuid(),
            signer="LAK",
            signer_id=signer_id,
            kid=lease.record.kid,
            user_id=lease.record.user_id,
            origin=lease.record.origin,
            lease_id=lease.record.lease_id,
            details=details,
            cert=lease.record.lak_delegation_cert,
        )
        yield SignedDraft(draft, lease.audit_key)


def token_put(granted: Granted, claims: TokenClaims) -> Put:
    """Return the record that makes a second use of a token's id impossible."""
    value = TokenRecord(
        exp=claims.exp,
        lease_id=granted.lease.record.lease_id,
        eid=claims.eid,
        nbf=claims.nbf,
        rid=claims.rid,
    )
    record = Record(1, format_record(value), {}, expires_ms=claims.exp * 1000)
    return Put(token_address(claims.jti), record)


def make_tokens(
    jwts: Sequence[str], granted: Granted, entries: Iterator[Mapping[str, object]]
) -> Sequence[Token]:
    """Return what the caller gets; takes one of ``entries`` for each token."""
    lease = granted.lease.record
    return [
        Token(jwt, claims, lease.kid, lease.vapid_public_key, next(entries))
        for jwt, claims in zip(jwts, granted.claims, strict=True)
    ]


def _snapshot(granted: Granted, number: int) -> Mapping[str, object]:
    """Return the lease's quotas as they stand with the ``number``-th token of the call."""
    return {
        usage.charge.quota.scope: {
            "limit": usage.charge.quota.limit,
            "used": usage.used_before + min(number, usage.charge.count),
        }
        for usage in granted.usages
    }
