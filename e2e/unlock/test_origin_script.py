"""Script on the enclave's origin, beside everything that passkeys leave in storage.

Without a gate it takes nothing away. With one it can open the Master Secret, which is what
SECURITY.md says of gates, and only until the gate is removed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from oracles.associated_data import associated_data
from playwright.sync_api import Browser

from e2e.conftest import open_page_in
from e2e.driving.enclave import PASSPHRASE, lease_params
from e2e.unlock.user import User, add_authenticator
from tools.server.serving import LocalServer

Report = Mapping[str, Any]
GATE = "enrollment:passkey-gate:v2"
BY_THE_GATE = "enrollments.gate over enrollments.encryptedMs"


@pytest.fixture(scope="module")
def enrolled(chromium: Browser, prompting_server: LocalServer) -> Iterator[User]:
    """A passphrase, a passkey with PRF, and a live lease."""
    with contextlib.closing(chromium.new_context()) as context:
        origins = {
            "app_origin": prompting_server.app_origin,
            "kms_origin": prompting_server.kms_origin,
        }
        enclave = open_page_in(context, **origins)
        assert enclave.open_sdk().code is None
        user = User(enclave)
        user.sets_up()
        first = add_authenticator(user.page, transport="usb")
        add_passkey(user, "passkey-prf")
        first.hold(touched=False)  # It would refuse to hold another passkey of this user.
        confirm(user, "createLease", {**lease_params(), "credentials": None})
        yield user


def confirm(user: User, method: str, *parameters: object) -> Any:
    user.begin(method, *parameters)
    user.sees("Confirm it’s you")
    user.type(PASSPHRASE)
    return user.outcome().value


def add_passkey(user: User, method: str) -> None:
    user.begin("addEnrollment", method)
    user.sees("Confirm it’s you")
    user.type(PASSPHRASE)
    user.sees("Create a passkey")
    user.press("Create passkey")
    assert user.outcome().value["enrollmentId"] == f"enrollment:{method}:v2"


def try_everything(user: User) -> Report:
    arguments = {
        "publicKeys": [user.enclave.call("getPublicKey").value["publicKey"]],
        "associatedData": associated_data(user.enclave.run_in_frame("read_records.js")),
    }
    return user.enclave.run_in_frame("extract_keys.js", arguments)


def test_without_a_gate_nothing_opens(enrolled: User) -> None:
    report = try_everything(enrolled)
    assert report["tries"] > 5_000
    assert report["ciphertexts"].count("enrollments.encryptedMs") == 2
    assert report["opened"] == []
    assert report["found"] == []


def test_what_a_gate_gives_away_ends_with_it(enrolled: User) -> None:
    add_authenticator(enrolled.page, transport="usb")
    add_passkey(enrolled, "passkey-gate")
    with_gate = try_everything(enrolled)
    assert set(with_gate["opened"]) == {BY_THE_GATE}
    # The leases' and the instance's keys, and the gate's own, stay where they are even so.
    assert with_gate["found"] == []
    confirm(enrolled, "removeEnrollment", GATE)
    without = try_everything(enrolled)
    assert without["opened"] == []
    assert "enrollments.gate" not in {key["name"] for key in without["stored"]}
