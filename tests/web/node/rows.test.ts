/** Records as Python reads them: one that is not of the enclave's own shape has no value and no handles. */

import { expect, test } from "vitest";
import { ABSENT, formatRows, revisionOf } from "../../../worker/primitives/rows";

const { privateKey: KEY } = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, [
  "sign",
  "verify",
])) as CryptoKeyPair;
const WHOLE = { revision: 7, value: '{"a":1}', handles: { signing: KEY } };

test("a whole record comes with its value and its handles", () => {
  const { text, values, keys } = formatRows([["head", { ...WHOLE, expires: 9 }]]);
  expect(JSON.parse(text)).toEqual([["head", 7, 9, ["signing", "ECDSA"]]]);
  expect(values).toBe('{"a":1}');
  expect(keys).toEqual([KEY]);
  expect(revisionOf(WHOLE)).toBe(7);
});

test("a record that is not there is told from one that is damaged", () => {
  expect(JSON.parse(formatRows([["head", undefined]]).text)).toEqual([["head", ABSENT, null, []]]);
  expect(revisionOf(undefined)).toBe(ABSENT);
});

test.each([
  ["text", "text"],
  ["null", null],
  ["a number", 7],
  ["a list", []],
  ["an empty object", {}],
  ["no revision", { value: "{}", handles: {} }],
  ["a revision that is none", { ...WHOLE, revision: "1" }],
  ["a revision beyond the safe integers", { ...WHOLE, revision: 2 ** 53 }],
  ["no value", { revision: 7, handles: {} }],
  ["a number as its value", { ...WHOLE, value: 1 }],
  ["a value that would be read as two", { ...WHOLE, value: "{}\0{}" }],
  ["no handles", { revision: 7, value: "{}" }],
  ["null as its handles", { ...WHOLE, handles: null }],
  ["text as its handles", { ...WHOLE, handles: "keys" }],
  ["an end that is no time", { ...WHOLE, expires: "later" }],
])("a record of another shape is damaged: %s", (_, record) => {
  const { text, values, keys } = formatRows([["head", record]]);
  const [[key, revision, expires, names]] = JSON.parse(text);
  expect([key, expires, names, values, keys]).toEqual(["head", null, [], "", []]);
  expect(revision).not.toBe(ABSENT);
  expect(revisionOf(record)).toBe(revision);
});

test("a handle that is no key is missing from its record", () => {
  const { text, keys } = formatRows([["head", { ...WHOLE, handles: { signing: {}, audit: 1, kiak: KEY } }]]);
  expect(JSON.parse(text)).toEqual([["head", 7, null, ["kiak", "ECDSA"]]]);
  expect(keys).toEqual([KEY]);
});
