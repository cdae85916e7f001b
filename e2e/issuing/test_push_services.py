"""Tokens for the push services that browsers use, judged by py-vapid and by a strict reader."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest
from oracles.vapid import parse_authorization, verify_vapid_token
from playwright.sync_api import Browser
from py_vapid import Vapid02

from e2e.conftest import open_page_in
from e2e.driving.enclave import PASSPHRASE, ROOMY, EnclavePage, lease_params
from web.server.serving import LocalServer

URLS = {
    "fcm": "https://fcm.googleapis.com/fcm/send/d5yuHxk:APA91bFn_-4jOWBYzGqpXTMHsQ",
    "mozilla": "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABm_yT-8w3jd0",
    "apple": "https://web.push.apple.com/QGvGGYVQz0tNmVO1bHRXFbkYGbeqhOm4dGCRDNv2Zrg",
    "wns": "https://wns2-par02p.notify.windows.com/w/?token=BQYAAACrHyfK%2bQ8n%3d%3d",
}
CONTACT = "mailto:developer@localhost"
TTL_S = 900
BATCH = 10

Token = Mapping[str, Any]


@attrs.frozen
class Leased:
    """A lease for one endpoint of each service."""

    page: EnclavePage
    lease_id: str

    def issue(self, service: str) -> Token:
        return self.page.call("issueVAPIDJWT", self._asked(service)).value

    def issue_batch(self, service: str) -> list[Token]:
        asked = {**self._asked(service), "count": BATCH}
        return self.page.call("issueVAPIDJWTs", asked).value

    def _asked(self, service: str) -> dict[str, object]:
        return {"leaseId": self.lease_id, "endpoint": endpoint(service)}


def endpoint(service: str) -> dict[str, str]:
    url = urlsplit(URLS[service])
    return {"url": URLS[service], "aud": f"{url.scheme}://{url.netloc}", "eid": service}


@pytest.fixture(scope="module")
def leased(chromium: Browser, server: LocalServer) -> Iterator[Leased]:
    with contextlib.closing(chromium.new_context()) as context:
        page = open_page_in(context, app_origin=server.app_origin, kms_origin=server.kms_origin)
        assert page.open_sdk().code is None
        assert page.call("setupPassphrase", PASSPHRASE).code is None
        asked = lease_params(subs=[endpoint(service) for service in URLS], quotas=ROOMY)
        yield Leased(page, page.call("createLease", asked).value["leaseId"])


def verify(token: Token, *, service: str, now_s: float) -> Mapping[str, Any]:
    """Read the header that a relay sends, as a push service does; return the claims."""
    jwt, key = parse_authorization(f"vapid t={token['jwt']}, k={token['vapidPublicKey']}")
    # py-vapid reads its own way to write it, without the space.
    assert Vapid02.verify(f"vapid t={jwt},k={key}")
    read = verify_vapid_token(jwt, public_key=key, expected_endpoint=URLS[service], now_s=now_s)
    return read.claims


@pytest.mark.parametrize("service", URLS)
def test_token_is_one_that_the_service_takes(leased: Leased, service: str):
    before_s = int(time.time())
    token = leased.issue(service)
    claims = verify(token, service=service, now_s=time.time())
    assert claims["sub"] == CONTACT
    assert before_s <= claims["iat"] == claims["nbf"] <= time.time()
    assert claims["exp"] == claims["nbf"] + TTL_S
    assert claims["eid"] == service


@pytest.mark.parametrize("service", URLS)
def test_tokens_of_a_batch_take_over_one_from_the_other(leased: Leased, service: str):
    tokens = leased.issue_batch(service)
    # Each where its turn begins; all of them within a day of being issued, and issued by now.
    batch = [verify(token, service=service, now_s=token["nbf"]) for token in tokens]
    issued_s = batch[0]["iat"]
    assert issued_s <= time.time()
    assert [claims["iat"] for claims in batch] == [issued_s] * BATCH
    step_s = TTL_S * 60 // 100
    assert [claims["nbf"] for claims in batch] == [issued_s + n * step_s for n in range(BATCH)]
    assert {claims["exp"] - claims["nbf"] for claims in batch} == {TTL_S}
    assert batch[-1]["exp"] <= issued_s + 24 * 3600
    assert len({claims["jti"] for claims in batch}) == BATCH


@pytest.mark.parametrize("service", URLS)
def test_token_for_another_service_is_refused(leased: Leased, service: str):
    token = leased.issue(service)
    other = next(name for name in URLS if name != service)
    with pytest.raises(ValueError, match="aud"):
        verify(token, service=other, now_s=time.time())


def test_token_that_is_a_day_old_is_refused(leased: Leased):
    with pytest.raises(ValueError, match="exp"):
        verify(leased.issue("fcm"), service="fcm", now_s=time.time() + 24 * 3600)
