"""Making a Master Secret on a platform that refuses some Ed25519 seeds."""

import pytest
from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.errors import KMSError
from kms_enclave.keys.derivation import derive_user_audit_public_key
from kms_enclave.ports.crypto import MasterSecret, UnusableSecretError
from kms_enclave.unlock.master_secret import (
    NewKek,
    OpenedEnrollment,
    enroll_new_secret,
    make_passphrase_method,
    open_secret,
)


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


async def _new_kek(crypto: NativeCrypto) -> NewKek:
    return await make_passphrase_method(
        crypto, passphrase=b"passphrase", iterations=1, via="page", now_ms=0
    )


async def _enroll(crypto: NativeCrypto, new: NewKek) -> OpenedEnrollment:
    return await enroll_new_secret(crypto, new, enrollment_id="enrollment:x", instance_id="i")


async def test_a_refused_secret_is_replaced_by_a_fresh_one() -> None:
    crypto = RefusingCrypto(refusals=2)
    new = await _new_kek(crypto)
    made = await _enroll(crypto, new)
    stored = await open_secret(crypto, made.enrollment, new.kek, instance_id="i")
    assert await derive_user_audit_public_key(
        crypto, stored.secret
    ) == await derive_user_audit_public_key(crypto, made.secret)


async def test_a_platform_that_refuses_every_secret_is_unsupported() -> None:
    crypto = RefusingCrypto(refusals=1_000)
    with pytest.raises(KMSError) as refusal:
        await _enroll(crypto, await _new_kek(crypto))
    assert refusal.value.code == "unsupported"
