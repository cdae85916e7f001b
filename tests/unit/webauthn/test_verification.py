"""WebAuthn responses, byte by byte: each check refuses by itself, and nothing else is raised."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from authenticator import Authenticator
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.webauthn.verification import (
    InvalidResponseError,
    Party,
    parse_authenticator_data,
    verify_assertion,
    verify_public_key,
    verify_registration,
)

CHALLENGE = bytes(range(32))
PARTY = Party("https://kms.example", "kms.example", "https://app.example")
RP_HASH = hashlib.sha256(b"kms.example").digest()
LEFT_OUT = "(left out)"


def client_data(**changes: object) -> bytes:
    data: dict[str, object] = {
        "type": "webauthn.get",
        "challenge": format_base64url(CHALLENGE),
        "origin": "https://kms.example",
        "crossOrigin": True,
        "topOrigin": "https://app.example",
        **changes,
    }
    return json.dumps(
        {name: value for name, value in data.items() if value is not LEFT_OUT}
    ).encode()


def authenticator_data(flags: int = 0x05, count: int = 1, rp_hash: bytes = RP_HASH) -> bytes:
    return rp_hash + bytes([flags]) + count.to_bytes(4)


def verify(client: bytes | None = None, authenticator: bytes | None = None, stored: int = 0) -> int:
    return verify_assertion(
        client_data_json=client_data() if client is None else client,
        authenticator_data=authenticator_data() if authenticator is None else authenticator,
        expected_challenge=CHALLENGE,
        expected_party=PARTY,
        stored_sign_count=stored,
    )


def test_a_good_assertion_gives_its_counter() -> None:
    assert verify(authenticator=authenticator_data(count=7), stored=6) == 7


@pytest.mark.parametrize(
    "changes",
    [
        {"crossOrigin": LEFT_OUT, "topOrigin": LEFT_OUT},
        {"crossOrigin": False, "topOrigin": LEFT_OUT},
        {"topOrigin": LEFT_OUT},
        {"tokenBinding": {"status": "supported"}},
        {"other_keys_can_be_added_here": "do not compare clientDataJSON against a template"},
    ],
    ids=["older browser", "own window", "no top origin told", "token binding", "grease"],
)
def test_what_browsers_write_is_taken(changes: Mapping[str, object]) -> None:
    assert verify(client_data(**changes)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "webauthn.create"},
        {"type": "payment.get"},
        {"type": LEFT_OUT},
        {"challenge": format_base64url(bytes(32))},
        {"challenge": format_base64url(CHALLENGE) + "="},
        {"challenge": format_base64url(CHALLENGE[:-1])},
        {"challenge": ""},
        {"challenge": None},
        {"challenge": LEFT_OUT},
        {"origin": "https://app.example"},
        {"origin": "https://kms.example/"},
        {"origin": "https://kms.example:8443"},
        {"origin": "http://kms.example"},
        {"origin": ["https://kms.example"]},
        {"origin": LEFT_OUT},
        {"topOrigin": "https://evil.example"},
        {"topOrigin": "https://kms.example"},
        {"topOrigin": ""},
        {"crossOrigin": False},
        {"crossOrigin": LEFT_OUT},
        {"crossOrigin": "true"},
        {"crossOrigin": 1},
        {"crossOrigin": None},
    ],
    ids=str,
)
def test_another_client_data_is_refused(changes: Mapping[str, object]) -> None:
    with pytest.raises(InvalidResponseError):
        verify(client_data(**changes))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"\xef\xbb\xbf" + client_data(),
        client_data() + b"{}",
        client_data()[:-1],
        client_data(padding="x" * 4096),
        b"[" * 4000,
        b'{"challenge":NaN}',
    ],
    ids=lambda raw: repr(raw)[:16],
)
def test_malformed_client_data_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        verify(raw)


@pytest.mark.parametrize(
    "raw",
    [
        authenticator_data(flags=0x04),
        authenticator_data(flags=0x01),
        authenticator_data(flags=0x00),
        authenticator_data(rp_hash=hashlib.sha256(b"example").digest()),
        authenticator_data(rp_hash=bytes(32)),
        authenticator_data()[:-1],
        b"",
        authenticator_data(flags=0x45),
        authenticator_data(flags=0x45) + bytes(16) + b"\x00\x00" + b"cose",
        authenticator_data(flags=0x45) + bytes(16) + b"\x04\x00" + bytes(1024) + b"cose",
        authenticator_data(flags=0x45) + bytes(16) + b"\x00\x10" + bytes(15),
        authenticator_data(flags=0x45) + bytes(16) + b"\x00\x10" + bytes(16),
    ],
    ids=[
        "user not present",
        "user not verified",
        "neither",
        "another relying party",
        "no relying party",
        "short",
        "empty",
        "attested without credential",
        "credential id of no length",
        "credential id too long",
        "credential id cut off",
        "no key",
    ],
)
def test_another_authenticator_data_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        verify(authenticator=raw)


@pytest.mark.parametrize(
    ("stored", "count", "good"),
    [(0, 0, True), (0, 1, True), (1, 2, True), (1, 1, False), (2, 1, False), (1, 0, False)],
)
def test_a_counter_moves_forward_or_is_not_used(stored: int, count: int, good: bool) -> None:
    given_data = authenticator_data(count=count)
    if good:
        assert verify(authenticator=given_data, stored=stored) == count
    else:
        with pytest.raises(InvalidResponseError):
            verify(authenticator=given_data, stored=stored)


def registration(**changes: Any) -> int:
    authenticator = Authenticator(changes.pop("algorithm", "ES256"))
    options = {
        "challenge": format_base64url(CHALLENGE),
        "rpId": "kms.example",
        "appSalt": "AAAA",
    }
    answer = authenticator.register(options)
    given_fields: dict[str, Any] = {
        "client_data_json": parse_base64url(str(answer["clientDataJSON"])),
        "authenticator_data": parse_base64url(str(answer["authenticatorData"])),
        "credential_id": parse_base64url(str(answer["credentialId"])),
        "public_key": parse_base64url(str(answer["publicKey"])),
        "algorithm": answer["algorithm"],
        **changes,
    }
    return verify_registration(**given_fields, expected_challenge=CHALLENGE, expected_party=PARTY)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_good_registration_gives_its_counter(algorithm: str) -> None:
    assert registration(algorithm=algorithm) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"client_data_json": client_data()},
        {"authenticator_data": authenticator_data()},
        {"credential_id": b"another"},
        {"credential_id": b""},
        {"public_key": b""},
        {"public_key": b"null"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_registration_is_refused(changes: dict[str, bytes]) -> None:
    with pytest.raises(InvalidResponseError):
        registration(**changes)


def _spki(key: Any) -> bytes:
    encoded: bytes = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded


P256 = _spki(ec.generate_private_key(ec.SECP256R1()))
ED25519 = _spki(Ed25519PrivateKey.generate())
RSA_2048 = _spki(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.mark.parametrize(
    ("key", "algorithm"), [(P256, -7), (ED25519, -8), (RSA_2048, -257)], ids=["P-256", "Ed", "RSA"]
)
def test_a_key_of_its_algorithm_is_taken_and_no_other_bytes(key: bytes, algorithm: int) -> None:
    verify_public_key(key, algorithm=algorithm)
    for other in {-7, -8, -257, -35, 0, 7} - {algorithm}:
        with pytest.raises(InvalidResponseError):
            verify_public_key(key, algorithm=other)
    for bad in (key[:-100], key + b"\x00" * 2000, b"\x31" + key[1:], b"", b"\n"):
        with pytest.raises(InvalidResponseError):
            verify_public_key(bad, algorithm=algorithm)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (_spki(ec.generate_private_key(ec.SECP384R1())), -7),
        (_spki(ec.generate_private_key(ec.SECP256K1())), -7),
        (_spki(X25519PrivateKey.generate()), -8),
        (_spki(rsa.generate_private_key(public_exponent=65537, key_size=1024)), -257),
    ],
    ids=["P-384", "secp256k1", "X25519", "RSA of 1024 bits"],
)
def test_a_key_that_no_assertion_could_be_verified_with_is_refused(
    key: bytes, algorithm: int
) -> None:
    with pytest.raises(InvalidResponseError):
        verify_public_key(key, algorithm=algorithm)


def test_larger_rsa_keys_are_taken() -> None:
    key = _spki(rsa.generate_private_key(public_exponent=65537, key_size=3072))
    verify_public_key(key, algorithm=-257)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
mutations = st.dictionaries(
    st.sampled_from(["type", "challenge", "origin", "crossOrigin", "topOrigin", "more"]),
    json_values,
).map(lambda changes: client_data(**changes))


@given(client=st.binary() | mutations, authenticator=st.binary(max_size=80))
def test_whatever_comes_is_verified_or_an_invalid_response(
    client: bytes, authenticator: bytes
) -> None:
    for data in (authenticator, RP_HASH + authenticator, authenticator_data()):
        try:
            verify(client, data)
        except InvalidResponseError:
            continue
        assert json.loads(client)["challenge"] == format_base64url(CHALLENGE)


@given(raw=st.binary(max_size=120))
def test_authenticator_data_parses_or_is_an_invalid_response(raw: bytes) -> None:
    for data in (raw, bytes(32) + raw, authenticator_data(flags=0x45) + bytes(16) + raw):
        try:
            parsed = parse_authenticator_data(data)
        except InvalidResponseError:
            continue
        assert len(parsed.rp_id_hash) == 32
        assert parsed.credential_id is None or 1 <= len(parsed.credential_id) <= 1023


@given(key=st.binary(max_size=400), algorithm=st.integers(-300, 10))
def test_a_public_key_is_taken_or_an_invalid_response(key: bytes, algorithm: int) -> None:
    try:
        verify_public_key(key, algorithm=algorithm)
    except InvalidResponseError:
        return
    raise AssertionError("random bytes are no key")
