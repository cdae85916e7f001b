"""What the instance record says of the log's keys, held against a user's signature.

Every entry that the Instance Audit Key signs carries the certificate of this record. One
that was altered there would make all later entries bad, and a key that was put in its
place would go unseen where the log's beginning was pruned.
"""

from __future__ import annotations

from kms_enclave.codec import DamagedRecordError
from kms_enclave.encoding import parse_base64url
from kms_enclave.log.instance import InstanceRecord
from kms_enclave.log.verify.chain import ChainState, ChainVerifier
from kms_enclave.ports.crypto import CryptoPort

__all__ = ["verify_identity"]


async def verify_identity(crypto: CryptoPort, record: InstanceRecord) -> None:
    """Check the certificate by the record's User Audit Key for its own key and id.

    Before a setup there is neither. Raises DamagedRecordError.
    """
    certificate = record.kiak_cert
    if record.uak_public is None and certificate is None:
        return
    if record.uak_public is None or certificate is None:
        raise DamagedRecordError("the instance has a user's key or a certificate, not both")
    try:
        state = ChainState(
            instance_id=record.instance_id,
            kiak=parse_base64url(record.kiak_public),
            uak=parse_base64url(record.uak_public),
        )
        check = ChainVerifier(start=state).check_instance_certificate(certificate)
    except ValueError as error:
        raise DamagedRecordError(f"in the instance, {error}") from None
    (holds,) = await crypto.verify_ed25519([check])
    if not holds:
        raise DamagedRecordError("in the instance, the certificate's signature is not valid")
