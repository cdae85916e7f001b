"""Key handles: stored, read back, used, never taken out."""

from __future__ import annotations

from kms_enclave.ports.crypto import (
    AuditSigningKey,
    KeyHandle,
    MacKey,
    MasterSecret,
    SignatureCheck,
    VapidSigningKey,
    WrappingKey,
)
from kms_enclave.ports.storage import ABSENT, Expectation, Put, Record

from .expect import equal, holds, instance
from .materials import AUDIT_LABELS, IV, Materials, at, make_materials
from .subject import Subject


async def _stored(subject: Subject, handles: dict[str, KeyHandle]) -> Record:
    """Store handles and return the record as it is read back."""
    address = at("handles", "leases")
    await subject.storage.commit(
        expectations=[Expectation(address, ABSENT)], puts=[Put(address, Record(1, "{}", handles))]
    )
    (record,) = await subject.storage.read([address])
    return instance(record, Record)


async def _all_handles(subject: Subject) -> tuple[Materials, dict[str, KeyHandle]]:
    made = await make_materials(subject.crypto)
    audit = await subject.crypto.generate_audit_key()
    return made, {
        "kek": made.keys.kek,
        "kcv": made.keys.kcv_key,
        "secret": made.secret,
        "signing": made.signing_key,
        "audit": audit.private,
        "gate": await subject.crypto.generate_wrapping_key(),
    }


async def handles_come_back_from_storage_in_their_own_class(subject: Subject) -> None:
    _, handles = await _all_handles(subject)
    record = await _stored(subject, handles)
    equal(
        {name: type(handle) for name, handle in record.handles.items()},
        {
            "kek": WrappingKey,
            "kcv": MacKey,
            "secret": MasterSecret,
            "signing": VapidSigningKey,
            "audit": AuditSigningKey,
            "gate": WrappingKey,
        },
    )


async def a_stored_signing_handle_still_signs(subject: Subject) -> None:
    made, handles = await _all_handles(subject)
    record = await _stored(subject, handles)
    key = instance(record.handles["signing"], VapidSigningKey)
    signature = await subject.crypto.sign_es256(key, b"message")
    verdict = await subject.crypto.verify_es256(
        public_raw=made.vapid.public_raw, signature=signature, message=b"message"
    )
    holds(verdict, "the stored handle is the same key")


async def a_stored_audit_handle_still_signs(subject: Subject) -> None:
    audit = await subject.crypto.generate_audit_key()
    record = await _stored(subject, {"audit": audit.private})
    key = instance(record.handles["audit"], AuditSigningKey)
    signature = await subject.crypto.sign_ed25519(key, b"message")
    check = SignatureCheck(audit.public_raw, signature, b"message")
    equal(list(await subject.crypto.verify_ed25519([check])), [True])


async def a_stored_wrapping_handle_still_opens(subject: Subject) -> None:
    made, handles = await _all_handles(subject)
    record = await _stored(subject, handles)
    kek = instance(record.handles["kek"], WrappingKey)
    await subject.crypto.open_master_secret(
        kek=kek, wrapped=made.wrapped_secret, iv=IV, aad=b"secret"
    )


async def a_stored_generated_key_still_opens(subject: Subject) -> None:
    kek = await subject.crypto.generate_wrapping_key()
    wrapped = await subject.crypto.generate_master_secret(kek=kek, iv=IV, aad=b"gate")
    record = await _stored(subject, {"gate": kek})
    stored = instance(record.handles["gate"], WrappingKey)
    await subject.crypto.open_master_secret(kek=stored, wrapped=wrapped, iv=IV, aad=b"gate")


async def no_handle_can_be_exported_fresh_or_stored(subject: Subject) -> None:
    _, handles = await _all_handles(subject)
    record = await _stored(subject, handles)
    salt, info = AUDIT_LABELS[0]
    derived = await subject.crypto.derive_audit_key(
        (await make_materials(subject.crypto)).secret, salt=salt, info=info
    )
    for handle in (*handles.values(), *record.handles.values(), derived):
        equal(await subject.ways_out(handle), [])


async def a_handle_does_not_show_its_key_in_words(subject: Subject) -> None:
    _, handles = await _all_handles(subject)
    for handle in handles.values():
        equal(repr(handle), f"{type(handle).__name__}()")
