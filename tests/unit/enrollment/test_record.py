"""Enrollment records: what a user is told that one is."""

from __future__ import annotations

import pytest
from kms_enclave.enrollment.record import GATE, PASSPHRASE, PRF, enrollment_id_for, in_words


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
