"""What a page may put on its port, and that nothing of it is passed on as it is."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

MAX_PARAMS_CHARS = 262_144
MAX_CALLS_IN_FLIGHT = 1_024

ENVELOPES = {
    "unknown method": ("{ method: 'nope', params: {} }", "method.unknown"),
    "method of Object": ("{ method: 'constructor', params: {} }", "method.unknown"),
    "method __proto__": ("{ method: '__proto__', params: {} }", "method.unknown"),
    "method that is no text": ("{ method: ['getStatus'], params: {} }", "method.unknown"),
    "long method": ("{ method: 'x'.repeat(1e6), params: {} }", "method.unknown"),
    "no method": ("{ params: {} }", "request.invalid"),
    "no params": ("{ method: 'getStatus' }", "request.invalid"),
    "an origin": ("{ method: 'getStatus', params: {}, origin: 'x' }", "request.invalid"),
    "an answer to a question": ("{ answer: { passphrase: 'x' } }", "request.invalid"),
}

PARAMS = {
    "null": ("null", "request.invalid"),
    "undefined": ("undefined", "request.invalid"),
    "text": ("'{}'", "request.invalid"),
    "number": ("5", "request.invalid"),
    "list": ("[]", "request.invalid"),
    "Map": ("new Map([['a', 1]])", "request.invalid"),
    "Date": ("new Date()", "request.invalid"),
    "BigInt": ("{ a: 1n }", "request.invalid"),
    "NaN": ("{ a: NaN }", "request.invalid"),
    "Infinity": ("{ a: [Infinity] }", "request.invalid"),
    "bytes": ("{ a: new Uint8Array(4) }", "request.invalid"),
    "Error": ("{ a: new Error('x') }", "request.invalid"),
    "holes": ("{ a: new Array(4e9) }", "request.invalid"),
    "cycle": ("(() => { const a = {}; a.a = a; return a; })()", "request.invalid"),
    "depth": ("Array(1000).fill().reduce((a) => ({ a }), {})", "request.invalid"),
    "a megabyte": ("{ a: 'x'.repeat(1e6) }", "request.too.large"),
    "escapes": ("{ a: '\\0'.repeat(1e5) }", "request.too.large"),
    "many small values": ("{ a: Array(300000).fill(0) }", "request.too.large"),
}

IGNORED = {
    "no id": "{ method: 'getStatus', params: {} }",
    "negative id": "{ id: -1, method: 'getStatus', params: {} }",
    "fractional id": "{ id: 1.5, method: 'getStatus', params: {} }",
    "id as text": "{ id: '7', method: 'getStatus', params: {} }",
    "unsafe id": "{ id: 2 ** 53, method: 'getStatus', params: {} }",
    "NaN id": "{ id: NaN, method: 'getStatus', params: {} }",
    "null": "null",
    "list": "[{ id: 7, method: 'getStatus', params: {} }]",
    "Map": "new Map([['id', 7], ['method', 'getStatus'], ['params', {}]])",
    "a worker's text": '\'{"id":7,"method":"getStatus","params":{},"origin":"x"}\'',
    "boot message": "{ type: 'kms:boot', release: 'https://elsewhere.example/', runtime: '{}' }",
    "handshake": "{ type: 'kms:connect', protocol: 1, nonce: 'n'.repeat(43) }",
    "event": "{ type: 'kms:event', event: 'prompt.show', data: null }",
}


def post(page: Page, expression: str) -> None:
    page.evaluate(f"port.postMessage({expression})")


def replies_to(page: Page, number: int) -> list[dict[str, object]]:
    return page.evaluate(f"received.filter(({{ id }}) => id === {number})")


def act(page: Page, number: int, kid: str) -> None:
    """Have the scripted worker do something."""
    post(page, f"{{ id: {number}, method: 'getPublicKey', params: {{ kid: '{kid}' }} }}")


def assert_refused(page: Page, message: str, code: str) -> None:
    reply = page.evaluate(f"ask({message})")
    assert reply["error"]["code"] == code
    assert reply["error"]["message"]
    assert len(json.dumps(reply)) < 1_000


@pytest.mark.parametrize(("message", "code"), ENVELOPES.values(), ids=ENVELOPES.keys())
def test_an_envelope_has_exactly_its_fields(shared_raw_page: Page, message: str, code: str) -> None:
    assert_refused(shared_raw_page, message, code)


@pytest.mark.parametrize(("params", "code"), PARAMS.values(), ids=PARAMS.keys())
def test_params_are_plain_json_of_bounded_size(
    shared_raw_page: Page, params: str, code: str
) -> None:
    assert_refused(shared_raw_page, f"{{ method: 'getStatus', params: {params} }}", code)


def test_what_cannot_be_answered_is_ignored(raw_page: Page) -> None:
    before = raw_page.evaluate("received.length")
    for expression in IGNORED.values():
        post(raw_page, expression)
    act(raw_page, 9, "echo")
    reply = raw_page.evaluate("replyTo(9)")
    # The first message that reached the worker: none of the others did.
    assert json.loads(reply["result"]["publicKey"])["id"] == 0
    assert raw_page.evaluate("received.length") == before + 1


def test_the_worker_gets_a_message_of_the_frames_own_making(raw_page: Page) -> None:
    params = "{ kid: 'echo', list: [1, null, 'ä'], none: undefined }"
    post(raw_page, f"{{ id: 41, method: 'getPublicKey', params: {params} }}")
    text = raw_page.evaluate("replyTo(41)")["result"]["publicKey"]
    assert json.loads(text) == {
        "id": 0,
        "method": "getPublicKey",
        "params": {"kid": "echo", "list": [1, None, "ä"]},
        "origin": raw_page.evaluate("location.origin"),
    }


def test_the_longest_params_pass(raw_page: Page) -> None:
    filling = MAX_PARAMS_CHARS - len('{"a":""}')
    for number, length in enumerate([filling, filling + 1]):
        params = f"{{ a: 'x'.repeat({length}) }}"
        post(raw_page, f"{{ id: {number}, method: 'getStatus', params: {params} }}")
    assert raw_page.evaluate("replyTo(0)")["result"] == {"state": "ready"}
    assert raw_page.evaluate("replyTo(1)")["error"]["code"] == "request.too.large"


def test_an_id_under_way_cannot_be_used_again(raw_page: Page) -> None:
    act(raw_page, 1, "slow")
    post(raw_page, "{ id: 1, method: 'getStatus', params: {} }")
    raw_page.evaluate("until(() => received.filter(({ id }) => id === 1).length === 2)")
    first, second = replies_to(raw_page, 1)
    assert first["error"]["code"] == "request.invalid"
    assert second["result"] == {"publicKey": "slow"}


def test_a_request_gets_one_reply(raw_page: Page) -> None:
    act(raw_page, 1, "twice")
    post(raw_page, "{ id: 2, method: 'getStatus', params: {} }")
    raw_page.evaluate("replyTo(2)")
    assert replies_to(raw_page, 1) == [{"id": 1, "result": {"publicKey": "first"}}]


def test_calls_under_way_are_bounded(raw_page: Page) -> None:
    raw_page.evaluate(
        """(count) => {
            const message = { method: "getPublicKey", params: { kid: "hang" } };
            for (let id = 0; id < count; id++) port.postMessage({ id, ...message });
        }""",
        MAX_CALLS_IN_FLIGHT + 5,
    )
    raw_page.evaluate(f"replyTo({MAX_CALLS_IN_FLIGHT + 4})")
    refused = raw_page.evaluate("received.filter(({ error }) => error)")
    assert [reply["id"] for reply in refused] == [MAX_CALLS_IN_FLIGHT + n for n in range(5)]
    for reply in refused:
        assert reply["error"]["code"] == "request.too.large"
        assert "Too many calls at once" in reply["error"]["message"]
        assert reply["error"]["retryAfterMs"] > 0


def test_an_id_that_is_under_way_is_refused_by_its_name(raw_page: Page) -> None:
    act(raw_page, 1, "hang")
    act(raw_page, 1, "echo")
    error = raw_page.evaluate("replyTo(1)")["error"]
    assert (error["code"], error["details"]["field"]) == ("request.invalid", "id")


def test_an_error_without_a_message_is_still_an_error(raw_page: Page) -> None:
    act(raw_page, 1, "error.empty")
    error = raw_page.evaluate("replyTo(1)")["error"]
    assert error == {
        "code": "internal",
        "message": "Unexpected error",
        "retryAfterMs": None,
        "details": {},
    }


def test_a_code_of_a_later_version_is_an_internal_error(raw_page: Page) -> None:
    act(raw_page, 1, "error.unknown")
    error = raw_page.evaluate("replyTo(1)")["error"]
    assert error["code"] == "internal"
    assert error["message"] == "from a later version"
    assert error["details"] == {"code": "made.up"}


def test_garbage_of_the_worker_is_ignored(raw_page: Page) -> None:
    act(raw_page, 0, "garbage")
    assert raw_page.evaluate("replyTo(0)") == {"id": 0, "result": {"publicKey": "after garbage"}}


def test_events_go_to_the_origin_that_they_are_for(raw_page: Page) -> None:
    act(raw_page, 1, "events")
    raw_page.evaluate("replyTo(1)")
    events = raw_page.evaluate("received.filter(({ type }) => type === 'kms:event')")
    assert [[event["event"], event["data"]] for event in events] == [
        ["quota.alert", "mine"],
        ["lease.expired", "everybody"],
    ]
