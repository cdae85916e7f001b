"""Signing and verifying, one and many."""

from __future__ import annotations

import asyncio

from kms_enclave.ports.crypto import AuditSigningKey, SignatureCheck

from .expect import equal, holds, refused
from .materials import make_materials
from .subject import Subject


async def es256_signatures_are_64_bytes_and_verify(subject: Subject) -> None:
    made = await make_materials(subject.crypto)
    for message in (b"", b"message", bytes(10_000)):
        signature = await subject.crypto.sign_es256(made.signing_key, message)
        equal(len(signature), 64)
        verdict = await subject.crypto.verify_es256(
            public_raw=made.vapid.public_raw, signature=signature, message=message
        )
        holds(verdict, "its own signature verifies")


async def es256_rejects_malformed_keys_and_signatures(subject: Subject) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    public = made.vapid.public_raw
    signature = await crypto.sign_es256(made.signing_key, b"m")
    for bad_public, bad_signature in (
        (public, signature[:-1]),
        (public, bytes(64)),
        (public, b""),
        (public[:-1], signature),
        (b"\x04" + bytes(64), signature),
        (b"\x05" + public[1:], signature),
        (b"", signature),
    ):
        verdict = await crypto.verify_es256(
            public_raw=bad_public, signature=bad_signature, message=b"m"
        )
        equal(verdict, False)


async def many_es256_signatures_come_in_order(subject: Subject) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    messages = [b"first", b"", b"third" * 100]
    signatures = await crypto.sign_es256_many(made.signing_key, messages)
    equal(len(signatures), 3)
    for message, signature in zip(messages, signatures, strict=True):
        verdict = await crypto.verify_es256(
            public_raw=made.vapid.public_raw, signature=signature, message=message
        )
        holds(verdict, "each signature belongs to its message")


async def an_audit_key_signs_for_its_public_key(subject: Subject) -> None:
    made = await subject.crypto.generate_audit_key()
    signature = await subject.crypto.sign_ed25519(made.private, b"message")
    equal((len(made.public_raw), len(signature)), (32, 64))
    check = SignatureCheck(made.public_raw, signature, b"message")
    equal(list(await subject.crypto.verify_ed25519([check])), [True])


async def an_audit_key_is_generated_every_time(subject: Subject) -> None:
    # WebKitGTK's own function fails one time in a hundred.
    for _ in range(300):
        await subject.crypto.generate_audit_key()


async def a_chain_is_signed_by_each_key_in_its_place(subject: Subject) -> None:
    crypto = subject.crypto
    first, second = await crypto.generate_audit_key(), await crypto.generate_audit_key()
    items = [(first, b"one"), (second, b"two"), (first, b"three")]
    signatures = await crypto.sign_ed25519_chain([(key.private, item) for key, item in items])
    checks = [
        SignatureCheck(key.public_raw, signature, message)
        for (key, message), signature in zip(items, signatures, strict=True)
    ]
    equal(list(await crypto.verify_ed25519(checks)), [True, True, True])


async def one_bad_signature_among_many_is_named_by_its_place(subject: Subject) -> None:
    crypto = subject.crypto
    key = await crypto.generate_audit_key()
    good = await crypto.sign_ed25519(key.private, b"message")
    valid = SignatureCheck(key.public_raw, good, b"message")
    checks = [
        valid,
        SignatureCheck(key.public_raw, good, b"massage"),
        SignatureCheck(key.public_raw, good[:-1], b"message"),
        SignatureCheck(key.public_raw, bytes(64), b"message"),
        SignatureCheck(b"", good, b"message"),
        SignatureCheck(bytes(31), good, b"message"),
        SignatureCheck(b"\xff" * 32, good, b"message"),
        valid,
    ]
    equal(
        list(await crypto.verify_ed25519(checks)),
        [True, False, False, False, False, False, False, True],
    )


async def no_checks_and_no_messages_give_no_answers(subject: Subject) -> None:
    crypto, made = subject.crypto, await make_materials(subject.crypto)
    equal(list(await crypto.verify_ed25519([])), [])
    equal(list(await crypto.sign_ed25519_chain([])), [])
    equal(list(await crypto.sign_es256_many(made.signing_key, [])), [])


async def a_vapid_key_does_not_sign_as_an_audit_key(subject: Subject) -> None:
    made = await make_materials(subject.crypto)
    disguised = AuditSigningKey(made.signing_key.native)
    await refused(Exception, subject.crypto.sign_ed25519(disguised, b"message"))


async def signatures_of_whole_pages_are_checked_each_in_its_place(subject: Subject) -> None:
    crypto = subject.crypto
    key = await crypto.generate_audit_key()
    good = await crypto.sign_ed25519(key.private, b"message")
    # Two pages of a log at once: a browser checks so many on another thread.
    pages = [
        [
            SignatureCheck(key.public_raw, good, b"other" if index in bad else b"message")
            for index in range(250)
        ]
        for bad in ({0, 100}, {249})
    ]
    answers = await asyncio.gather(*(crypto.verify_ed25519(page) for page in pages))
    for page, answer in zip(pages, answers, strict=True):
        equal(list(answer), [check.message == b"message" for check in page])
