"""Endpoints of a lease: https, and an audience that is their origin."""

from __future__ import annotations

import pytest
from kms_enclave.errors import KMSError
from kms_enclave.leases.endpoint import endpoint_origin, verify_audience, verify_visible_ascii
from kms_enclave.structure import FieldError


def test_the_origin_of_an_endpoint_is_its_urls() -> None:
    url = "https://Push.example:443/send/secret"
    assert endpoint_origin(url, field="url", allow_http=False) == "https://push.example"


def test_a_url_that_is_none_is_refused_by_its_field() -> None:
    with pytest.raises(FieldError) as caught:
        endpoint_origin("https://user@push.example/", field="subs[3].url", allow_http=True)
    assert caught.value.field == "subs[3].url"


@pytest.mark.parametrize("url", ["http://localhost:1/x", "http://[::1]:1/x"])
def test_http_is_for_loopback_in_development(url: str) -> None:
    assert endpoint_origin(url, field="url", allow_http=True) == url.removesuffix("/x")
    with pytest.raises(FieldError, match="must be https"):
        endpoint_origin(url, field="url", allow_http=False)


@pytest.mark.parametrize("url", ["http://push.example/", "http://localhost.push.example/"])
def test_http_elsewhere_is_refused_even_in_development(url: str) -> None:
    with pytest.raises(FieldError, match="must be https"):
        endpoint_origin(url, field="url", allow_http=True)


def test_an_origin_too_long_for_a_token_is_refused() -> None:
    longest = "https://" + "a" * 84 + ".example"
    assert endpoint_origin(f"{longest}/x", field="url", allow_http=False) == longest
    with pytest.raises(FieldError, match="longer than 100"):
        endpoint_origin(f"{longest}s/x", field="url", allow_http=False)


@pytest.mark.parametrize(
    "aud",
    [
        "https://push.example/",
        "https://push.example:443",
        "https://PUSH.example",
        "http://push.example",
        "https://push.example.evil.example",
        "",
    ],
)
def test_an_audience_that_is_not_the_origin_is_refused_and_told_the_origin(aud: str) -> None:
    with pytest.raises(KMSError) as caught:
        verify_audience(aud=aud, expected_origin="https://push.example", eid="e")
    assert caught.value.code == "aud.mismatch"
    assert caught.value.details == {"eid": "e", "expected": "https://push.example"}


@pytest.mark.parametrize("value", ["ü", "a\n", "\x7f", "\u202e"])
def test_an_id_is_printable_ascii(value: str) -> None:
    with pytest.raises(FieldError, match="printable ASCII"):
        verify_visible_ascii(value, field="eid")
