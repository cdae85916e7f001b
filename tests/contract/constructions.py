"""The constructions of docs/spec/crypto.md against vectors that others computed.

A derived key is opaque, so each is shown by what it does: the check value it gives, the
ciphertext it opens, the public key that belongs to what came out.
"""

from __future__ import annotations

from typing import Literal

import attrs
from kms_enclave.encoding import format_base64url
from kms_enclave.errors import KMSError
from kms_enclave.keys.derivation import (
    derive_mkek,
    derive_session_kek,
    derive_user_audit_key,
    derive_user_audit_public_key,
)
from kms_enclave.keys.thumbprint import vapid_thumbprint
from kms_enclave.keys.vapid import lease_copy_aad, main_copy_aad
from kms_enclave.leases.relay import (
    RelayBinding,
    RelayCall,
    RelayProof,
    format_relay_id,
    proof_bytes,
    verify_relay_proof,
)
from kms_enclave.ports.crypto import MasterSecret, PassphraseKeys, SignatureCheck, WrappingKey
from kms_enclave.unlock.passphrase import normalize_passphrase
from kms_enclave.unlock.record import master_secret_aad
from kms_enclave.webauthn.challenge import operation_hash

from .expect import equal, holds
from .subject import Subject
from .vectors import Vector

_KEK_INFO = b"ATS/KMS/KEK-wrap/v2"
_KCV_INFO = b"ATS/KMS/KCV-key/v2"


async def _passphrase_keys(subject: Subject) -> PassphraseKeys:
    vector = subject.vectors["passphrase"]
    return await subject.crypto.derive_passphrase_keys(
        passphrase=vector["passphrase"],
        salt=vector["salt"],
        iterations=vector.number("iterations"),
        kek_info=_KEK_INFO,
        kcv_info=_KCV_INFO,
    )


async def _master_secret(subject: Subject) -> MasterSecret:
    vector = subject.vectors["passphrase"]
    keys = await _passphrase_keys(subject)
    return await subject.crypto.open_master_secret(
        kek=keys.kek, wrapped=vector["wrapped"], iv=vector["iv"], aad=vector["aad"]
    )


async def _signs_for(subject: Subject, vector: Vector, wrapping_key: WrappingKey) -> bool:
    """Tell whether the vector's VAPID key opens and signs for the vector's public key."""
    key = await subject.crypto.open_vapid_key(
        wrapping_key=wrapping_key, wrapped=vector["wrapped"], iv=vector["iv"], aad=vector["aad"]
    )
    signature = await subject.crypto.sign_es256(key, b"message")
    return await subject.crypto.verify_es256(
        public_raw=vector["publicKey"], signature=signature, message=b"message"
    )


async def passphrase_check_value_is_the_vectors(subject: Subject) -> None:
    keys = await _passphrase_keys(subject)
    kcv = await subject.crypto.mac(keys.kcv_key, b"ATS/KMS/KCV/v2")
    equal(kcv, subject.vectors["passphrase"]["kcv"])


async def passphrase_is_normalized_to_nfkc_and_utf8(subject: Subject) -> None:
    vector = subject.vectors["passphrase"]
    equal(normalize_passphrase(vector.text("typed"), field="passphrase"), vector["passphrase"])


async def passphrase_kek_opens_the_vectors_master_secret(subject: Subject) -> None:
    secret = await _master_secret(subject)
    public = await derive_user_audit_public_key(subject.crypto, secret)
    equal(public, subject.vectors["userAuditKey"]["publicKey"])


async def prf_kek_opens_the_vectors_master_secret(subject: Subject) -> None:
    crypto, vector = subject.crypto, subject.vectors["prf"]
    kek = await crypto.derive_prf_kek(
        prf_output=vector["prfOutput"], salt=vector["salt"], info=_KEK_INFO
    )
    secret = await crypto.open_master_secret(
        kek=kek, wrapped=vector["wrapped"], iv=vector["iv"], aad=vector["aad"]
    )
    public = await derive_user_audit_public_key(crypto, secret)
    equal(public, subject.vectors["userAuditKey"]["publicKey"])


async def mkek_opens_the_vectors_main_copy(subject: Subject) -> None:
    mkek = await derive_mkek(subject.crypto, await _master_secret(subject))
    holds(await _signs_for(subject, subject.vectors["mkek"], mkek), "the key is the vector's")


async def session_kek_opens_the_vectors_lease_copy(subject: Subject) -> None:
    vector = subject.vectors["sessionKek"]
    session_kek = await derive_session_kek(
        subject.crypto, await _master_secret(subject), lease_salt=vector["leaseSalt"]
    )
    holds(await _signs_for(subject, vector, session_kek), "the key is the vector's")


async def user_audit_key_signs_for_the_vectors_public_key(subject: Subject) -> None:
    vector = subject.vectors["userAuditKey"]
    key = await derive_user_audit_key(subject.crypto, await _master_secret(subject))
    signature = await subject.crypto.sign_ed25519(key, vector["message"])
    # Never compared byte by byte: an engine may randomise Ed25519 signatures.
    checks = [
        SignatureCheck(vector["publicKey"], signature, vector["message"]),
        SignatureCheck(vector["publicKey"], vector["signature"], vector["message"]),
    ]
    equal(list(await subject.crypto.verify_ed25519(checks)), [True, True])


async def thumbprint_is_the_vectors(subject: Subject) -> None:
    vector = subject.vectors["thumbprint"]
    equal(vapid_thumbprint(vector["publicKey"]), vector.text("kid"))


async def a_challenge_is_bound_to_its_operation_as_in_the_vector(subject: Subject) -> None:
    vector = subject.vectors["challenge"]
    params = vector.part("params").fields
    operation = operation_hash(
        method=vector.text("method"), params=params, origin=vector.text("origin")
    )
    equal(operation, vector["operation"])


async def additional_data_of_a_passkey_name_its_credential(subject: Subject) -> None:
    vector = subject.vectors["aad"].part("prfMasterSecret")
    fields = vector.part("fields")
    aad = master_secret_aad(
        enrollment_id=fields.text("enrollmentId"),
        method="passkey-prf",
        instance_id=fields.text("instanceId"),
        credential_id=fields.text("credentialId"),
    )
    equal(aad, vector["bytes"])


async def additional_data_are_the_vectors_bytes(subject: Subject) -> None:
    vectors = subject.vectors["aad"]
    secret, main, lease = (vectors.part(name) for name in ("masterSecret", "mainCopy", "leaseCopy"))
    fields = secret.part("fields")
    equal(
        master_secret_aad(
            enrollment_id=fields.text("enrollmentId"),
            method=fields.text("method"),
            instance_id=fields.text("instanceId"),
        ),
        secret["bytes"],
    )
    fields = main.part("fields")
    equal(
        main_copy_aad(
            kid=fields.text("kid"),
            created_at=fields.number("createdAt"),
            instance_id=fields.text("instanceId"),
        ),
        main["bytes"],
    )
    fields = lease.part("fields")
    equal(
        lease_copy_aad(
            kid=fields.text("kid"),
            created_at=fields.number("createdAt"),
            instance_id=fields.text("instanceId"),
            lease_id=fields.text("leaseId"),
        ),
        lease["bytes"],
    )


async def _fault(
    subject: Subject, binding: RelayBinding, call: RelayCall, proof: RelayProof
) -> object:
    try:
        await verify_relay_proof(
            subject.crypto,
            subject.storage,
            binding=binding,
            call=call,
            proof=proof,
            claimed=set(),
            now_ms=proof.timestamp,
        )
    except KMSError as refusal:
        return refusal.details["fault"]
    return None


async def relay_proofs_of_the_vectors_are_taken_for_their_call_only(subject: Subject) -> None:
    vector = subject.vectors["relayProof"]
    signed = vector.part("call")
    call = RelayCall(
        enclave_origin=signed.text("origin"),
        method=signed.text("method"),
        lease_id=signed.text("leaseId"),
        eid=signed.text("eid"),
        count=signed.number("count"),
    )
    algorithms: tuple[tuple[Literal["Ed25519", "ES256"], str], ...] = (
        ("Ed25519", "ed25519"),
        ("ES256", "es256"),
    )
    for algorithm, name in algorithms:
        made = vector.part(name)
        binding = RelayBinding(algorithm, format_base64url(made["publicKey"]))
        equal(format_relay_id(binding), made.text("rid"))
        proof = RelayProof(
            nonce=signed.text("nonce"),
            timestamp=signed.number("timestamp"),
            signature=format_base64url(made["signature"]),
        )
        equal(proof_bytes(call, proof), vector["bytes"])
        for asked, fault in ((call, None), (attrs.evolve(call, count=4), "signature")):
            equal(await _fault(subject, binding, asked, proof), fault)
