"""Push endpoints: which URLs a lease takes, and the audience that belongs to each.

The audience of a token is the origin of the endpoint's URL (RFC 8292 section 2).
"""

from __future__ import annotations

from typing import Final

from kms_enclave.config import is_loopback_host
from kms_enclave.errors import KMSError
from kms_enclave.origin import parse_origin
from kms_enclave.structure import FieldError

__all__ = ["endpoint_origin", "verify_audience", "verify_visible_ascii"]

_MAX_ORIGIN_LENGTH: Final = 100
"""The longest audience with which every token stays under 1000 bytes."""


def endpoint_origin(url: str, *, field: str, allow_http: bool) -> str:
    """Return the origin of an endpoint's URL. Raises FieldError.

    ``allow_http`` takes http on loopback hosts too (a development configuration).
    """
    try:
        origin = parse_origin(url)
    except ValueError:
        raise FieldError(field, "must be an absolute https URL without user information") from None
    if origin.scheme == "http" and not (allow_http and is_loopback_host(origin.host)):
        raise FieldError(field, "must be https")
    if len(str(origin)) > _MAX_ORIGIN_LENGTH:
        raise FieldError(field, f"its origin is longer than {_MAX_ORIGIN_LENGTH} characters")
    return str(origin)


def verify_audience(*, aud: str, expected_origin: str, eid: str) -> None:
    """Raise KMSError ``aud.mismatch`` unless ``aud`` is the endpoint's origin."""
    if aud != expected_origin:
        raise KMSError("aud.mismatch", details={"eid": eid, "expected": expected_origin})


def verify_visible_ascii(value: str, *, field: str) -> None:
    """Raise FieldError unless ``value`` is printable ASCII."""
    if not value.isascii() or not value.isprintable():
        raise FieldError(field, "must be printable ASCII")
