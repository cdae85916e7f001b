"""The operator's configuration: one refusal a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kms_enclave.config import (
    CEILING_QUOTAS,
    DEFAULT_QUOTAS,
    is_loopback_host,
    parse_config,
)
from kms_enclave.structure import FieldError

from tools.server.deployment import local_config

_MINIMAL = {"parentOrigins": ["https://app.example"], "contact": "mailto:operator@app.example"}
_LIMITS = {"tokensPerHour": 5, "sendsPerMinute": 5, "burstSends": 5, "sendsPerMinutePerEid": 5}


def _fault(**changes: object) -> tuple[str, str]:
    with pytest.raises(FieldError) as caught:
        parse_config(json.dumps({**_MINIMAL, **changes}))
    return caught.value.field, caught.value.reason


def test_what_is_left_out_is_the_safe_default() -> None:
    config = parse_config(json.dumps(_MINIMAL))
    assert not config.allow_page_credentials
    assert not config.development
    assert config.max_lease_hours == 24
    assert config.quotas.default == DEFAULT_QUOTAS
    assert config.quotas.ceiling == CEILING_QUOTAS


LOCAL = json.dumps(local_config(app_port=8500, page_credentials=True))
EXAMPLE = (Path(__file__).parents[2] / "kms.config.json").read_text("utf-8")


@pytest.mark.parametrize("text", [LOCAL, EXAMPLE], ids=["the local one", "the example"])
def test_the_projects_own_configurations_take_every_known_push_service(text: str) -> None:
    known = parse_config(json.dumps(_MINIMAL)).push_services
    assert set(parse_config(text).push_services) >= set(known)


def test_a_misspelt_field_is_refused() -> None:
    assert _fault(maxLeaseHour=12) == ("maxLeaseHour", "unknown field")


def test_a_misspelt_quota_is_refused() -> None:
    ceiling = {**_LIMITS, "tokensPerHuor": 5}
    assert _fault(quotas={"ceiling": ceiling}) == ("quotas.ceiling.tokensPerHuor", "unknown field")


@pytest.mark.parametrize("text", ["", "{", "// comment\n{}", '{"maxLeaseHours": NaN}'])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(FieldError) as caught:
        parse_config(text)
    assert (caught.value.field, caught.value.reason) == ("config", "not JSON")


def test_there_must_be_a_parent_origin() -> None:
    assert _fault(parentOrigins=[]) == ("parentOrigins", "must not be empty")


@pytest.mark.parametrize(
    "origin",
    [
        "app.example",
        "https://",
        "https://app.example/",
        "https://app.example/path",
        "https://app.example?x",
        "https://user@app.example",
        "https://*.app.example",
        "*",
        "null",
        "https://APP.example",
        "https://app.example:443",
        "https://app.example:0",
        "https://app.example:65536",
        "https://app.example:x",
        "https://app.exa mple",
        "https://app.example\n",
        "https://[::1",
        "file:///",
    ],
)
def test_a_parent_origin_is_spelt_as_browsers_spell_it(origin: str) -> None:
    field, reason = _fault(parentOrigins=["https://app.example", origin])
    assert field == "parentOrigins[1]"
    assert "origin" in reason


@pytest.mark.parametrize("origin", ["https://app.example:8443", "https://xn--bcher-kva.example"])
def test_ports_and_punycode_are_origins(origin: str) -> None:
    assert parse_config(json.dumps({**_MINIMAL, "parentOrigins": [origin]})).parent_origins == (
        origin,
    )


_LOOPBACK = ["http://localhost:1", "http://app.localhost", "http://127.0.0.1:1", "http://[::1]:1"]


@pytest.mark.parametrize("origin", _LOOPBACK)
def test_http_on_loopback_is_for_development(origin: str) -> None:
    assert _fault(parentOrigins=[origin]) == ("parentOrigins[0]", "must be https")
    config = {**_MINIMAL, "parentOrigins": [origin], "development": True}
    assert parse_config(json.dumps(config)).parent_origins == (origin,)


@pytest.mark.parametrize("origin", ["http://app.example", "http://localhost.example"])
def test_http_elsewhere_is_refused_even_in_development(origin: str) -> None:
    assert _fault(parentOrigins=[origin], development=True) == (
        "parentOrigins[0]",
        "must be https",
    )


@pytest.mark.parametrize(
    "contact",
    [
        "operator@app.example",
        "mailto:",
        "https:",
        "tel:123",
        "javascript:alert(1)",
        "mailto:a@b.c\nrubbish",
        "mailto:a b@c.example",
        "mailto:ä@b.example",
        'mailto:"a"@b.example',
        "mailto:" + "a" * 300,
    ],
)
def test_the_contact_is_a_mailto_or_https_url(contact: str) -> None:
    assert _fault(contact=contact)[0] == "contact"


@pytest.mark.parametrize("hours", [0, -1, 721])
def test_the_longest_lease_is_an_hour_to_thirty_days(hours: int) -> None:
    assert _fault(maxLeaseHours=hours)[0] == "maxLeaseHours"


@pytest.mark.parametrize("minutes", [-1, 1441])
def test_a_revoked_token_is_listed_a_day_at_most(minutes: int) -> None:
    assert _fault(revokedListedMinutes=minutes)[0] == "revokedListedMinutes"


@pytest.mark.parametrize("value", [0, -5, 1_000_001])
@pytest.mark.parametrize("name", _LIMITS)
def test_a_ceiling_is_1_to_1_000_000_and_named_as_the_file_names_it(name: str, value: int) -> None:
    ceiling = {**_LIMITS, name: value}
    assert _fault(quotas={"default": _LIMITS, "ceiling": ceiling})[0] == f"quotas.ceiling.{name}"


@pytest.mark.parametrize("name", _LIMITS)
def test_a_default_over_its_ceiling_is_refused(name: str) -> None:
    quotas = {"default": {**_LIMITS, name: 6}, "ceiling": _LIMITS}
    assert _fault(quotas=quotas) == (f"quotas.default.{name}", "must be 1 to the ceiling")


@pytest.mark.parametrize("name", ["perUserPerDay", "perRelayPerHour"])
def test_a_cap_of_nothing_is_refused(name: str) -> None:
    assert _fault(quotas={name: 0}) == (f"quotas.{name}", "must be at least 1")


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "[::1]"])
def test_loopback_hosts(host: str) -> None:
    assert is_loopback_host(host)


@pytest.mark.parametrize("host", ["localhost.example", "notlocalhost", "127.0.0.1.example", ""])
def test_hosts_that_only_look_like_loopback(host: str) -> None:
    assert not is_loopback_host(host)
