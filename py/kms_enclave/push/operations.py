"""What an authenticated user does with VAPID keys: make, replace, sign with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs

from kms_enclave.codec import format_record
from kms_enclave.encoding import canonical_json, format_base64url, format_json
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.keys.derivation import derive_mkek
from kms_enclave.keys.vapid import (
    VapidKeyRecord,
    generate_vapid_key,
    open_main_copy,
    read_vapid_key_in,
    vapid_address,
    write_vapid_key,
)
from kms_enclave.leases.revocation import revoke_leases_of_key
from kms_enclave.leases.token import TokenRecord, token_address
from kms_enclave.origin import parse_origin
from kms_enclave.push.subscription import drop_subscriptions
from kms_enclave.structure import FieldError
from kms_enclave.unlock.session import Session

__all__ = ["generate_key", "regenerate_key", "sign_jwt", "verify_payload"]

MAX_LIFETIME_S: Final = 86_400
_MAX_PAYLOAD: Final = 4096
_SUBJECT: Final = re.compile(r"(?:mailto:[!-~]+@[!-~]+|https://[!-~]+)")


async def generate_key(session: Session) -> VapidKeyRecord:
    """Add a VAPID key; the newest is the current one."""
    key = await _make_key(session)
    session.log("generate", kid=key.kid, details={"vapidPublicKey": key.public_key})
    return key


async def regenerate_key(session: Session) -> VapidKeyRecord:
    """Replace the current key: delete it, end its leases, drop its subscriptions."""
    old = await read_vapid_key_in(session.unit, session.instance.record.current_kid)
    await session.unit.delete(vapid_address(old.kid))
    await drop_subscriptions(session, old.kid)
    key = await _make_key(session)
    session.log(
        "regenerate",
        kid=key.kid,
        details={"replacedKid": old.kid, "vapidPublicKey": key.public_key},
    )
    await revoke_leases_of_key(session, old.kid, reason="key.regenerated")
    return key


async def sign_jwt(session: Session, *, kid: str, payload: Mapping[str, object]) -> str:
    """Sign a JWT whose claims the caller gives; return it in compact form (RFC 7515)."""
    verify_payload(payload, now_s=session.context.clock.now_ms() // 1000)
    key = await read_vapid_key_in(session.unit, kid)
    crypto = session.context.crypto
    signing_key = await open_main_copy(
        crypto,
        key,
        mkek=await derive_mkek(crypto, session.secret),
        instance_id=session.instance.record.instance_id,
    )
    header = {"typ": "JWT", "alg": "ES256", "kid": kid}
    parts = (format_base64url(format_json(part).encode()) for part in (header, payload))
    signed = ".".join(parts)
    signature = await crypto.sign_es256(signing_key, signed.encode("ascii"))
    jti, exp = str(payload["jti"]), int(str(payload["exp"]))
    address = token_address(jti)
    if await session.unit.read(address) is not None:
        raise KMSError("jti.collision", details={"jti": jti})
    value = format_record(TokenRecord(exp=exp))
    await session.unit.write(address, value, expires_ms=exp * 1000)
    details = {"aud": payload["aud"], "exp": exp, "jti": jti}
    session.log("sign", kid=kid, details=details)
    return f"{signed}.{format_base64url(signature)}"


def verify_payload(payload: Mapping[str, object], *, now_s: int) -> None:
    """Raise KMSError ``request.invalid`` unless the claims are a VAPID token's (RFC 8292)."""
    aud, sub, exp, jti = (payload.get(name) for name in ("aud", "sub", "exp", "jti"))
    if not isinstance(aud, str) or not _is_https_origin(aud):
        raise request_invalid("payload.aud", "must be an https origin")
    if not isinstance(sub, str) or not _SUBJECT.fullmatch(sub):
        raise request_invalid("payload.sub", "must be a mailto: or https: URL")
    if type(exp) is not int or not now_s < exp <= now_s + MAX_LIFETIME_S:
        raise request_invalid("payload.exp", "must be ahead, by at most 24 hours, in seconds")
    if (
        not isinstance(jti, str)
        or not 1 <= len(jti) <= 64
        or not (jti.isascii() and jti.isprintable())
    ):
        raise request_invalid("payload.jti", "must be 1 to 64 characters of printable ASCII")
    try:
        length = len(canonical_json(payload))
    except ValueError:
        raise FieldError("payload", "has what canonical JSON (RFC 8785) lacks") from None
    if length > _MAX_PAYLOAD:
        raise request_invalid("payload", f"longer than {_MAX_PAYLOAD} bytes")


def _is_https_origin(text: str) -> bool:
    try:
        origin = parse_origin(text)
    except ValueError:
        return False
    return origin.scheme == "https" and str(origin) == text


async def _make_key(session: Session) -> VapidKeyRecord:
    crypto, record = session.context.crypto, session.instance.record
    key = await generate_vapid_key(
        crypto,
        mkek=await derive_mkek(crypto, session.secret),
        instance_id=record.instance_id,
        now_ms=session.now_ms,
    )
    await write_vapid_key(session.unit, key)
    await session.change_instance(attrs.evolve(record, current_kid=key.kid))
    return key
