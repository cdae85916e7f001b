"""Making a Master Secret on a platform that refuses some Ed25519 seeds."""

import pytest
from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.enrollment.setup import _make_master_secret
from kms_enclave.errors import KMSError
from kms_enclave.keys.derivation import derive_user_audit_public_key
from kms_enclave.ports.crypto import MasterSecret, UnusableSecretError, WrappingKey


class RefusingCrypto(NativeCrypto):
    """Refuses the audit keys of the first secrets, as WebKitGTK does those of one in 256."""

    def __init__(self, refusals: int) -> None:
        self._left = refusals

    async def derive_audit_public_key(
        self, secret: MasterSecret, *, salt: bytes, info: bytes
    ) -> bytes:
        self._left -= 1
        if self._left >= 0:
            raise UnusableSecretError("refused")
        return await super().derive_audit_public_key(secret, salt=salt, info=info)


async def _kek(crypto: NativeCrypto) -> WrappingKey:
    keys = await crypto.derive_passphrase_keys(
        passphrase=b"passphrase", salt=bytes(16), iterations=1, kek_info=b"kek", kcv_info=b"kcv"
    )
    return keys.kek


async def test_a_refused_secret_is_replaced_by_a_fresh_one() -> None:
    crypto = RefusingCrypto(refusals=2)
    kek = await _kek(crypto)
    made = await _make_master_secret(crypto, kek=kek, aad=b"aad")
    stored = await crypto.open_master_secret(kek=kek, wrapped=made.wrapped, iv=made.iv, aad=b"aad")
    assert await derive_user_audit_public_key(crypto, stored) == made.audit_public


async def test_a_platform_that_refuses_every_secret_is_unsupported() -> None:
    crypto = RefusingCrypto(refusals=1_000)
    with pytest.raises(KMSError) as refusal:
        await _make_master_secret(crypto, kek=await _kek(crypto), aad=b"aad")
    assert refusal.value.code == "unsupported"
