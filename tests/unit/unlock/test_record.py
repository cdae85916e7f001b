"""Enrollment records: what a user is told that one is, and what its secret is bound to."""

from __future__ import annotations

import pytest
from kms_enclave.unlock.record import (
    GATE,
    PASSPHRASE,
    PRF,
    enrollment_id_for,
    in_words,
    master_secret_aad,
)


def test_every_id_has_words_of_its_own() -> None:
    taken = [enrollment_id_for(PASSPHRASE, taken=[])]
    for method in (PRF, GATE):
        for _ in range(8):
            taken.append(enrollment_id_for(method, taken=taken))
    assert len({in_words(name) for name in taken}) == 17


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("enrollment:passphrase:v2", "the passphrase"),
        ("enrollment:passkey-prf:v2", "passkey 1"),
        ("enrollment:passkey-prf:v2:3", "passkey 3"),
        ("enrollment:passkey-gate:v2:2", "passkey 2 of those with lower protection"),
    ],
)
def test_the_words_are_a_users(name: str, words: str) -> None:
    assert in_words(name) == words


def test_the_aad_of_a_master_secret_is_written_out() -> None:
    """As docs/spec/crypto.md has it."""
    assert master_secret_aad(
        enrollment_id="enrollment:passkey-prf:v2",
        method=PRF,
        instance_id="an-instance",
        credential_id="AQID",
    ) == (
        b'{"algVersion":1,"credentialId":"AQID","enrollmentId":"enrollment:passkey-prf:v2",'
        b'"instanceId":"an-instance","kmsVersion":2,"method":"passkey-prf",'
        b'"purpose":"master-secret"}'
    )


def test_the_aad_of_a_passphrases_master_secret_names_no_credential() -> None:
    assert master_secret_aad(
        enrollment_id="enrollment:passphrase:v2", method=PASSPHRASE, instance_id="an-instance"
    ) == (
        b'{"algVersion":1,"enrollmentId":"enrollment:passphrase:v2","instanceId":"an-instance",'
        b'"kmsVersion":2,"method":"passphrase","purpose":"master-secret"}'
    )
