"""A lease that is made longer after a restart, and leases that are not made longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from oracles.audit_log import verify_log

from e2e.conftest import Leased
from e2e.driving.enclave import CREDENTIALS, PASSPHRASE, EnclavePage, issue_params, lease_params

HOUR_MS = 3_600_000


def restart_by_reload(page: EnclavePage) -> None:
    page.reload()
    assert page.open_sdk().code is None


def restart_by_crash(page: EnclavePage) -> None:
    page.crash_worker()


@attrs.frozen
class OneHour:
    """Two leases of an hour; the second is a witness of what must not change."""

    page: EnclavePage
    lease_id: str
    other_id: str

    def issue(self, lease_id: str) -> Mapping[str, Any]:
        return self.page.call("issueVAPIDJWT", issue_params(lease_id)).value

    def extend(self, **fields: object) -> Any:
        asked = {"leaseId": self.lease_id, "addHours": 2, "credentials": CREDENTIALS, **fields}
        return self.page.call("extendLease", asked)

    def end(self, lease_id: str) -> int:
        leases = self.page.call("getLeases").value["leases"]
        return next(lease["exp"] for lease in leases if lease["leaseId"] == lease_id)


@pytest.fixture
def one_hour(enclave: EnclavePage) -> OneHour:
    assert enclave.call("setupPassphrase", PASSPHRASE).code is None
    asked = lease_params(ttlHours=1)
    ids = [enclave.call("createLease", asked).value["leaseId"] for _ in range(2)]
    return OneHour(enclave, *ids)


@pytest.mark.parametrize("restart", [restart_by_reload, restart_by_crash])
def test_extension_after_a_restart_renews_the_certificate(
    one_hour: OneHour, restart: Callable[[EnclavePage], None]
):
    before = one_hour.issue(one_hour.lease_id)
    end = one_hour.end(one_hour.lease_id)
    restart(one_hour.page)
    assert one_hour.extend().value == {"exp": end + 2 * HOUR_MS}
    after = one_hour.issue(one_hour.lease_id)
    old, new = before["auditEntry"]["cert"], after["auditEntry"]["cert"]
    assert (old["notAfter"], new["notAfter"]) == (end, end + 2 * HOUR_MS)
    # Nothing else of it is new: the same key, for the same lease, from the same moment on.
    changed = {name for name in new if new[name] != old[name]}
    assert changed == {"notAfter", "sig"}
    assert (after["kid"], after["vapidPublicKey"]) == (before["kid"], before["vapidPublicKey"])
    verify_log(one_hour.page.log())


@pytest.mark.parametrize("restart", [restart_by_reload, restart_by_crash])
def test_extension_after_a_restart_is_signed_by_the_users_key(
    one_hour: OneHour, restart: Callable[[EnclavePage], None]
):
    restart(one_hour.page)
    one_hour.extend()
    entries = one_hour.page.log()
    verify_log(entries)
    by = {entry["op"]: (entry["signer"], entry["signerId"]) for entry in entries}
    assert by["lease.extend"] == by["setup"] == by["lease.create"]
    assert by["setup"][0] == "UAK"


def test_extension_after_a_restart_leaves_the_other_lease_alone(one_hour: OneHour):
    end = one_hour.end(one_hour.other_id)
    restart_by_reload(one_hour.page)
    one_hour.extend()
    assert one_hour.end(one_hour.other_id) == end
    assert one_hour.issue(one_hour.other_id)["auditEntry"]["cert"]["notAfter"] == end


def test_extended_lease_issues_past_its_old_end_under_its_certificate(one_hour: OneHour):
    restart_by_reload(one_hour.page)
    one_hour.extend()
    one_hour.page.set_clock(2 * HOUR_MS)
    entry = one_hour.issue(one_hour.lease_id)["auditEntry"]
    assert entry["cert"]["notBefore"] < entry["timestamp"] < entry["cert"]["notAfter"]
    other = one_hour.page.call("issueVAPIDJWT", issue_params(one_hour.other_id))
    assert other.code == "lease.expired"


def _stored(page: EnclavePage) -> Any:
    return [page.records(), page.call("getLeases").value]


@pytest.mark.parametrize("method", ["extendLease", "refreshLease", "resumeLease"])
def test_expired_lease_is_not_made_longer(one_hour: OneHour, method: str):
    one_hour.page.set_clock(HOUR_MS)
    _is_refused(one_hour, method, one_hour.lease_id, "lease.expired")


@pytest.mark.parametrize("method", ["extendLease", "refreshLease", "resumeLease"])
def test_revoked_lease_is_not_made_longer(one_hour: OneHour, method: str):
    revoked = {"leaseId": one_hour.lease_id}
    assert one_hour.page.call("revokeLease", revoked).code is None
    _is_refused(one_hour, method, one_hour.lease_id, "lease.revoked")


@pytest.mark.parametrize("method", ["extendLease", "refreshLease", "resumeLease"])
def test_lease_that_never_was_is_not_made_longer(one_hour: OneHour, method: str):
    unknown = "lease-00000000-0000-4000-8000-000000000000"
    _is_refused(one_hour, method, unknown, "lease.not.found")


def _is_refused(one_hour: OneHour, method: str, lease_id: str, code: str) -> None:
    asked = {"leaseId": lease_id, "credentials": CREDENTIALS}
    if method == "extendLease":
        asked["addHours"] = 1
    before = _stored(one_hour.page)
    assert one_hour.page.call(method, asked).code == code
    assert _stored(one_hour.page) == before


def test_extension_stays_within_a_day_of_the_creation(leased: Leased):
    asked = {"leaseId": leased.lease_id, "addHours": 12, "credentials": CREDENTIALS}
    (created,) = leased.page.call("getLeases").value["leases"]
    assert (
        leased.page.call("extendLease", asked).value["exp"] == created["createdAt"] + 24 * HOUR_MS
    )
    assert leased.page.call("extendLease", {**asked, "addHours": 0.01}).code == "lease.limit"
