"""KMSUser: what it makes of the parameters of a call, and of very many calls.

Each rule is tested in ``tests/web/node/params.test.ts``; here, with what only a browser has.
"""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

MAX_CALLS_IN_FLIGHT = 1_024


SUBSCRIPTION = {
    "endpoint": "https://fcm.googleapis.com/fcm/send/one",
    "expirationTime": None,
    "keys": {"p256dh": "AAAA", "auth": "AAAA"},
}

UNSENDABLE = {
    "class instance": "new (class Endpoint { url = 'x'; })()",
    "window": "window",
    "throwing getter": "({ get a() { throw new Error('private'); } })",
}


@pytest.mark.parametrize("value", UNSENDABLE.values(), ids=UNSENDABLE.keys())
def test_what_is_no_json_is_refused_by_name(shared_sdk_page: Page, value: str) -> None:
    outcome = shared_sdk_page.evaluate(
        f"outcome(kms.createLease({{ userId: 'u', subs: [], ttlHours: 1, quotas: {value} }}))"
    )
    assert outcome["error"]["code"] == "request.invalid"
    assert outcome["error"]["details"]["field"].startswith("params.quotas")
    assert "private" not in json.dumps(outcome)


def test_the_browsers_own_push_subscription_is_sent_as_its_json(shared_sdk_page: Page) -> None:
    # One that a push service made cannot be had in a test: the browser's class, with its method.
    text = shared_sdk_page.evaluate(
        """(json) => {
            const toJSON = { value: () => json };
            const subscription = Object.create(PushSubscription.prototype, { toJSON });
            return kms.setPushSubscription({ subscription, leaseId: "echo" });
        }""",
        SUBSCRIPTION,
    )["publicKey"]
    assert json.loads(text)["params"] == {"subscription": SUBSCRIPTION, "leaseId": "echo"}


def test_a_page_may_ask_for_more_than_the_port_takes_at_once(sdk_page: Page) -> None:
    codes = sdk_page.evaluate(
        """async (count) => {
            const calls = Array.from({ length: count }, (_, n) =>
                kms.createLease({ leaseId: "echo", n }).then(
                    ({ publicKey }) => JSON.parse(publicKey).params.n === n,
                    ({ code }) => code,
                ),
            );
            return [...new Set(await Promise.all(calls))];
        }""",
        3 * MAX_CALLS_IN_FLIGHT,
    )
    assert codes == [True]


def test_binary_becomes_base64url_and_undefined_nothing(shared_sdk_page: Page) -> None:
    text = shared_sdk_page.evaluate(
        """kms.createLease({
            leaseId: "echo",
            none: undefined,
            view: new Uint8Array([0, 255, 254, 251]).subarray(1),
            buffer: new ArrayBuffer(3),
        })"""
    )["publicKey"]
    assert json.loads(text)["params"] == {"leaseId": "echo", "view": "__77", "buffer": "AAAA"}
