"""Push endpoints: which URLs a lease takes, and the audience that belongs to each.

The audience of a token is the origin of the endpoint's URL (RFC 8292 section 2):
scheme, host, and the port where it is not the scheme's own. A URL that different
parsers could read differently (user information, backslashes, escapes in the host)
is refused instead of interpreted.
"""

from __future__ import annotations

import re
from typing import Final

from kms_enclave.config import is_loopback_host
from kms_enclave.errors import KMSError
from kms_enclave.structure import FieldError

__all__ = ["endpoint_origin", "verify_audience", "verify_visible_ascii"]

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[::1\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?P<rest>/[!-~]*)?",
    re.IGNORECASE,
)
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_FORBIDDEN: Final = frozenset('\\"<>^`{|}#')


def endpoint_origin(url: str, *, field: str, allow_http: bool) -> str:
    """Return the origin of an endpoint's URL. Raises FieldError.

    ``allow_http`` takes http on loopback hosts too (a development configuration).
    """
    match = _URL.fullmatch(url)
    if match is None or not _FORBIDDEN.isdisjoint(url):
        raise FieldError(field, "must be an absolute https URL without user information")
    scheme, host = match["scheme"].lower(), match["host"].lower()
    port = int(match["port"]) if match["port"] else None
    if port is not None and port > 65535:
        raise FieldError(field, "has no such port")
    if scheme == "http" and not (allow_http and is_loopback_host(host)):
        raise FieldError(field, "must be https")
    shown = "" if port in (None, _DEFAULT_PORTS[scheme]) else f":{port}"
    return f"{scheme}://{host}{shown}"


def verify_audience(*, aud: str, expected_origin: str, eid: str) -> None:
    """Raise KMSError ``aud.mismatch`` unless ``aud`` is the endpoint's origin."""
    if aud != expected_origin:
        raise KMSError("aud.mismatch", details={"eid": eid, "expected": expected_origin})


def verify_visible_ascii(value: str, *, field: str) -> None:
    """Raise FieldError unless ``value`` is printable ASCII."""
    if not value.isascii() or not value.isprintable():
        raise FieldError(field, "must be printable ASCII")
