"""URLs whose origin everybody reads alike, and those that are refused for lack of it."""

from __future__ import annotations

import pytest
from kms_enclave.origin import parse_origin


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://push.example/x", "https://push.example"),
        ("https://push.example", "https://push.example"),
        ("HTTPS://Push.Example/X", "https://push.example"),
        ("https://push.example:443/x", "https://push.example"),
        ("https://push.example:8443/x?y=z", "https://push.example:8443"),
        ("http://push.example:80/", "http://push.example"),
        ("http://push.example:443/", "http://push.example:443"),
        ("https://127.0.0.1:1/x", "https://127.0.0.1:1"),
        ("https://[::1]:1/x", "https://[::1]:1"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example"),
        ("https://1.example/", "https://1.example"),
        ("https://push.example/a@b:c", "https://push.example"),
    ],
)
def test_the_origin_is_scheme_host_and_a_port_that_is_not_the_schemes(
    url: str, origin: str
) -> None:
    assert str(parse_origin(url)) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "push.example/x",
        "//push.example/x",
        "https:/push.example/x",
        "https:///x",
        "https://",
        "ftp://push.example/x",
        "javascript:alert(1)",
        "data:text/plain,x",
        "https://user@push.example/x",
        "https://user:word@push.example/x",
        "https://push.example@evil.example/x",
        "https://push.example\\@evil.example/x",
        "https://push.example\\x",
        "https://push.example#@evil.example/",
        "https://push.example/x#fragment",
        "https://push.example?x",
        "https://push.example./x",
        "https://push..example/x",
        "https://.push.example/x",
        "https://-push.example/x",
        "https://push%2eexample/x",
        "https://push.example:/x",
        "https://push.example:0/x",
        "https://push.example:080/x",
        "https://push.example:65536/x",
        "https://push.example:99999/x",
        "https://push.example:443:443/x",
        "https://push.example /x",
        " https://push.example/x",
        "https://push.example/x\n",
        "https://push.example/\tx",
        "https://push.example/ü",
        "https://bücher.example/x",
        "https://\u212aaf.example/x",
        "http\u017f://push.example/x",
        "https://push\u3002example/x",
        "https://push.example/\x00",
        "https://2130706433/x",
        "https://127.1/x",
        "https://0x7f.0.0.1/x",
        "https://0177.0.0.1/x",
        "https://127.0.0.256/x",
        "https://1.2.3.4.5/x",
        "https://push.0x1/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[::1/x",
        "https://push.example/{x}",
    ],
)
def test_a_url_that_parsers_could_read_differently_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"not|no such"):
        parse_origin(url)
