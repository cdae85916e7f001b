"""What each stored ciphertext is bound to, computed as `docs/spec/crypto.md` says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785
from oracles.vapid import encode_base64url

StoredRecord = Mapping[str, Any]


def associated_data(stored: Sequence[StoredRecord]) -> list[str]:
    """Return base64url of the AAD of every record's ciphertext; `read_records.js` reads them."""
    records = {(each["store"], each["key"]): json.loads(each["value"]) for each in stored}
    instance_id = records["meta", "instance"]["instanceId"]
    found = [
        _binding(store, record, instance_id)
        for (store, _), record in records.items()
        if store in ("enrollments", "keys", "leases")
    ]
    return [encode_base64url(rfc8785.dumps(each)) for each in found]


def _binding(store: str, record: StoredRecord, instance_id: str) -> dict[str, Any]:
    if store == "enrollments":
        passkey = record.get("passkey")
        credential = {"credentialId": passkey["credentialId"]} if passkey else {}
        return {
            "algVersion": 1,
            "enrollmentId": record["enrollmentId"],
            "instanceId": instance_id,
            "kmsVersion": 2,
            "method": record["method"],
            "purpose": "master-secret",
            **credential,
        }
    lease = {"leaseId": record["leaseId"]} if store == "leases" else {}
    return {
        "alg": "ES256",
        "createdAt": record["createdAt"],
        "instanceId": instance_id,
        "kid": record["kid"],
        "kmsVersion": 2,
        "purpose": "vapid-lease" if lease else "vapid",
        **lease,
    }
