"""What a lease may be asked for: one refusal a test."""

from __future__ import annotations

import json
import math

import pytest
from enclave import CONFIG
from kms_enclave.config import Config, parse_config
from kms_enclave.errors import KMSError
from kms_enclave.leases.creation import LeaseRequest, in_words
from kms_enclave.leases.lease import Endpoint, resolve_quotas, verify_subs, verify_ttl
from kms_enclave.structure import FieldError

_CONFIG: Config = parse_config(json.dumps(CONFIG))
_DEVELOPMENT: Config = parse_config(json.dumps({**CONFIG, "development": True}))


def _sub(**changes: str) -> Endpoint:
    return Endpoint(
        **{"url": "https://push.example/x", "aud": "https://push.example", "eid": "e", **changes}
    )


@pytest.mark.parametrize(
    ("hours", "ms"), [(24, 86_400_000), (0.5, 1_800_000), (1 / 3600, 1000), (1 / 3, 1_200_000)]
)
def test_a_length_in_hours_becomes_milliseconds(hours: float, ms: int) -> None:
    assert verify_ttl(hours, config=_CONFIG) == ms


_TOO_SHORT = "Lease TTL must be at least one second"
_TOO_LONG = "Lease TTL exceeds maximum of 24 hours"


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        *((hours, _TOO_SHORT) for hours in (0, -1, -0.001, 1e-9, 0.000277, -math.inf, math.nan)),
        *((hours, _TOO_LONG) for hours in (24.0001, 1e9, math.inf)),
    ],
)
def test_a_lease_lasts_a_second_at_least_and_at_most_the_cap(hours: float, message: str) -> None:
    with pytest.raises(KMSError) as caught:
        verify_ttl(hours, config=_CONFIG)
    assert (caught.value.code, caught.value.message) == ("lease.limit", message)
    assert caught.value.details["maxHours"] == 24


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (12, "12 hours"),
        (1, "1 hour"),
        (0.5, "0.5 hours"),
        (1 / 120, "30 seconds"),
        (1 / 3600, "1 second"),
    ],
)
def test_the_user_reads_how_long_a_lease_is(hours: float, words: str) -> None:
    request = LeaseRequest(user_id="u", subs=[_sub()], ttl_hours=hours, quotas={})
    assert in_words(request) == f"Create a lease of {words} for 1 endpoint"


@pytest.mark.parametrize("count", [1, 64])
def test_1_to_64_endpoints_are_taken(count: int) -> None:
    verify_subs([_sub(eid=str(number)) for number in range(count)], config=_CONFIG)


def test_no_endpoint_is_refused() -> None:
    with pytest.raises(FieldError) as caught:
        verify_subs([], config=_CONFIG)
    assert caught.value.field == "subs"


def test_65_endpoints_are_over_the_limit() -> None:
    with pytest.raises(KMSError) as caught:
        verify_subs([_sub(eid=str(number)) for number in range(65)], config=_CONFIG)
    assert caught.value.code == "lease.limit"


def test_an_id_stands_once() -> None:
    with pytest.raises(FieldError) as caught:
        verify_subs([_sub(), _sub(eid="f"), _sub()], config=_CONFIG)
    assert (caught.value.field, caught.value.reason) == ("subs[2].eid", "stands twice")


def test_an_id_is_printable_ascii() -> None:
    with pytest.raises(FieldError) as caught:
        verify_subs([_sub(eid="\u202e")], config=_CONFIG)
    assert caught.value.field == "subs[0].eid"


@pytest.mark.parametrize("url", ["http://push.example/x", "https://u@push.example/x", "x"])
def test_an_endpoint_is_an_https_url(url: str) -> None:
    with pytest.raises(FieldError) as caught:
        verify_subs([_sub(url=url)], config=_CONFIG)
    assert caught.value.field == "subs[0].url"


def test_http_on_loopback_is_for_development() -> None:
    sub = _sub(url="http://localhost:9/x", aud="http://localhost:9")
    verify_subs([sub], config=_DEVELOPMENT)
    with pytest.raises(FieldError):
        verify_subs([sub], config=_CONFIG)


def test_an_audience_is_the_urls_origin() -> None:
    with pytest.raises(KMSError) as caught:
        verify_subs([_sub(aud="https://other.example")], config=_CONFIG)
    assert caught.value.code == "aud.mismatch"
    assert caught.value.details["expected"] == "https://push.example"


def test_quotas_not_asked_for_are_the_operators() -> None:
    quotas = resolve_quotas({"tokens_per_hour": 7}, config=_CONFIG)
    assert quotas.tokens_per_hour == 7
    assert quotas.burst_sends == _CONFIG.quotas.default.burst_sends


@pytest.mark.parametrize("value", [0, -1, 1001])
def test_a_quota_is_1_to_the_ceiling(value: int) -> None:
    with pytest.raises(FieldError) as caught:
        resolve_quotas({"tokens_per_hour": value}, config=_CONFIG)
    assert (caught.value.field, caught.value.reason) == (
        "quotas.tokensPerHour",
        "must be 1 to 1000",
    )
