"""The passphrase enrollment: from words to the key encryption key.

PBKDF2-HMAC-SHA-256 with calibrated iterations gives 256 bits, from which HKDF makes
the KEK and the key of the check value (KCV). The KCV tells a wrong passphrase from
damaged data. Specification: docs/spec/crypto.md; RFC 8018, RFC 5869.

Does not protect a weak passphrase from somebody who has the stored record and time.
"""

from __future__ import annotations

import hmac
import unicodedata
from typing import Final

import attrs

from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.errors import request_invalid
from kms_enclave.ports.clock import ClockPort
from kms_enclave.ports.crypto import CryptoPort, PassphraseKeys, WrappingKey

__all__ = [
    "MAX_ITERATIONS",
    "MIN_ITERATIONS",
    "PassphraseKdf",
    "calibrate_iterations",
    "make_passphrase_kek",
    "normalize_new_passphrase",
    "normalize_passphrase",
    "open_passphrase_kek",
    "parse_kdf",
    "round_iterations",
]

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 1024
MIN_ITERATIONS: Final = 600_000
MAX_ITERATIONS: Final = 5_000_000
_STEP: Final = 5_000
_TARGET_MS: Final = 220.0
_PROBE_ITERATIONS: Final = 100_000
_PROBES: Final = 3
_SALT_LENGTH: Final = 16
_KCV_LENGTH: Final = 32

_KEK_INFO: Final = b"ATS/KMS/KEK-wrap/v2"
_KCV_INFO: Final = b"ATS/KMS/KCV-key/v2"
_KCV_MESSAGE: Final = b"ATS/KMS/KCV/v2"


@attrs.frozen
class PassphraseKdf:
    """``salt`` and ``kcv`` are base64url; ``calibrated_at`` is in milliseconds."""

    salt: str
    iterations: int
    kcv: str
    calibrated_at: int


def normalize_passphrase(passphrase: str, *, field: str) -> bytes:
    """Return the UTF-8 bytes of the NFKC form. Raises KMSError ``request.invalid``.

    The length is counted in characters of the normalized form: 8 to 1024.
    """
    normalized = unicodedata.normalize("NFKC", passphrase)
    if len(normalized) < MIN_LENGTH:
        raise request_invalid(
            field, "too short", message=f"Passphrase must be at least {MIN_LENGTH} characters"
        )
    if len(normalized) > MAX_LENGTH:
        raise request_invalid(
            field, "too long", message=f"Passphrase must be at most {MAX_LENGTH} characters"
        )
    try:
        return normalized.encode()
    except UnicodeEncodeError:
        raise request_invalid(field, "not well-formed Unicode") from None


def normalize_new_passphrase(passphrase: str, *, field: str) -> bytes:
    """:func:`normalize_passphrase` for one that is being chosen, which must be possible to type.

    A control character comes from a paste or a program, and no keyboard may ever give it
    again. What is enrolled already unlocks, whatever it holds.
    """
    normalized = normalize_passphrase(passphrase, field=field)
    if any(unicodedata.category(character) == "Cc" for character in normalized.decode()):
        raise request_invalid(
            field,
            "holds a control character",
            message="Passphrase must not hold control characters, such as tabs or line ends",
        )
    return normalized


def round_iterations(iterations: float) -> int:
    """Return the count to use: in steps of 5 000, within the floor and the ceiling."""
    rounded = round(iterations / _STEP) * _STEP
    return min(max(rounded, MIN_ITERATIONS), MAX_ITERATIONS)


async def calibrate_iterations(crypto: CryptoPort, clock: ClockPort) -> int:
    """Return the iterations that take about 220 ms on this device."""
    durations: list[float] = []
    for attempt in range(_PROBES + 1):
        started = clock.monotonic_ms()
        await _derive(crypto, b"calibration", bytes(_SALT_LENGTH), _PROBE_ITERATIONS)
        if attempt:  # The first warms up.
            durations.append(clock.monotonic_ms() - started)
    median = sorted(durations)[_PROBES // 2]
    return round_iterations(_PROBE_ITERATIONS * _TARGET_MS / max(median, 0.001))


async def make_passphrase_kek(
    crypto: CryptoPort, *, passphrase: bytes, iterations: int, now_ms: int
) -> tuple[WrappingKey, PassphraseKdf]:
    """Return a KEK under a fresh salt, and what is stored to derive it again."""
    salt = crypto.random_bytes(_SALT_LENGTH)
    keys = await _derive(crypto, passphrase, salt, iterations)
    kcv = await crypto.mac(keys.kcv_key, _KCV_MESSAGE)
    kdf = PassphraseKdf(format_base64url(salt), iterations, format_base64url(kcv), now_ms)
    return keys.kek, kdf


async def open_passphrase_kek(
    crypto: CryptoPort, *, passphrase: bytes, kdf: PassphraseKdf
) -> WrappingKey | None:
    """Return the KEK, or ``None`` for a wrong passphrase.

    Raises ValueError where ``kdf`` is not what :func:`make_passphrase_kek` writes.
    """
    salt, expected = parse_kdf(kdf)
    keys = await _derive(crypto, passphrase, salt, kdf.iterations)
    actual = await crypto.mac(keys.kcv_key, _KCV_MESSAGE)
    return keys.kek if hmac.compare_digest(actual, expected) else None


def parse_kdf(kdf: PassphraseKdf) -> tuple[bytes, bytes]:
    """Return salt and check value. Raises ValueError like :func:`open_passphrase_kek`."""
    salt, expected = parse_base64url(kdf.salt), parse_base64url(kdf.kcv)
    if len(salt) != _SALT_LENGTH or len(expected) != _KCV_LENGTH:
        raise ValueError("salt or check value of the wrong length")
    if not MIN_ITERATIONS <= kdf.iterations <= MAX_ITERATIONS:
        raise ValueError("iterations out of range")
    return salt, expected


async def _derive(
    crypto: CryptoPort, passphrase: bytes, salt: bytes, iterations: int
) -> PassphraseKeys:
    return await crypto.derive_passphrase_keys(
        passphrase=passphrase,
        salt=salt,
        iterations=iterations,
        kek_info=_KEK_INFO,
        kcv_info=_KCV_INFO,
    )
