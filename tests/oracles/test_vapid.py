"""The strict reader of tokens refuses what RFC 8292 does not allow, one fault at a time.

The tokens here are signed by a key of the tests, so that each fault is the only one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from oracles.vapid import (
    encode_base64url,
    parse_authorization,
    verify_vapid_token,
)

KEY = ec.derive_private_key(20_260_101, ec.SECP256R1())
POINT = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
PUBLIC_KEY = encode_base64url(POINT)
ENDPOINT = "https://fcm.googleapis.com/fcm/send/abcdefgh"
NOW_S = 1_800_000_000
HEADER = {"typ": "JWT", "alg": "ES256"}
CLAIMS = {
    "aud": "https://fcm.googleapis.com",
    "sub": "mailto:ops@example.com",
    "iat": NOW_S,
    "nbf": NOW_S,
    "exp": NOW_S + 900,
    "jti": "one of its own",
}


def encode(value: object) -> str:
    return encode_base64url(json.dumps(value).encode())


def sign(head: str, payload: str) -> str:
    der = KEY.sign(f"{head}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
    r, s = utils.decode_dss_signature(der)
    return f"{head}.{payload}.{encode_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def token(header: Mapping[str, object] = HEADER, claims: Mapping[str, object] = CLAIMS) -> str:
    return sign(encode(header), encode(claims))


def verify(jwt: str, *, public_key: str = PUBLIC_KEY, endpoint: str = ENDPOINT) -> None:
    verify_vapid_token(jwt, public_key=public_key, expected_endpoint=endpoint, now_s=NOW_S)


def without(fields: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in fields.items() if key != name}


def test_a_token_without_fault_passes():
    verify(token())


@pytest.mark.parametrize("name", ["iat", "nbf", "jti"])
def test_claims_that_rfc_8292_does_not_ask_for_may_be_missing(name: str):
    verify(token(claims=without(CLAIMS, name)))


@pytest.mark.parametrize("name", ["aud", "exp", "sub"])
def test_missing_claim_is_refused(name: str):
    with pytest.raises(ValueError, match=name):
        verify(token(claims=without(CLAIMS, name)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("aud", "https://fcm.googleapis.com/"),
        ("aud", ENDPOINT),
        ("aud", "https://web.push.apple.com"),
        ("aud", "http://fcm.googleapis.com"),
        ("aud", "https://FCM.googleapis.com"),
        ("aud", ["https://fcm.googleapis.com"]),
        ("exp", NOW_S),
        ("exp", NOW_S - 1),
        ("exp", NOW_S + 24 * 3600 + 1),
        ("exp", (NOW_S + 900) * 1000),
        ("exp", NOW_S + 900.5),
        ("exp", str(NOW_S + 900)),
        ("exp", True),
        ("nbf", NOW_S + 1),
        ("nbf", str(NOW_S)),
        ("iat", NOW_S + 1),
        ("iat", None),
        ("sub", ""),
        ("sub", "mailto:"),
        ("sub", "ops@example.com"),
        ("sub", "mailto:ops@example.com\nrubbish"),
        ("sub", "mailto:<ops@example.com>"),
        ("sub", "http://example.com/contact"),
        ("sub", "https:"),
        ("sub", ["mailto:ops@example.com"]),
        ("jti", 5),
    ],
)
def test_wrong_claim_is_refused(name: str, value: object):
    with pytest.raises(ValueError, match=name):
        verify(token(claims={**CLAIMS, name: value}))


@pytest.mark.parametrize(
    "header",
    [
        without(HEADER, "alg"),
        {**HEADER, "alg": "es256"},
        {**HEADER, "alg": "ES384"},
        {**HEADER, "alg": "none"},
        {**HEADER, "typ": "JOSE"},
        {**HEADER, "crit": ["exp"]},
        {**HEADER, "b64": False},
    ],
)
def test_wrong_header_is_refused(header: Mapping[str, object]):
    with pytest.raises(ValueError, match="header"):
        verify(token(header))


@pytest.mark.parametrize(
    ("name", "mutate"),
    [
        ("padded", lambda h, p, s: (f"{h}==", p, s)),
        ("signature-padded", lambda h, p, s: (h, p, f"{s}==")),
        ("of-two-parts", lambda h, p, _: (h, p)),
        ("of-four-parts", lambda h, p, s: (h, p, s, s)),
        ("without-signature", lambda h, p, _: (h, p, "")),
        ("signature-of-63-bytes", lambda h, p, s: (h, p, encode_base64url(bytes(63)))),
        ("signature-of-65-bytes", lambda h, p, s: (h, p, encode_base64url(bytes(65)))),
        ("signature-in-base64", lambda h, p, s: (h, p, f"+{s[1:]}")),
        ("last-bits-set", lambda h, p, s: (h, p, f"{s[:-1]}{chr(ord(s[-1]) + 1)}")),
        ("with-a-line", lambda h, p, s: (h, f"{p}\n", s)),
        ("not-ascii", lambda h, p, s: (h, f"{p}é", s)),
    ],
)
def test_malformed_serialization_is_refused(name: str, mutate: Callable[..., tuple[str, ...]]):
    with pytest.raises(ValueError):  # noqa: PT011 - each decoder has words of its own
        verify(".".join(mutate(*token().split("."))))


@pytest.mark.parametrize("text", ["[]", "1", "null", '{"alg":"ES256","alg":"ES256"}', "{", ""])
def test_part_that_is_no_json_object_is_refused(text: str):
    with pytest.raises(ValueError):  # noqa: PT011
        verify(sign(encode_base64url(text.encode()), encode(CLAIMS)))


@pytest.mark.parametrize("changed", ["header", "claims", "signature"])
def test_changed_part_is_refused(changed: str):
    head, payload, signature = token().split(".")
    if changed == "header":
        head = encode({**HEADER, "kid": "another"})
    elif changed == "claims":
        payload = encode({**CLAIMS, "exp": NOW_S + 901})
    else:
        signature = encode_base64url(bytes(31) + b"\1" + bytes(31) + b"\1")
    with pytest.raises(InvalidSignature):
        verify(f"{head}.{payload}.{signature}")


def test_key_of_somebody_else_is_refused():
    other = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    point = other.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    with pytest.raises(InvalidSignature):
        verify(token(), public_key=encode_base64url(point))


@pytest.mark.parametrize(
    "point",
    [
        KEY.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
        POINT[1:],
        POINT[:-1] + bytes([POINT[-1] ^ 1]),
    ],
    ids=["compressed", "without-its-form", "not-on-the-curve"],
)
def test_key_in_another_form_is_refused(point: bytes):
    with pytest.raises(ValueError):  # noqa: PT011
        verify(token(), public_key=encode_base64url(point))


def test_authorization_gives_token_and_key():
    jwt = token()
    assert parse_authorization(f"vapid t={jwt}, k={PUBLIC_KEY}") == (jwt, PUBLIC_KEY)


@pytest.mark.parametrize(
    "header",
    [
        "WebPush a.b.c",
        "Bearer t=a.b.c, k=d",
        "vapid t=a.b.c",
        "vapid k=d, t=a.b.c",
        "vapid t=a.b.c; k=d",
        "vapid t=a.b.c, k=d==",
        "vapid t=a.b.c, k=d\n",
        "vapid t=, k=d",
    ],
)
def test_other_authorization_is_refused(header: str):
    with pytest.raises(ValueError, match="vapid t="):
        parse_authorization(header)
