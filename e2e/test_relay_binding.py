"""A lease that is bound to a relay, through the SDK; the relay is the example for operators."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from oracles.audit_log import verify_log

from e2e.conftest import SharedEnclave
from e2e.driving.enclave import ENDPOINT, issue_params, lease_params
from examples.relay_proof import make_binding, make_proof, relay_id


@pytest.fixture
def relay() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def test_a_bound_lease_issues_with_each_proof_once(
    shared_enclave: SharedEnclave, relay: Ed25519PrivateKey
):
    enclave = shared_enclave.page
    asked = lease_params(relayBinding=make_binding(relay))
    lease_id = enclave.call("createLease", asked).value["leaseId"]

    def issue(proof: object) -> str | None:
        return enclave.call(
            "issueVAPIDJWTs", issue_params(lease_id, count=2, relayProof=proof)
        ).code

    def prove(key: Ed25519PrivateKey) -> object:
        return make_proof(
            key,
            enclave_origin=enclave.kms_origin,
            method="issueVAPIDJWTs",
            lease_id=lease_id,
            eid=ENDPOINT["eid"],
            count=2,
        )

    proof = prove(relay)
    assert issue(prove(Ed25519PrivateKey.generate())) == "relay.proof.invalid"
    assert issue(proof) is None
    enclave.reload()
    assert enclave.open_sdk().code is None
    assert issue(proof) == "relay.proof.invalid"
    assert issue(prove(relay)) is None
    entries = enclave.log()
    verify_log(entries)
    rids = [entry["details"]["rid"] for entry in entries if entry["op"] == "sign"]
    assert rids == [relay_id(relay)] * 4
