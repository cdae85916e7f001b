"""The origin of a URL: scheme, host, and the port where it is not the scheme's own.

RFC 6454, spelt as browsers spell it. A URL that two parsers could read differently
(user information, backslashes, escapes or non-ASCII letters in the host, numbers that
are another spelling of an IPv4 address) is refused instead of interpreted.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

__all__ = ["Origin", "parse_origin"]

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[::1\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?P<rest>/[!-~]*)?",
    re.IGNORECASE | re.ASCII,  # Without ASCII, ſ and the Kelvin sign are letters here.
)
_MAX_HOST: Final = 253
"""What DNS can hold; a longer one nobody reaches, and a prompt would have to show it."""
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_FORBIDDEN: Final = frozenset('\\"<>^`{|}#')
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_OCTET: Final = re.compile(r"0|[1-9][0-9]{0,2}")


@attrs.frozen
class Origin:
    """``host`` is in lower case, ``port`` ``None`` for the scheme's own."""

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")


def parse_origin(url: str) -> Origin:
    """Return the origin of an absolute http or https URL. Raises ValueError."""
    match = _URL.fullmatch(url)
    if match is None or not _FORBIDDEN.isdisjoint(url):
        raise ValueError("not an absolute URL without user information")
    scheme, host = match["scheme"].lower(), match["host"].lower()
    if not _has_one_reading(host):
        raise ValueError("the host is not spelt as browsers spell it")
    port = int(match["port"] or _DEFAULT_PORTS[scheme])
    if port > 65535:
        raise ValueError("there is no such port")
    return Origin(scheme, host, None if port == _DEFAULT_PORTS[scheme] else port)


def _has_one_reading(host: str) -> bool:
    labels = host.split(".")
    if "" in labels or len(host) > _MAX_HOST:
        return False
    if not _NUMBER.fullmatch(labels[-1]):
        return True
    # What ends in a number is an IPv4 address to browsers, also as 127.1 or 0x7f000001.
    return len(labels) == 4 and all(
        _OCTET.fullmatch(label) and int(label) <= 255 for label in labels
    )
