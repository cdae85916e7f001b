"""Relay binding: a lease that issues only what one relay has asked for, call by call.

The relay signs the RFC 8785 bytes of what the call will be; the enclave refuses a bound
lease's call without such a proof, and takes each nonce once: it is recorded in the commit
of the grant, so neither another tab nor a restart lets it through again.

Does not protect from a relay that shares its key, and not from a page that hands a token
on once it has it; that one names its relay in ``rid``. Specification:
docs/spec/relay-proof.md.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

import attrs

from kms_enclave.encoding import canonical_json, format_base64url, parse_base64url
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.fields import text
from kms_enclave.leases.points import verify_ed25519_point, verify_p256_point
from kms_enclave.ports.crypto import CryptoPort, SignatureCheck
from kms_enclave.ports.storage import (
    ABSENT,
    Address,
    Expectation,
    Put,
    Record,
    StoragePort,
)
from kms_enclave.structure import FieldError

__all__ = [
    "WINDOW_MS",
    "ProofUse",
    "RelayBinding",
    "RelayCall",
    "RelayProof",
    "bind_relay",
    "format_relay_id",
    "proof_bytes",
    "verify_binding",
    "verify_proof_form",
    "verify_relay_proof",
]

WINDOW_MS: Final = 60_000
"""How far a proof's time may be from the enclave's clock, before or after."""

_VERSION: Final = "ATS/KMS/relay-proof/v1"
_SIGNATURE_BYTES: Final = 64
_NONCE_BYTES: Final = range(16, 65)
_VERIFY_POINT: Final = {"Ed25519": verify_ed25519_point, "ES256": verify_p256_point}

Fault = Literal["missing", "malformed", "stale", "future", "relay", "signature", "reused"]


@attrs.frozen
class RelayBinding:
    """A relay's public key, base64url: 32 bytes of Ed25519, or an uncompressed P-256 point."""

    alg: Literal["Ed25519", "ES256"]
    key: str = attrs.field(validator=text(128))


@attrs.frozen
class RelayProof:
    """A bound relay's word for one call; ``nonce`` 16 to 64 bytes, ``timestamp`` in milliseconds.

    What is signed, byte for byte: docs/spec/relay-proof.md.
    """

    nonce: str = attrs.field(validator=text(128))
    timestamp: int
    signature: str = attrs.field(repr=False, validator=text(128))


@attrs.frozen
class RelayCall:
    """The call that a proof has to be for; ``count`` is 1 for a single token."""

    enclave_origin: str
    method: str
    lease_id: str
    eid: str
    count: int


def verify_binding(binding: RelayBinding, *, field: str) -> None:
    """Raise FieldError unless the key is one of its algorithm: no proof would verify with it."""
    try:
        raw = parse_base64url(binding.key)
    except ValueError:
        raise FieldError(f"{field}.key", "must be base64url without padding") from None
    try:
        _VERIFY_POINT[binding.alg](raw)
    except ValueError as error:
        raise FieldError(f"{field}.key", str(error)) from None


def format_relay_id(binding: RelayBinding) -> str:
    """Return the ``rid`` of a bound lease's tokens: base64url(SHA-256(raw key))."""
    return format_base64url(hashlib.sha256(parse_base64url(binding.key)).digest())


def bind_relay(binding: RelayBinding | None, *, asked: str | None) -> str | None:
    """Return the ``rid`` of a call's tokens: the page's word, or the bound relay's own name.

    Raises KMSError ``relay.proof.invalid`` where a bound lease is asked for another relay.
    """
    if binding is None:
        return asked
    relay_id = format_relay_id(binding)
    if asked not in (None, relay_id):
        raise _invalid("relay")
    return relay_id


def proof_bytes(call: RelayCall, proof: RelayProof) -> bytes:
    """Return the bytes that the relay signs."""
    return canonical_json(
        {
            "v": _VERSION,
            "origin": call.enclave_origin,
            "method": call.method,
            "leaseId": call.lease_id,
            "eid": call.eid,
            "count": call.count,
            "nonce": proof.nonce,
            "timestamp": proof.timestamp,
        }
    )


def verify_proof_form(proof: RelayProof, *, now_ms: int, not_before_ms: int = 0) -> bytes:
    """Return the signature of a proof that is well-formed and in time.

    ``now_ms`` is the clock: relays compare with their own. From before ``not_before_ms``
    nonces may have been forgotten. Raises KMSError ``relay.proof.invalid``.
    """
    try:
        signature, nonce = parse_base64url(proof.signature), parse_base64url(proof.nonce)
    except ValueError:
        raise _invalid("malformed") from None
    if len(signature) != _SIGNATURE_BYTES or len(nonce) not in _NONCE_BYTES:
        raise _invalid("malformed")
    if proof.timestamp < max(now_ms - WINDOW_MS, not_before_ms):
        raise _invalid("stale")
    if proof.timestamp > now_ms + WINDOW_MS:
        raise _invalid("future")
    return signature


@attrs.frozen
class ProofUse:
    """A nonce that the commit of the grant must record, or lose against whoever did."""

    address: Address
    expires_ms: int

    def expectation(self) -> Expectation:
        """Return what the commit expects: that nobody has used the nonce."""
        return Expectation(self.address, ABSENT)

    def put(self) -> Put:
        """Return what records it; it is swept when no such proof could be in time any more."""
        return Put(self.address, Record(1, "{}", {}, self.expires_ms))


async def verify_relay_proof(
    crypto: CryptoPort,
    storage: StoragePort,
    *,
    binding: RelayBinding | None,
    call: RelayCall,
    proof: RelayProof | None,
    claimed: set[Address],
    now_ms: int,
    not_before_ms: int = 0,
) -> ProofUse | None:
    """Check a call's proof against the lease's binding: form, time, signature, nonce.

    Return the use that the grant's commit must record, ``None`` for an unbound lease.
    ``claimed`` are the nonces of the calls that will share the commit. Raises KMSError
    ``relay.proof.invalid``, or ``request.invalid`` for a proof that nothing could be
    checked against.
    """
    if binding is None:
        if proof is not None:
            raise request_invalid("relayProof", "the lease is not bound to a relay")
        return None
    if proof is None:
        raise _invalid("missing")
    signature = verify_proof_form(proof, now_ms=now_ms, not_before_ms=not_before_ms)
    if not await _is_signed(crypto, binding, signature, proof_bytes(call, proof)):
        raise _invalid("signature")
    address = Address("grants", f"{call.lease_id}/proofs/{proof.nonce}")
    (used,) = await storage.read([address])
    if used is not None or address in claimed:
        raise _invalid("reused")
    return ProofUse(address, proof.timestamp + WINDOW_MS)


async def _is_signed(
    crypto: CryptoPort, binding: RelayBinding, signature: bytes, message: bytes
) -> bool:
    public_raw = parse_base64url(binding.key)
    if binding.alg == "ES256":
        return await crypto.verify_es256(
            public_raw=public_raw, signature=signature, message=message
        )
    (verdict,) = await crypto.verify_ed25519([SignatureCheck(public_raw, signature, message)])
    return verdict


def _invalid(fault: Fault) -> KMSError:
    return KMSError("relay.proof.invalid", details={"fault": fault})
