"""Authenticators' signatures and PRF outputs, and keys that are made to be stored."""

from __future__ import annotations

from kms_enclave.ports.crypto import DecryptionError

from .expect import equal, holds, refused
from .materials import IV
from .subject import Subject

_VECTORS = {"ES256": "es256", "EdDSA": "eddsa", "RS256": "rs256"}


async def _verdict(subject: Subject, algorithm: str, **changes: bytes) -> bool:
    """Verify the algorithm's vector, with ``changes`` in the place of its fields."""
    vector = subject.vectors["webauthn"].part(_VECTORS[algorithm])
    given = {"publicKey": vector["publicKey"], "signature": vector["signature"]}
    given = {**given, "message": vector["message"], **changes}
    return await subject.crypto.verify_webauthn(
        algorithm=algorithm,
        public_key=given["publicKey"],
        signature=given["signature"],
        message=given["message"],
    )


async def assertions_of_each_algorithm_verify(subject: Subject) -> None:
    for algorithm in _VECTORS:
        holds(await _verdict(subject, algorithm), f"{algorithm} verifies")


async def an_assertion_does_not_verify_for_another_message(subject: Subject) -> None:
    for algorithm, name in _VECTORS.items():
        message = subject.vectors["webauthn"].part(name)["message"]
        for other in (b"", message + b"\x00", message[:-1], b"\x00" + message[1:]):
            equal(await _verdict(subject, algorithm, message=other), False)


async def a_tampered_assertion_signature_does_not_verify(subject: Subject) -> None:
    for algorithm, name in _VECTORS.items():
        signature = subject.vectors["webauthn"].part(name)["signature"]
        for place in {0, 1, 3, 5, len(signature) // 2, len(signature) - 1}:
            changed = bytes([signature[place] ^ 1])
            tampered = signature[:place] + changed + signature[place + 1 :]
            equal(await _verdict(subject, algorithm, signature=tampered), False)


async def a_malformed_assertion_signature_is_false_and_no_error(subject: Subject) -> None:
    for algorithm, name in _VECTORS.items():
        signature = subject.vectors["webauthn"].part(name)["signature"]
        zeros = b"\x30\x06\x02\x01\x00\x02\x01\x00"
        for bad in (
            b"",
            b"\x30",
            zeros,
            bytes(64),
            bytes(256),
            signature[:-1],
            signature + b"\x00",
        ):
            equal(await _verdict(subject, algorithm, signature=bad), False)


async def an_es256_assertion_is_asn1_der_and_not_raw(subject: Subject) -> None:
    # The same two integers as WebCrypto writes them: 64 bytes.
    der = subject.vectors["webauthn"].part("es256")["signature"]
    first = der[4 : 4 + der[3]]
    second = der[6 + der[3] :]
    raw = b"".join(part[-32:].rjust(32, b"\x00") for part in (first, second))
    equal(await _verdict(subject, "ES256", signature=raw), False)


async def a_malformed_authenticator_key_is_false_and_no_error(subject: Subject) -> None:
    for algorithm, name in _VECTORS.items():
        key = subject.vectors["webauthn"].part(name)["publicKey"]
        for bad in (b"", b"\x30\x00", key[:-1], key[1:], bytes(len(key)), key[:-64] + bytes(64)):
            equal(await _verdict(subject, algorithm, publicKey=bad), False)


async def a_key_of_one_algorithm_does_not_verify_as_another(subject: Subject) -> None:
    for algorithm, name in _VECTORS.items():
        for other in _VECTORS.values():
            if other != name:
                key = subject.vectors["webauthn"].part(other)["publicKey"]
                equal(await _verdict(subject, algorithm, publicKey=key), False)


async def another_key_of_the_algorithm_does_not_verify(subject: Subject) -> None:
    # The point of the vectors' VAPID key, as an authenticator would give it.
    head = subject.vectors["webauthn"].part("es256")["publicKey"][:26]
    key = head + subject.vectors["thumbprint"]["publicKey"]
    equal(await _verdict(subject, "ES256", publicKey=key), False)


async def an_algorithm_that_nobody_asked_for_is_false_and_no_error(subject: Subject) -> None:
    vector = subject.vectors["webauthn"].part("es256")
    for algorithm in ("", "ES384", "es256", "PS256", "none"):
        verdict = await subject.crypto.verify_webauthn(
            algorithm=algorithm,
            public_key=vector["publicKey"],
            signature=vector["signature"],
            message=vector["message"],
        )
        equal(verdict, False)


async def prf_output_salt_and_info_separate_keys(subject: Subject) -> None:
    crypto = subject.crypto
    given = {"prf_output": bytes(32), "salt": b"salt", "info": b"info"}
    kek = await crypto.derive_prf_kek(**given)
    wrapped = await crypto.generate_master_secret(kek=kek, iv=IV, aad=b"")
    again = await crypto.derive_prf_kek(**given)
    await crypto.open_master_secret(kek=again, wrapped=wrapped, iv=IV, aad=b"")
    for change in ({"prf_output": b"\x01" * 32}, {"salt": b"Salt"}, {"info": b"Info"}):
        other = await crypto.derive_prf_kek(**(given | change))
        await refused(
            DecryptionError, crypto.open_master_secret(kek=other, wrapped=wrapped, iv=IV, aad=b"")
        )


async def a_generated_wrapping_key_opens_what_it_wrapped_and_no_other_does(
    subject: Subject,
) -> None:
    crypto = subject.crypto
    key, other = await crypto.generate_wrapping_key(), await crypto.generate_wrapping_key()
    wrapped = await crypto.generate_master_secret(kek=key, iv=IV, aad=b"")
    await crypto.open_master_secret(kek=key, wrapped=wrapped, iv=IV, aad=b"")
    await refused(
        DecryptionError, crypto.open_master_secret(kek=other, wrapped=wrapped, iv=IV, aad=b"")
    )


async def keys_of_prf_and_gate_have_no_way_out(subject: Subject) -> None:
    crypto = subject.crypto
    prf = await crypto.derive_prf_kek(prf_output=bytes(32), salt=b"salt", info=b"info")
    for handle in (prf, await crypto.generate_wrapping_key()):
        equal(await subject.ways_out(handle), [])
