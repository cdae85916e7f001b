/** The debug log shows every message of the channel and no secret in any of them. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { METHODS, type MethodName } from "../../../web/protocol/contract.gen";
import { formatMessage } from "../../../web/sdk/channel/debug-log";

/** Text fields of the contract that may be written. All others are taken for secrets. */
const PUBLIC = [
  "eid",
  "enrollmentId",
  "jti",
  "kid",
  "leaseId",
  "method",
  "methods",
  "op",
  "reason",
  "vapidKid",
  "version",
];

const CONTRACT = readFileSync("web/protocol/contract.gen.ts", "utf8");

const METHOD_TYPES = new Map(
  [...CONTRACT.matchAll(/^ {2}(\w+): \{ params: (\w+); result: (\w+) \};$/gm)].map(
    ([, method = "", params = "", result = ""]) => [method, { params, result }],
  ),
);

/** Fields of each interface, with their types as text. */
const INTERFACES = new Map(
  [...CONTRACT.matchAll(/^export interface (\w+) \{\n((?: {2}.*\n)+?)\}/gm)].map(([, name = "", body = ""]) => [
    name,
    [...body.matchAll(/^ {2}(\w+)\??: (.*);$/gm)].map(([, field = "", type = ""]) => ({ field, type })),
  ]),
);

/** One value for each alternative of a type; each text says of which field it is. */
function samplesOf(type: string, field: string): readonly unknown[] {
  return [...type.matchAll(/"[^"]*"|\w+/g)].flatMap(([word]): readonly unknown[] => {
    if (word === "string") return [`secret-of-${field}`];
    if (word === "number") return [7];
    if (word === "Record") return [{ endpoint: "secret-of-endpoint", token: ["secret-of-token"] }];
    const fields = INTERFACES.get(word);
    return fields ? [Object.fromEntries(fields.map((each) => [each.field, samplesOf(each.type, each.field)]))] : [];
  });
}

function fieldsWritten(line: string): readonly string[] {
  return [...line.matchAll(/secret-of-(\w+)/g)].map(([, field = ""]) => field);
}

function linesOf(method: MethodName): readonly string[] {
  const { params, result } = METHOD_TYPES.get(method) ?? { params: "", result: "" };
  return [
    formatMessage("page -> enclave", { id: 1, method, params: samplesOf(params, "params") }),
    formatMessage("enclave -> page", { id: 1, result: samplesOf(result, "result") }),
  ];
}

describe("of what a method takes and returns, only text of these fields is written", () => {
  test.each(METHODS)("%s", (method) => {
    expect(METHOD_TYPES.has(method)).toBe(true);
    const written = linesOf(method).flatMap(fieldsWritten);
    expect(written.filter((field) => !PUBLIC.includes(field))).toEqual([]);
  });

  test("over all methods, exactly these", () => {
    const written = METHODS.flatMap(linesOf).flatMap(fieldsWritten);
    expect([...new Set(written)].sort()).toEqual(PUBLIC);
  });
});

test("a secret is replaced by its field and its length", () => {
  const params = { credentials: { method: "passphrase", passphrase: "correct horse" }, url: "https://push.example/x" };
  expect(formatMessage("page -> enclave", { id: 3, method: "createLease", params })).toBe(
    'page -> enclave {"id":3,"method":"createLease","params":{"credentials":' +
      '{"method":"passphrase","passphrase":"[passphrase, 13 characters]"},"url":"[url, 22 characters]"}}',
  );
});

describe("a secret in the wrong place is not written", () => {
  test.each<[string, object, string]>([
    ["a PRF output as numbers", { prfOutput: [201, 202] }, "20"],
    ["a passphrase of digits as a number", { passphrase: 20_202 }, "20202"],
    ["a PIN in credentials", { credentials: { method: "passphrase", pin: 20_202 } }, "20202"],
    ["an identifier in credentials", { newCredentials: { method: "passphrase", kid: "hidden" } }, "hidden"],
    ["credentials of a batch's step", { requests: [{ params: { credentials: { passphrase: "hidden" } } }] }, "hidden"],
    ["credentials as text", { credentials: "hidden" }, "hidden"],
    ["a JWT as an identifier", { jti: "eyJ0eXAi.eyJhdWQi.hidden" }, "hidden"],
    ["an endpoint in a message", { message: "no answer from https://push.example/hidden" }, "hidden"],
    ["an endpoint as a claim's name", { payload: { "https://push.example/hidden": 1 } }, "hidden"],
    ["an endpoint as the name of a list", { "https://push.example/hidden": new Array(100).fill(1) }, "hidden"],
    ["an endpoint as a name in credentials", { credentials: { "https://push.example/hidden": 1 } }, "hidden"],
    ["a long text", { reason: "hidden".repeat(100) }, "hidden"],
  ])("%s", (_, params, secret) => {
    expect(formatMessage("page -> enclave", { params })).not.toContain(secret);
  });
});

describe("what an enclave may send and JSON lacks is written all the same", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  test.each<[string, unknown]>([
    ["a cycle", cycle],
    ["a BigInt", { id: 1n }],
    ["bytes", { result: new ArrayBuffer(8) }],
    ["a long list", { result: new Array(100_000).fill("x") }],
    ["nothing", undefined],
  ])("%s", (_, message) => {
    const line = formatMessage("enclave -> page", message);
    expect(line).toMatch(/^enclave -> page /);
    expect(line.length).toBeLessThan(2_000);
  });
});

test("a message that refers to the same lists again and again takes no time and no space", () => {
  let nested: unknown = "x";
  for (let level = 0; level < 8; level += 1) nested = new Array(32).fill(nested);
  expect(formatMessage("enclave -> page", { result: nested }).length).toBeLessThan(2_000_000);
});

test("numbers and an error's code and message are written", () => {
  const error = { code: "quota.exceeded.lease", message: "Quota exceeded: tokens per hour", retryAfterMs: 5 };
  expect(formatMessage("enclave -> page", { id: 4, error })).toBe(
    `enclave -> page ${JSON.stringify({ id: 4, error })}`,
  );
});
