"""signJWT: the caller's claims, checked as RFC 8292 wants them, and signed as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from enclave import CREDENTIALS, PASSPHRASE, Refusal, Worker, World
from forging import unb64
from kms_enclave.errors import KMSError
from kms_enclave.push.operations import verify_payload
from kms_enclave.structure import FieldError
from user import User, payload, verify_jwt

NOW_S = 1_900_000_000
LEFT_OUT = object()


def claims(**changes: object) -> dict[str, object]:
    given = payload(NOW_S * 1000, **changes)
    return {name: value for name, value in given.items() if value is not LEFT_OUT}


def field_of_refusal(**changes: object) -> str:
    try:
        verify_payload(claims(**changes), now_s=NOW_S)
    except FieldError as error:
        return error.field
    except KMSError as error:
        return str(error.details.get("field", error.code))
    return "taken"


async def signed(worker: Worker, **changes: object) -> Any:
    kid = (await worker.call("getVAPIDKid"))["kid"]
    return await worker.call("signJWT", kid=kid, payload=claims(**changes), credentials=CREDENTIALS)


async def refused(worker: Worker, **changes: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await signed(worker, **changes)
    return caught.value


@pytest.mark.parametrize("ahead_s", [1, 60, 86_400])
def test_exp_is_ahead_by_at_most_24_hours(ahead_s: int) -> None:
    assert field_of_refusal(exp=NOW_S + ahead_s) == "taken"


@pytest.mark.parametrize(
    "exp",
    [
        NOW_S,
        NOW_S - 1,
        0,
        -1,
        NOW_S + 86_401,
        (NOW_S + 60) * 1000,
        float(NOW_S + 60),
        str(NOW_S + 60),
        True,
        None,
        LEFT_OUT,
        [NOW_S + 60],
    ],
)
def test_another_exp_is_refused(exp: object) -> None:
    assert field_of_refusal(exp=exp) == "payload.exp"


@pytest.mark.parametrize(
    "aud",
    [
        "https://push.example",
        "https://push.example:8443",
        "https://127.0.0.1:1",
        "https://xn--bcher-kva.example",
        f"https://{'a.' * 126}a:65535",
    ],
)
def test_aud_is_an_https_origin(aud: str) -> None:
    assert field_of_refusal(aud=aud) == "taken"


@pytest.mark.parametrize(
    "aud",
    [
        "http://push.example",
        "https://push.example/",
        "https://push.example/path",
        "https://push.example?query",
        "https://push.example#fragment",
        "https://push.example\n",
        "https://push.example\nrubbish",
        "\nhttps://push.example",
        " https://push.example",
        "https://user@push.example",
        "https://push.example:443",
        "https://push.example:0",
        "https://push.example:99999",
        "https://push.example:",
        "https://PUSH.example",
        "https://push..example",
        "https://push.example.",
        "https://-",
        f"https://{'a.' * 126}aa",
        "https://0x7f.1",
        "https://b\u00fccher.example",
        "https://",
        "push.example",
        "",
        7,
        None,
        LEFT_OUT,
        ["https://push.example"],
    ],
)
def test_another_aud_is_refused(aud: object) -> None:
    assert field_of_refusal(aud=aud) == "payload.aud"


@pytest.mark.parametrize(
    "sub", ["mailto:a@b.example", "https://app.example", "https://app.example/contact"]
)
def test_sub_is_a_mailto_or_https_url(sub: str) -> None:
    assert field_of_refusal(sub=sub) == "taken"


@pytest.mark.parametrize(
    "sub",
    [
        "mailto:a@b.c\n",
        "mailto:a@b.c\nrubbish",
        "rubbish\nmailto:a@b.c",
        "mailto:a@b.c rubbish",
        "mailto:a",
        "mailto:@",
        "mailto:",
        "MAILTO:a@b.c",
        "http://app.example",
        "https://",
        "https://app.example\r\nX: y",
        "javascript:alert(1)",
        "mailto:\u00fc@b.c",
        "",
        None,
        LEFT_OUT,
        {"mailto": "a@b.c"},
    ],
)
def test_another_sub_is_refused(sub: object) -> None:
    assert field_of_refusal(sub=sub) == "payload.sub"


@pytest.mark.parametrize("jti", ["a", "x" * 64, "with blanks, and !"])
def test_jti_is_1_to_64_printable_characters(jti: str) -> None:
    assert field_of_refusal(jti=jti) == "taken"


@pytest.mark.parametrize("jti", ["", "x" * 65, "a\n", "a\x00", "\u00fc", 5, None, LEFT_OUT, True])
def test_another_jti_is_refused(jti: object) -> None:
    assert field_of_refusal(jti=jti) == "payload.jti"


@pytest.mark.parametrize(
    "more",
    ["x" * 5000, "\U0001f600" * 1200, 2**53, 10**400, float("inf"), "\ud800", {"\ud800": 1}],
    ids=lambda more: repr(more)[:12],
)
def test_more_than_4096_bytes_and_what_is_not_canonical_json_are_refused(more: object) -> None:
    assert field_of_refusal(more=more) == "payload"


async def test_extra_claims_are_signed_as_they_are(world: World) -> None:
    worker = await world.ready()
    extra = {"iat": 1, "nbf": 2, "nested": {"a": [None, True, "\u00fc"]}, "__proto__": {"a": 1}}
    jwt = (await signed(worker, **extra))["jwt"]
    public = unb64((await worker.call("getPublicKey"))["publicKey"])
    assert verify_jwt(jwt, public) == claims(**extra)


async def test_the_header_names_the_key(world: World) -> None:
    worker = await world.ready()
    jwt = (await signed(worker))["jwt"]
    kid = (await worker.call("getVAPIDKid"))["kid"]
    assert json.loads(unb64(jwt.split(".")[0])) == {"typ": "JWT", "alg": "ES256", "kid": kid}


async def test_an_older_key_still_signs(world: World) -> None:
    worker = await world.ready()
    kid = (await worker.call("getVAPIDKid"))["kid"]
    public = (await worker.call("getPublicKey"))["publicKey"]
    await worker.call("generateVAPID", credentials=CREDENTIALS)
    made = await worker.call("signJWT", kid=kid, payload=claims(), credentials=CREDENTIALS)
    assert verify_jwt(made["jwt"], unb64(public))


async def test_an_unknown_key_is_not_found_and_signs_nothing(world: World) -> None:
    worker = await world.ready()
    before = len(await worker.log())
    with pytest.raises(Refusal) as caught:
        await worker.call("signJWT", kid="unknown", payload=claims(), credentials=CREDENTIALS)
    assert caught.value.code == "key.not.found"
    assert len(await worker.log()) == before


async def test_a_token_id_is_used_once(world: World) -> None:
    worker = await world.ready()
    await signed(worker)
    before = len(await worker.log())
    assert (await refused(worker, aud="https://other.example")).code == "jti.collision"
    assert len(await worker.log()) == before
    assert await signed(worker, jti="another")


async def test_a_token_id_of_an_issued_token_is_taken(world: World) -> None:
    worker = await world.ready()
    token = await worker.issue(await worker.create_lease())
    assert (await refused(worker, jti=token["jti"])).code == "jti.collision"


async def test_the_log_says_what_was_signed_for_whom_by_the_users_key(world: World) -> None:
    worker = await world.ready()
    await signed(worker, secret="not for the log")
    entry = (await worker.log())[-1]
    assert (entry["op"], entry["signer"]) == ("sign", "UAK")
    assert "not for the log" not in json.dumps(entry)
    given = claims()
    assert entry["details"].items() >= {n: given[n] for n in ("aud", "exp", "jti")}.items()


async def test_claims_are_refused_before_the_user_is_asked(world: World) -> None:
    worker = await world.ready()
    worker.user = User(uses=PASSPHRASE)
    with pytest.raises(Refusal):
        await worker.call("signJWT", kid="k", payload=claims(exp=0))
    assert not worker.asked
