"""What a page passes for a new enrollment, checked against the method that it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kms_enclave.encoding import format_base64url
from kms_enclave.enrollment.addition import AdditionRequest, PagePasskey
from kms_enclave.errors import request_invalid
from kms_enclave.rpc import contract
from kms_enclave.rpc.authorisation import parse_bytes
from kms_enclave.structure import unstructure
from kms_enclave.unlock.master_secret import PRF_OUTPUT_LENGTH
from kms_enclave.unlock.record import GATE, PASSPHRASE, PRF

__all__ = ["to_addition"]

_FIELD: Final = "newCredentials"
_WANTED: Final[Mapping[str, tuple[str, ...]]] = {
    PASSPHRASE: ("passphrase",),
    PRF: ("credentialId", "prfOutput", "rpId"),
}


def to_addition(params: contract.AddEnrollmentParams) -> AdditionRequest:
    """Return what to add. Raises KMSError ``request.invalid`` with the field.

    A field of another method is refused: whoever passes it expects that it counts.
    """
    given = params.new_credentials
    if given is None:
        return AdditionRequest(params.method)
    if params.method == GATE:
        raise request_invalid(
            _FIELD, "a gate is created by the enclave; nobody could verify a page's"
        )
    wanted, present = _WANTED[params.method], unstructure(given)
    for name in sorted(present.keys() - set(wanted)):
        raise request_invalid(f"{_FIELD}.{name}", f"unknown field for {params.method}")
    for name in wanted:
        if name not in present:
            raise request_invalid(f"{_FIELD}.{name}", "missing")
    if params.method == PASSPHRASE:
        return AdditionRequest(params.method, passphrase=given.passphrase)
    return AdditionRequest(params.method, page_passkey=_page_passkey(given))


def _page_passkey(given: contract.NewCredentials) -> PagePasskey:
    prf_output = parse_bytes(given.prf_output or "", field=f"{_FIELD}.prfOutput")
    if len(prf_output) != PRF_OUTPUT_LENGTH:
        raise request_invalid(f"{_FIELD}.prfOutput", f"must be {PRF_OUTPUT_LENGTH} bytes")
    credential_id = parse_bytes(given.credential_id or "", field=f"{_FIELD}.credentialId")
    if not credential_id:
        raise request_invalid(f"{_FIELD}.credentialId", "must not be empty")
    return PagePasskey(format_base64url(credential_id), prf_output, given.rp_id or "")
