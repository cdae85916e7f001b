"""Script on the enclave's own origin may use what is stored; it can take no private key away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from oracles.associated_data import associated_data

from e2e.conftest import Leased
from e2e.driving.shared import SharedEnclave

Report = Mapping[str, Any]


@pytest.fixture(scope="module")
def report(shared_enclave: SharedEnclave) -> Report:
    """What came of every try, on an enclave with one live lease and a token issued."""
    shared_enclave.restore()
    leased = shared_enclave.lease()
    token = leased.issue().value
    arguments = {
        "publicKeys": [token["vapidPublicKey"]],
        "associatedData": associated_data(leased.page.run_in_frame("read_records.js")),
    }
    return leased.page.run_in_frame("extract_keys.js", arguments)


def test_no_try_yields_a_private_key(report: Report):
    assert report["tries"] > 1000
    assert report["found"] == []


def test_stored_handles_are_three_that_only_sign(report: Report):
    stored = sorted((key["name"], key["algorithm"]) for key in report["stored"])
    assert stored == [
        ("leases.lak", "Ed25519"),
        ("leases.signing", "ECDSA"),
        ("meta.kiak", "Ed25519"),
    ]
    assert all(key["usages"] == ["sign"] for key in report["stored"])
    assert not any(key["isExtractable"] for key in report["stored"])


def test_every_ciphertext_was_tried(report: Report):
    expected = {"enrollments.encryptedMs", "keys.wrappedKey", "leases.wrappedLeaseKey"}
    assert expected <= set(report["ciphertexts"])


def test_tries_would_find_a_key_under_a_stored_wrapping_key(leased: Leased):
    """Shows that the test above can fail: an enclave that stored a lease's wrapping key."""
    planted = leased.page.run_in_frame("plant_wrapping_key.js")
    arguments = {
        "publicKeys": [planted["publicKey"]],
        "associatedData": [planted["associatedData"]],
    }
    found = leased.page.run_in_frame("extract_keys.js", arguments)["found"]
    assert any("raw HMAC" in how for how in found)


def test_stored_handle_signs_while_the_script_runs(own_lease: Leased):
    """The limit that is documented: use, past every quota, for as long as the script runs."""
    public_key = own_lease.issue().value["vapidPublicKey"]
    signed = own_lease.page.run_in_frame("use_handle.js", {"publicKey": public_key})
    assert signed is True
