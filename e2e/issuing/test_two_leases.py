"""Leases that issue while another is made, and its passphrase derived: each signs with its key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from oracles.audit_log import verify_log
from oracles.vapid import decode_base64url, encode_base64url

from e2e.conftest import SharedEnclave
from e2e.driving.enclave import (
    ENDPOINT,
    ROOMY,
    EnclavePage,
    Wire,
    lease_params,
    parse_outcome,
)

CALLS = 30

# Calls of the leases in turn; in the middle of them another lease is asked for.
_INTERLEAVE = """([leases, params, lease, calls]) => {
    const issue = (leaseId) => callSdk("issueVAPIDJWT", [{ ...params, leaseId }]);
    const issuing = [];
    let creating;
    for (let n = 0; n < calls; n += 1) {
        if (n === calls / 2) creating = callSdk("createLease", [lease]);
        for (const leaseId of leases) issuing.push(issue(leaseId));
    }
    // For as long as the passphrase is derived, and one call with the new lease at once.
    const during = (async () => {
        let created = null;
        void creating.then((settled) => { created = settled; });
        while (created === null) for (const leaseId of leases) issuing.push(await issue(leaseId));
        issuing.push(issue(created.result.leaseId));
    })();
    return during.then(() => Promise.all([creating, ...issuing]));
}"""


def interleave(
    enclave: EnclavePage, leases: Sequence[str], made: Mapping[str, object]
) -> tuple[str, list[Wire]]:
    """Return the lease that was made meanwhile, and every token."""
    asked = [list(leases), {"endpoint": ENDPOINT}, made, CALLS]
    creating, *issuing = map(parse_outcome, enclave.page.evaluate(_INTERLEAVE, asked))
    return creating.value["leaseId"], [outcome.value for outcome in issuing]


def keys_of_leases(entries: Sequence[Wire]) -> dict[str, str]:
    """Return the audit key that each lease was made with, as the user's key has signed it."""
    made = [entry for entry in entries if entry["op"] == "lease.create"]
    assert {entry["signer"] for entry in made} == {"UAK"}
    return {entry["leaseId"]: entry["details"]["lakPublicKey"] for entry in made}


def verify_signer(entry: Wire, keys: Mapping[str, str]) -> None:
    """Hold the entry's certificate and signer against the key that its lease was made with."""
    key = keys[entry["leaseId"]]
    assert entry["signer"] == entry["cert"]["signerKind"] == "LAK"
    assert (entry["cert"]["leaseId"], entry["cert"]["delegatePub"]) == (entry["leaseId"], key)
    expected = encode_base64url(hashlib.sha256(decode_base64url(key)).digest())
    assert entry["signerId"] == expected


def test_interleaved_leases_sign_every_entry_with_their_own_key(restored: SharedEnclave):
    quotas = {**ROOMY, "tokensPerHour": 10_000}
    leases = [restored.lease(quotas=quotas).lease_id for _ in range(2)]
    third, tokens = interleave(restored.page, leases, lease_params())
    entries = restored.page.log()
    verify_log(entries)
    keys = keys_of_leases(entries)
    assert len(set(keys.values())) == len(keys) == 3
    signed = [entry for entry in entries if entry["op"] == "sign"]
    assert {entry["leaseId"] for entry in signed} == {*leases, third}
    for entry in signed:
        verify_signer(entry, keys)
    returned = {token["jti"]: token["auditEntry"] for token in tokens}
    assert {entry["details"]["jti"]: entry for entry in signed} == returned
    assert len(tokens) >= 2 * CALLS + 1
    operations = [entry["op"] for entry in entries[4:]]
    made = operations.index("lease.create")
    assert operations[:made].count("sign") > 0
    assert operations[made + 1 :].count("sign") > 0
