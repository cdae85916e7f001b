"""Tokens for the push services that browsers use, judged by py-vapid and by a strict reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest
from cryptography.exceptions import InvalidSignature
from enclave import CONFIG, Worker, World
from oracles.vapid import VapidToken, parse_authorization, thumbprint, verify_vapid_token
from py_vapid import Vapid02

URLS = {
    "fcm": "https://fcm.googleapis.com/fcm/send/d5yuHxk:APA91bFn_-4jOWBYzGqpXTMHsQ",
    "mozilla": "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABm_yT-8w3jd0",
    "apple": "https://web.push.apple.com/QGvGGYVQz0tNmVO1bHRXFbkYGbeqhOm4dGCRDNv2Zrg",
    "wns": "https://wns2-par02p.notify.windows.com/w/?token=BQYAAACrHyfK%2bQ8n%3d%3d",
}
TTL_S = 900
BATCH = 10

Token = Mapping[str, Any]


def endpoint(service: str) -> dict[str, str]:
    url = urlsplit(URLS[service])
    return {"url": URLS[service], "aud": f"{url.scheme}://{url.netloc}", "eid": service}


@attrs.frozen
class Leased:
    """A lease for one endpoint of each service."""

    world: World
    worker: Worker
    lease_id: str

    @property
    def now_s(self) -> int:
        return self.world.clock.now_ms() // 1000

    async def issue(self, service: str) -> Token:
        token: Token = await self.worker.issue(self.lease_id, endpoint=endpoint(service))
        return token

    async def issue_batch(self, service: str) -> list[Token]:
        asked = {"leaseId": self.lease_id, "endpoint": endpoint(service), "count": BATCH}
        tokens: list[Token] = (await self.worker.call("issueVAPIDJWTs", **asked))["tokens"]
        return tokens


@pytest.fixture
async def leased(world: World) -> Leased:
    worker = await world.ready()
    subs = [endpoint(service) for service in URLS]
    return Leased(world, worker, await worker.create_lease(subs=subs))


def verify(token: Token, *, service: str, now_s: float) -> VapidToken:
    """Read the header that a relay sends, as a push service does."""
    jwt, key = parse_authorization(f"vapid t={token['jwt']}, k={token['vapidPublicKey']}")
    # py-vapid reads its own way to write it, without the space.
    assert Vapid02.verify(f"vapid t={jwt},k={key}")
    return verify_vapid_token(jwt, public_key=key, expected_endpoint=URLS[service], now_s=now_s)


@pytest.mark.parametrize("service", URLS)
async def test_token_is_one_that_the_service_takes(leased: Leased, service: str) -> None:
    token = await leased.issue(service)
    read = verify(token, service=service, now_s=leased.now_s)
    assert read.header == {"typ": "JWT", "alg": "ES256", "kid": thumbprint(token["vapidPublicKey"])}
    assert read.claims["sub"] == CONFIG["contact"]
    assert read.claims["iat"] == read.claims["nbf"] == leased.now_s
    assert read.claims["exp"] == leased.now_s + TTL_S
    assert read.claims["eid"] == service


@pytest.mark.parametrize("service", URLS)
async def test_tokens_of_a_batch_take_over_one_from_the_other(leased: Leased, service: str) -> None:
    tokens = await leased.issue_batch(service)
    # Each where its turn begins; all of them within a day of being issued.
    batch = [verify(token, service=service, now_s=token["nbf"]).claims for token in tokens]
    step_s = TTL_S * 60 // 100
    assert [claims["iat"] for claims in batch] == [leased.now_s] * BATCH
    assert [claims["nbf"] for claims in batch] == [leased.now_s + n * step_s for n in range(BATCH)]
    assert {claims["exp"] - claims["nbf"] for claims in batch} == {TTL_S}
    assert batch[-1]["exp"] <= leased.now_s + 24 * 3600
    assert len({claims["jti"] for claims in batch}) == BATCH


@pytest.mark.parametrize("service", URLS)
async def test_token_for_another_service_is_refused(leased: Leased, service: str) -> None:
    token = await leased.issue(service)
    other = next(name for name in URLS if name != service)
    with pytest.raises(ValueError, match="aud"):
        verify(token, service=other, now_s=leased.now_s)


async def test_token_that_is_a_day_old_is_refused(leased: Leased) -> None:
    token = await leased.issue("fcm")
    with pytest.raises(ValueError, match="exp"):
        verify(token, service="fcm", now_s=leased.now_s + 24 * 3600)


async def test_both_oracles_refuse_a_changed_token(leased: Leased) -> None:
    token = await leased.issue("fcm")
    head, payload, signature = token["jwt"].split(".")
    changed = f"{head}.{payload}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    assert not Vapid02.verify(f"vapid t={changed},k={token['vapidPublicKey']}")
    with pytest.raises(InvalidSignature):
        verify_vapid_token(
            changed,
            public_key=token["vapidPublicKey"],
            expected_endpoint=URLS["fcm"],
            now_s=leased.now_s,
        )
