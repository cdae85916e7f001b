"""What a page may put on its port, and that nothing of it is passed on as it is.

Each rule of the port is tested in ``tests/web/node/page-port.test.ts``; here, that it is in force.
"""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

REFUSED = {
    "unknown method": ("{ method: 'nope', params: {} }", "method.unknown"),
    "an origin": ("{ method: 'getStatus', params: {}, origin: 'x' }", "request.invalid"),
    "Map": ("{ method: 'getStatus', params: new Map([['a', 1]]) }", "request.invalid"),
    "a megabyte": (
        "{ method: 'getStatus', params: { a: 'x'.repeat(1e6) } }",
        "request.too.large",
    ),
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


@pytest.mark.parametrize(("message", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_request_that_is_not_exact_is_refused(
    shared_raw_page: Page, message: str, code: str
) -> None:
    assert_refused(shared_raw_page, message, code)


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


def test_a_request_gets_one_reply(raw_page: Page) -> None:
    act(raw_page, 1, "twice")
    post(raw_page, "{ id: 2, method: 'getStatus', params: {} }")
    raw_page.evaluate("replyTo(2)")
    assert replies_to(raw_page, 1) == [{"id": 1, "result": {"publicKey": "first"}}]


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
