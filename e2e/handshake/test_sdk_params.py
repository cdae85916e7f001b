"""KMSUser: what it makes of the parameters of a call, and of very many calls."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

from e2e.handshake.conftest import code_of

MAX_PARAMS_CHARS = 262_144
MAX_CALLS_IN_FLIGHT = 1_024


SUBSCRIPTION = {
    "endpoint": "https://fcm.googleapis.com/fcm/send/one",
    "expirationTime": None,
    "keys": {"p256dh": "AAAA", "auth": "AAAA"},
}

UNSENDABLE = {
    "function": "() => 1",
    "symbol": "Symbol('s')",
    "BigInt": "1n",
    "NaN": "NaN",
    "Map": "new Map()",
    "class instance": "new (class Endpoint { url = 'x'; })()",
    "window": "window",
    "throwing getter": "({ get a() { throw new Error('private'); } })",
    "cycle": "(() => { const a = []; a.push(a); return a; })()",
    "hole": "[, 1]",
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


@pytest.mark.parametrize("params", ["null", "undefined", "'text'", "5", "[]", "() => 1"])
def test_params_have_to_be_an_object(shared_sdk_page: Page, params: str) -> None:
    assert code_of(shared_sdk_page, f"kms.createLease({params})") == "request.invalid"


def test_a_megabyte_is_too_large(shared_sdk_page: Page) -> None:
    assert code_of(shared_sdk_page, "kms.setupPassphrase('x'.repeat(1e6))") == "request.too.large"


def test_bytes_that_could_never_be_sent_are_not_encoded(shared_sdk_page: Page) -> None:
    codes = shared_sdk_page.evaluate(
        """async () => {
            const encode = window.btoa;
            window.btoa = () => { throw new Error("encoded"); };
            const big = new ArrayBuffer(256 * 1024 ** 2);
            const outcomes = [big, new Uint8Array(big), new DataView(big)].map((bytes) =>
                outcome(kms.createLease({ leaseId: "echo", bytes })),
            );
            window.btoa = encode;
            return (await Promise.all(outcomes)).map(({ error }) => error.code);
        }"""
    )
    assert codes == ["request.too.large"] * 3


def test_the_most_bytes_that_fit_are_sent(shared_sdk_page: Page) -> None:
    bytes_that_fit = (MAX_PARAMS_CHARS - len('{"leaseId":"echo","bytes":""}')) // 4 * 3
    lengths = [bytes_that_fit, bytes_that_fit + 3]
    codes = [
        code_of(
            shared_sdk_page, f"kms.createLease({{leaseId: 'echo', bytes: new ArrayBuffer({n})}})"
        )
        for n in lengths
    ]
    assert codes == [None, "request.too.large"]


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


def test_what_waits_for_its_turn_ends_with_the_channel(sdk_page: Page) -> None:
    codes = sdk_page.evaluate(
        """async (count) => {
            const calls = Array.from({ length: count }, () => outcome(kms.getPublicKey("hang")));
            void kms.terminate();
            return [...new Set((await Promise.all(calls)).map(({ error }) => error.code))];
        }""",
        2 * MAX_CALLS_IN_FLIGHT,
    )
    assert codes == ["channel.closed"]


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


def test_an_accessor_is_read_once_and_sent_as_data(shared_sdk_page: Page) -> None:
    text = shared_sdk_page.evaluate(
        """(() => {
            window.reads = 0;
            const params = { leaseId: "echo", get userId() { reads++; return "u"; } };
            return kms.createLease(params);
        })()"""
    )["publicKey"]
    assert json.loads(text)["params"] == {"leaseId": "echo", "userId": "u"}
    assert shared_sdk_page.evaluate("reads") == 1
