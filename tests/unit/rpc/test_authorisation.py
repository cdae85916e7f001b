"""What an authentication is bound to: the call with everything in it but its secrets."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import pytest
from enclave import APP, OTHER_APP
from kms_enclave.rpc import contract
from kms_enclave.rpc.authorisation import hash_of
from kms_enclave.rpc.methods import METHODS
from kms_enclave.structure import structure

REMOVAL: Mapping[str, object] = {"enrollmentId": "enrollment:passkey-prf:v2"}
NEW = {"credentialId": "AAAA", "prfOutput": "A" * 43, "rpId": "app.example"}
ADDITION: Mapping[str, object] = {"method": "passkey-prf", "newCredentials": NEW}


def _hash(method: str, params: Mapping[str, object], origin: str = APP) -> bytes:
    return hash_of(method, structure(params, METHODS[method].params), origin)


def test_another_method_origin_or_parameter_is_another_call() -> None:
    calls = [
        _hash("removeEnrollment", REMOVAL),
        _hash("removeEnrollment", {"enrollmentId": "enrollment:passphrase:v2"}),
        _hash("removeEnrollment", REMOVAL, OTHER_APP),
        _hash("addEnrollment", ADDITION),
    ]
    assert len(set(calls)) == len(calls)


@pytest.mark.parametrize("change", [{"credentialId": "BBBB"}, {"rpId": "other.example"}])
def test_the_public_part_of_what_is_enrolled_belongs_to_the_call(change: dict[str, str]) -> None:
    other = {**ADDITION, "newCredentials": {**NEW, **change}}
    assert _hash("addEnrollment", other) != _hash("addEnrollment", ADDITION)


@pytest.mark.parametrize(
    "secret",
    [
        {"credentials": {"method": "passphrase", "passphrase": "correct horse battery"}},
        {"newCredentials": {**NEW, "prfOutput": "B" * 43}},
        {"newCredentials": {**NEW, "passphrase": "correct horse battery"}},
    ],
)
def test_no_secret_belongs_to_it(secret: dict[str, object]) -> None:
    assert _hash("addEnrollment", {**ADDITION, **secret}) == _hash("addEnrollment", ADDITION)


def test_no_secret_shows_in_a_representation() -> None:
    classes = [cls for cls in vars(contract).values() if isinstance(cls, type) and attrs.has(cls)]
    secrets = {
        f"{cls.__name__}.{field.name}": field.repr
        for cls in classes
        for field in attrs.fields(cls)
        if field.name in ("passphrase", "new_passphrase", "prf_output")
    }
    assert len(secrets) == 6
    assert not any(secrets.values()), secrets
