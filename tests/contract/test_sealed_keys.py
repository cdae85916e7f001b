"""The serialised form of native key handles: a pair of parser and writer."""

import pytest
from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.adapters.native.sealed import format_handle, parse_handle
from kms_enclave.ports.crypto import KeyHandle

from .materials import make_materials


async def _handles() -> list[KeyHandle]:
    crypto = NativeCrypto()
    made = await make_materials(crypto)
    audit = (await crypto.generate_audit_key()).private
    return [made.keys.kek, made.keys.kcv_key, made.secret, made.signing_key, audit]


async def test_every_kind_of_handle_makes_the_round_trip() -> None:
    for handle in await _handles():
        text = format_handle(handle)
        parsed = parse_handle(text)
        assert type(parsed) is type(handle)
        assert format_handle(parsed) == text


@pytest.mark.parametrize(
    "text",
    [
        '["other","AAAA"]',
        '["wrap","AAAA"]',
        '["audit","AAAA"]',
        '["vapid","AAAA"]',
        '["wrap","*"]',
        '["wrap"]',
        "{}",
        "",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a serialised key handle"):
        parse_handle(text)
