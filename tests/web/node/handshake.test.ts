/** What the page takes for the enclave's word that it is ready. */

import { expect, test } from "vitest";
import { parseReady } from "../../../web/protocol/handshake";

const BUILD = { version: "1.2.3", manifestHash: "m".repeat(64), codeHash: "c".repeat(64), capabilities: ["Ed25519"] };
const NONCE = "n".repeat(43);
const READY = { type: "kms:ready", nonce: NONCE, ...BUILD };

test("a ready that has the page's nonce is the enclave's", () => {
  expect(parseReady(READY, NONCE)).toEqual(READY);
});

test("a ready may gain fields in a later version", () => {
  expect(parseReady({ ...READY, later: true }, NONCE)).toEqual(READY);
});

test.each<[string, unknown]>([
  ["of another page", { ...READY, nonce: "x".repeat(43) }],
  ["without a nonce", { type: "kms:ready", ...BUILD }],
  ["that inherits its nonce", Object.assign(Object.create({ nonce: NONCE }), { type: "kms:ready", ...BUILD })],
  ["without its build", { type: "kms:ready", nonce: NONCE }],
  ["of another type", { ...READY, type: "kms:progress" }],
])("a ready %s is none", (_, message) => {
  expect(parseReady(message, NONCE)).toBeNull();
});
