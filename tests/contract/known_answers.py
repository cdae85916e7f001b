"""Known answers of the primitives, from the RFCs that define them."""

from __future__ import annotations

import hashlib
import hmac

from kms_enclave.ports.crypto import SignatureCheck

from .expect import equal, holds
from .subject import Subject

# RFC 8032 section 7.1, tests 1 to 3: public key, message, signature.
_RFC_8032 = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
)

# RFC 6979 appendix A.2.5, P-256 with SHA-256, message "sample".
_RFC_6979_PUBLIC = bytes.fromhex(
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
_RFC_6979_SIGNATURE = bytes.fromhex(
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
)

# RFC 7914 section 11: PBKDF2-HMAC-SHA-256 of "passwd" and "salt", one iteration.
_RFC_7914_ROOT = bytes.fromhex("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc")


async def rfc_8032_signatures_verify(subject: Subject) -> None:
    checks = [
        SignatureCheck(bytes.fromhex(public), bytes.fromhex(signature), bytes.fromhex(message))
        for public, message, signature in _RFC_8032
    ]
    equal(list(await subject.crypto.verify_ed25519(checks)), [True, True, True])


async def rfc_6979_signature_verifies_for_its_message_only(subject: Subject) -> None:
    for message, expected in ((b"sample", True), (b"simple", False)):
        verdict = await subject.crypto.verify_es256(
            public_raw=_RFC_6979_PUBLIC, signature=_RFC_6979_SIGNATURE, message=message
        )
        equal(verdict, expected)


async def rfc_7914_pbkdf2_and_rfc_5869_hkdf_give_the_check_value(subject: Subject) -> None:
    keys = await subject.crypto.derive_passphrase_keys(
        passphrase=b"passwd", salt=b"salt", iterations=1, kek_info=b"kek", kcv_info=b"kcv"
    )
    # RFC 5869 sections 2.2 and 2.3 for one block of output; no salt means 32 zero bytes.
    extracted = hmac.digest(bytes(32), _RFC_7914_ROOT, hashlib.sha256)
    kcv_key = hmac.digest(extracted, b"kcv\x01", hashlib.sha256)
    expected = hmac.digest(kcv_key, b"message", hashlib.sha256)
    equal(await subject.crypto.mac(keys.kcv_key, b"message"), expected)


async def another_iteration_count_gives_another_key(subject: Subject) -> None:
    macs = set()
    for iterations in (1, 2):
        keys = await subject.crypto.derive_passphrase_keys(
            passphrase=b"p", salt=b"s", iterations=iterations, kek_info=b"kek", kcv_info=b"kcv"
        )
        macs.add(await subject.crypto.mac(keys.kcv_key, b"message"))
    holds(len(macs) == 2, "iterations are used")
