"""From words to a key: length, normalization, calibration, and the check value."""

from __future__ import annotations

import hashlib
import hmac

import attrs
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from doubles import FakeClock, FaultyCrypto
from forging import b64, unb64
from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.errors import KMSError
from kms_enclave.ports.crypto import PassphraseKeys
from kms_enclave.unlock.passphrase import (
    MAX_ITERATIONS,
    MIN_ITERATIONS,
    PassphraseKdf,
    calibrate_iterations,
    make_passphrase_kek,
    normalize_new_passphrase,
    normalize_passphrase,
    open_passphrase_kek,
    round_iterations,
)


@pytest.mark.parametrize("passphrase", ["12345678", "ü" * 8, "\U0001f600" * 8, "x" * 1024])
def test_8_to_1024_characters_are_taken(passphrase: str) -> None:
    assert normalize_passphrase(passphrase, field="p") == passphrase.encode()


@pytest.mark.parametrize(
    ("passphrase", "message"),
    [
        ("", "Passphrase must be at least 8 characters"),
        ("1234567", "Passphrase must be at least 8 characters"),
        ("\u0061\u0308" * 7, "Passphrase must be at least 8 characters"),
        ("x" * 1025, "Passphrase must be at most 1024 characters"),
        ("\ufdfa" * 60, "Passphrase must be at most 1024 characters"),
    ],
)
def test_fewer_and_more_are_refused_counted_after_normalization(
    passphrase: str, message: str
) -> None:
    with pytest.raises(KMSError) as caught:
        normalize_passphrase(passphrase, field="credentials.passphrase")
    assert (caught.value.code, caught.value.message) == ("request.invalid", message)
    assert caught.value.details["field"] == "credentials.passphrase"


@pytest.mark.parametrize(
    "passphrase", ["\0" * 8, "correct\thorse", "correct horse\n", "x" * 8 + "\x85"]
)
def test_a_new_one_holds_no_control_character(passphrase: str) -> None:
    with pytest.raises(KMSError) as caught:
        normalize_new_passphrase(passphrase, field="p")
    assert (caught.value.code, caught.value.details["field"]) == ("request.invalid", "p")
    assert "control characters" in caught.value.message


def test_one_that_is_enrolled_may_hold_any() -> None:
    assert normalize_passphrase("\0" * 8, field="p") == bytes(8)


def test_what_is_not_unicode_is_refused() -> None:
    with pytest.raises(KMSError) as caught:
        normalize_passphrase("x" * 8 + "\ud800", field="p")
    assert caught.value.code == "request.invalid"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pässwort", "pa\u0308sswort"),
        ("ﬁnancial words", "financial words"),
        ("ｆｕｌｌｗｉｄｔｈ", "fullwidth"),
        ("\u212bngstrom units", "Ångstrom units"),
    ],
)
def test_keyboards_that_compose_differently_give_one_passphrase(one: str, other: str) -> None:
    assert normalize_passphrase(one, field="p") == normalize_passphrase(other, field="p")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (0, 600_000),
        (599_999, 600_000),
        (602_499, 600_000),
        (602_501, 605_000),
        (1_234_567, 1_235_000),
        (5_000_001, 5_000_000),
        (1e12, 5_000_000),
    ],
)
def test_iterations_go_in_steps_between_floor_and_ceiling(given: float, used: int) -> None:
    assert round_iterations(given) == used


class _Timed(FaultyCrypto):
    """Key stretching that takes the given times, one a call."""

    def __init__(self, clock: FakeClock, durations_ms: list[float]) -> None:
        super().__init__()
        self._clock = clock
        self._durations_ms = iter(durations_ms)

    async def derive_passphrase_keys(self, **inputs: object) -> PassphraseKeys:
        self._clock.stopwatch_ms += next(self._durations_ms)
        return await super().derive_passphrase_keys(**inputs)


@pytest.mark.parametrize(
    ("durations_ms", "iterations"),
    [
        ([999, 22, 22, 22], 1_000_000),
        ([1, 10, 20, 1000], 1_100_000),
        ([1, 1000, 10, 20], 1_100_000),
        ([1, 100, 100, 100], 600_000),
        ([1, 1, 1, 1], 5_000_000),
        ([0, 0, 0, 0], 5_000_000),
    ],
    ids=["warm-up is ignored", "median", "median in any order", "slow", "fast", "no time at all"],
)
async def test_calibration_aims_at_220_ms(durations_ms: list[float], iterations: int) -> None:
    clock = FakeClock()
    assert await calibrate_iterations(_Timed(clock, durations_ms), clock) == iterations


async def _made() -> PassphraseKdf:
    _, kdf = await make_passphrase_kek(
        FaultyCrypto(), passphrase=b"right words", iterations=MIN_ITERATIONS, now_ms=7
    )
    return kdf


async def test_what_is_stored_is_the_specifications_construction() -> None:
    _, kdf = await make_passphrase_kek(
        NativeCrypto(), passphrase=b"right words", iterations=MIN_ITERATIONS, now_ms=7
    )
    root = hashlib.pbkdf2_hmac("sha256", b"right words", unb64(kdf.salt), kdf.iterations, 32)
    kcv_key = HKDF(hashes.SHA256(), 32, b"", b"ATS/KMS/KCV-key/v2").derive(root)
    assert kdf.kcv == b64(hmac.digest(kcv_key, b"ATS/KMS/KCV/v2", "sha256"))
    assert (len(unb64(kdf.salt)), kdf.iterations, kdf.calibrated_at) == (16, MIN_ITERATIONS, 7)


async def test_the_right_passphrase_gives_the_key_again() -> None:
    crypto = FaultyCrypto()
    kek, kdf = await make_passphrase_kek(
        crypto, passphrase=b"right words", iterations=MIN_ITERATIONS, now_ms=7
    )
    wrapped = await crypto.generate_master_secret(kek=kek, iv=bytes(12), aad=b"")
    again = await open_passphrase_kek(crypto, passphrase=b"right words", kdf=kdf)
    assert again is not None
    await crypto.open_master_secret(kek=again, wrapped=wrapped, iv=bytes(12), aad=b"")


async def test_a_wrong_passphrase_gives_none() -> None:
    kdf = await _made()
    assert await open_passphrase_kek(FaultyCrypto(), passphrase=b"other words", kdf=kdf) is None


async def test_two_setups_with_one_passphrase_have_nothing_in_common() -> None:
    one, other = await _made(), await _made()
    assert one.salt != other.salt
    assert one.kcv != other.kcv


@pytest.mark.parametrize(
    "changes",
    [
        {"salt": b64(bytes(15))},
        {"salt": b64(bytes(17))},
        {"salt": "not base64url!"},
        {"kcv": b64(bytes(31))},
        {"kcv": ""},
        {"kcv": "AB=="},
        {"iterations": MIN_ITERATIONS - 1},
        {"iterations": MAX_ITERATIONS + 1},
        {"iterations": 0},
        {"iterations": -1},
    ],
    ids=str,
)
async def test_what_was_never_written_is_damage_not_a_wrong_passphrase(
    changes: dict[str, object],
) -> None:
    crypto = FaultyCrypto()
    kdf = attrs.evolve(await _made(), **changes)
    before = crypto.stretchings
    with pytest.raises(ValueError, match=r"length|range|base64url"):
        await open_passphrase_kek(crypto, passphrase=b"right words", kdf=kdf)
    assert crypto.stretchings == before, "nobody may choose how long this takes"
