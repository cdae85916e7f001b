/** What each end of a channel takes for a message, and what it makes of errors that it does not know. */

import { describe, expect, test } from "vitest";
import { parseReply } from "../../../web/protocol/calls";
import { formatEnclaveRequest, parseEnclaveMessage } from "../../../web/protocol/enclave";
import { isConnect } from "../../../web/protocol/handshake";

const CONNECT = { type: "kms:connect", protocol: 1, nonce: "n".repeat(43) };

test("a connect needs a nonce, and may name how the enclave asks", () => {
  expect(isConnect(CONNECT)).toBe(true);
  expect(isConnect({ ...CONNECT, promptMode: "popup" })).toBe(true);
});

describe("a connect that is not exact is none", () => {
  test.each<[string, unknown]>([
    ["another protocol", { ...CONNECT, protocol: 2 }],
    ["protocol as text", { ...CONNECT, protocol: "1" }],
    ["another type", { ...CONNECT, type: "kms:hello" }],
    ["no nonce", { type: "kms:connect", protocol: 1 }],
    ["a nonce that is undefined", { ...CONNECT, nonce: undefined }],
    ["short nonce", { ...CONNECT, nonce: "short" }],
    ["nonce of other characters", { ...CONNECT, nonce: "<".repeat(43) }],
    ["nonce of a megabyte", { ...CONNECT, nonce: "n".repeat(1e6) }],
    ["nonce that is no text", { ...CONNECT, nonce: { length: 43 } }],
    ["another way to ask", { ...CONNECT, promptMode: "silent" }],
    ["a further field", { ...CONNECT, origin: "https://elsewhere.example" }],
    ["no object", "kms:connect"],
    ["null", null],
  ])("%s", (_, message) => {
    expect(isConnect(message)).toBe(false);
  });
});

test("a request to the worker has the verified origin, and IDs of the frame's own", () => {
  const text = formatEnclaveRequest(0, "getPublicKey", '{"kid":"x"}', 'https://app.example"');
  expect(JSON.parse(text)).toEqual({
    id: 0,
    method: "getPublicKey",
    params: { kid: "x" },
    origin: 'https://app.example"',
  });
});

describe("what is no message of the worker is none", () => {
  test.each<[string, unknown]>([
    ["an object", { id: 1, result: "not text" }],
    ["no JSON", "not json"],
    ["a list", "[1]"],
    ["null", "null"],
    ["a reply without an outcome", '{"id":1}'],
    ["a reply under a negative ID", '{"id":-1,"result":1}'],
    ["a type of a later version", '{"type":"kms:later"}'],
    ["an event of a later version", '{"type":"kms:event","event":"made.up","data":1,"origin":null}'],
    ["an event that is for nobody", '{"type":"kms:event","event":"quota.alert","data":1}'],
    ["a ready without its build", '{"type":"kms:ready"}'],
    ["a question without its call", '{"ask":"introduce","id":1,"operation":"x","origin":"y"}'],
    ["a question of a later version", '{"ask":"later","id":1,"call":1,"operation":"x","origin":"y"}'],
  ])("%s", (_, message) => {
    expect(parseEnclaveMessage(message)).toBeNull();
  });
});

test("an error without a message is still an error", () => {
  expect(parseReply({ id: 1, error: { code: "internal", message: "" } })).toEqual({
    id: 1,
    error: { code: "internal", message: "Unexpected error", retryAfterMs: null, details: {} },
  });
});

test("what is no error at all is still an error", () => {
  expect(parseReply({ id: 1, error: null })).toMatchObject({ error: { code: "internal" } });
});

test("a code of a later version is an internal error that names it", () => {
  expect(parseReply({ id: 1, error: { code: "made.up", message: "from a later version" } })).toMatchObject({
    error: { code: "internal", message: "from a later version", details: { code: "made.up" } },
  });
});
