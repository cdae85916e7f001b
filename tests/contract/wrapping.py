"""Wrapping and unwrapping: what opens, and what must not."""

from __future__ import annotations

from kms_enclave.ports.crypto import (
    DecryptionError,
    MacKey,
    MasterSecret,
    SignatureCheck,
    UnusableSecretError,
    WrappingKey,
)

from .expect import equal, holds, refused
from .materials import AUDIT_LABELS, IV, make_materials, passphrase_keys
from .subject import Subject


def _altered(data: bytes, index: int) -> bytes:
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]


async def master_secret_wraps_to_48_bytes_and_differs_each_time(subject: Subject) -> None:
    kek = (await passphrase_keys(subject.crypto)).kek
    wrapped = {
        await subject.crypto.generate_master_secret(kek=kek, iv=IV, aad=b"") for _ in range(5)
    }
    equal(len(wrapped), 5)
    equal({len(item) for item in wrapped}, {48})


async def master_secret_does_not_open_with_wrong_key_iv_aad_or_bytes(subject: Subject) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    other = (await passphrase_keys(crypto, b"another one")).kek
    kek, wrapped = made.keys.kek, made.wrapped_secret
    for attempt in (
        crypto.open_master_secret(kek=other, wrapped=wrapped, iv=IV, aad=b"secret"),
        crypto.open_master_secret(kek=kek, wrapped=wrapped, iv=bytes(12), aad=b"secret"),
        crypto.open_master_secret(kek=kek, wrapped=wrapped, iv=IV, aad=b"Secret"),
        crypto.open_master_secret(kek=kek, wrapped=wrapped[:-1], iv=IV, aad=b"secret"),
        crypto.open_master_secret(kek=kek, wrapped=b"", iv=IV, aad=b"secret"),
        *(
            crypto.open_master_secret(
                kek=kek, wrapped=_altered(wrapped, index), iv=IV, aad=b"secret"
            )
            for index in (0, 31, 32, 47)
        ),
    ):
        await refused(DecryptionError, attempt)


async def vapid_key_does_not_open_with_wrong_key_iv_aad_or_bytes(subject: Subject) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    other = await crypto.derive_wrapping_key(made.secret, salt=b"another", info=b"info")
    key, wrapped = made.wrapping_key, made.vapid.wrapped
    for attempt in (
        crypto.open_vapid_key(wrapping_key=other, wrapped=wrapped, iv=IV, aad=b"vapid"),
        crypto.open_vapid_key(wrapping_key=key, wrapped=wrapped, iv=bytes(12), aad=b"vapid"),
        crypto.open_vapid_key(wrapping_key=key, wrapped=wrapped, iv=IV, aad=b""),
        crypto.open_vapid_key(wrapping_key=key, wrapped=wrapped[1:], iv=IV, aad=b"vapid"),
        crypto.open_vapid_key(wrapping_key=key, wrapped=_altered(wrapped, 60), iv=IV, aad=b"vapid"),
    ):
        await refused(DecryptionError, attempt)


async def a_failed_opening_has_a_message(subject: Subject) -> None:
    # WebCrypto's OperationError has none, and an empty error once passed for success.
    made = await make_materials(subject.crypto)
    error = await refused(
        DecryptionError,
        subject.crypto.open_master_secret(
            kek=made.keys.kek, wrapped=made.wrapped_secret, iv=IV, aad=b"wrong"
        ),
    )
    holds(str(error) != "", "the error says something")


async def a_wrapped_vapid_key_does_not_open_as_a_master_secret(subject: Subject) -> None:
    made = await make_materials(subject.crypto)
    await refused(
        DecryptionError,
        subject.crypto.open_master_secret(
            kek=made.wrapping_key, wrapped=made.vapid.wrapped, iv=IV, aad=b"vapid"
        ),
    )


async def a_wrapped_master_secret_does_not_open_as_a_vapid_key(subject: Subject) -> None:
    made = await make_materials(subject.crypto)
    for opening in (
        subject.crypto.open_vapid_key(
            wrapping_key=made.keys.kek, wrapped=made.wrapped_secret, iv=IV, aad=b"secret"
        ),
        subject.crypto.rewrap_vapid_key(
            wrapping_key=made.keys.kek,
            wrapped=made.wrapped_secret,
            iv=IV,
            aad=b"secret",
            new_wrapping_key=made.wrapping_key,
            new_iv=IV,
            new_aad=b"",
        ),
    ):
        await refused(DecryptionError, opening)


async def a_handle_of_another_kind_does_not_unwrap(subject: Subject) -> None:
    made = await make_materials(subject.crypto)
    for handle in (made.keys.kcv_key, made.secret, made.signing_key):
        disguised = WrappingKey(handle.native)
        await refused(
            Exception,
            subject.crypto.open_master_secret(
                kek=disguised, wrapped=made.wrapped_secret, iv=IV, aad=b"secret"
            ),
        )


async def a_handle_of_another_kind_does_not_mac_or_derive(subject: Subject) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    await refused(Exception, crypto.mac(MacKey(made.keys.kek.native), b"message"))
    disguised = MasterSecret(made.keys.kek.native)
    await refused(Exception, crypto.derive_wrapping_key(disguised, salt=b"s", info=b"i"))


async def an_iv_that_is_not_12_bytes_is_refused(subject: Subject) -> None:
    kek = (await passphrase_keys(subject.crypto)).kek
    for iv in (b"", bytes(11), bytes(16)):
        await refused(ValueError, subject.crypto.generate_master_secret(kek=kek, iv=iv, aad=b""))


async def a_rewrapped_master_secret_is_the_same_secret(subject: Subject) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    other = (await passphrase_keys(crypto, b"another one")).kek
    rewrapped = await crypto.rewrap_master_secret(
        kek=made.keys.kek,
        wrapped=made.wrapped_secret,
        iv=IV,
        aad=b"secret",
        new_kek=other,
        new_iv=bytes(12),
        new_aad=b"new",
    )
    reopened = await crypto.open_master_secret(
        kek=other, wrapped=rewrapped, iv=bytes(12), aad=b"new"
    )
    salt, info = AUDIT_LABELS[0]
    public_keys = {
        await crypto.derive_audit_public_key(secret, salt=salt, info=info)
        for secret in (made.secret, reopened)
    }
    equal(len(public_keys), 1)


async def a_rewrapped_vapid_key_signs_for_the_same_public_key(subject: Subject) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    other = await crypto.derive_wrapping_key(made.secret, salt=b"lease", info=b"info")
    rewrapped = await crypto.rewrap_vapid_key(
        wrapping_key=made.wrapping_key,
        wrapped=made.vapid.wrapped,
        iv=IV,
        aad=b"vapid",
        new_wrapping_key=other,
        new_iv=bytes(12),
        new_aad=b"lease",
    )
    key = await crypto.open_vapid_key(
        wrapping_key=other, wrapped=rewrapped, iv=bytes(12), aad=b"lease"
    )
    signature = await crypto.sign_es256(key, b"message")
    verdict = await crypto.verify_es256(
        public_raw=made.vapid.public_raw, signature=signature, message=b"message"
    )
    holds(verdict, "the same key")


async def rewrapping_with_the_wrong_key_is_refused(subject: Subject) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    other = (await passphrase_keys(crypto, b"another one")).kek
    await refused(
        DecryptionError,
        crypto.rewrap_master_secret(
            kek=other,
            wrapped=made.wrapped_secret,
            iv=IV,
            aad=b"secret",
            new_kek=other,
            new_iv=IV,
            new_aad=b"",
        ),
    )


async def the_aad_of_a_new_vapid_key_can_name_its_public_key(subject: Subject) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    fresh = await crypto.generate_vapid_key(
        wrapping_key=made.wrapping_key, iv=IV, aad_for=lambda public_raw: b"for " + public_raw
    )
    equal((len(fresh.public_raw), fresh.public_raw[0]), (65, 4))
    await crypto.open_vapid_key(
        wrapping_key=made.wrapping_key,
        wrapped=fresh.wrapped,
        iv=IV,
        aad=b"for " + fresh.public_raw,
    )


async def salt_and_info_separate_derived_keys(subject: Subject) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    public_keys = {
        await crypto.derive_audit_public_key(made.secret, salt=salt, info=info)
        for salt, info in AUDIT_LABELS
    }
    equal(len(public_keys), len(AUDIT_LABELS))


async def a_derived_audit_key_signs_for_its_derived_public_key(subject: Subject) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    salt, info = AUDIT_LABELS[0]
    key = await crypto.derive_audit_key(made.secret, salt=salt, info=info)
    public = await crypto.derive_audit_public_key(made.secret, salt=salt, info=info)
    signature = await crypto.sign_ed25519(key, b"message")
    check = SignatureCheck(public, signature, b"message")
    equal(list(await crypto.verify_ed25519([check])), [True])


async def a_secret_is_usable_or_refused_when_its_audit_key_is_first_derived(
    subject: Subject,
) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    usable = 0
    for number in range(400):
        info = str(number).encode()
        try:
            await crypto.derive_audit_public_key(made.secret, salt=b"s", info=info)
        except UnusableSecretError:
            await refused(
                UnusableSecretError, crypto.derive_audit_key(made.secret, salt=b"s", info=info)
            )
            continue
        usable += 1
    holds(usable > 380, "a fresh secret works nearly always")
