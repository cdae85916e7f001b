/** One pin for each enclave, which two tabs cannot make go back; and entries beside it. */

import { beforeEach, expect, test } from "vitest";
import type { LogPin, PinnedEntry } from "../../../web/sdk/log/log-check";
import { PinStore } from "../../../web/sdk/log/pin-store";

let store: PinStore;
let enclave: string;

beforeEach(() => {
  enclave = `https://${crypto.randomUUID()}.example`;
  store = new PinStore(enclave);
});

function pin(size: number): LogPin {
  return { log: "log", instanceKey: "key", auditKey: null, checkpoint: `note of ${size}`, size, root: "root" };
}

function entry(seqNum: number, chainHash = `hash ${seqNum}`): PinnedEntry {
  return { log: "log", seqNum, chainHash, text: "{}" };
}

test("a pin moves on only from what was compared, and so do the entries that it covers", async () => {
  await store.keep([entry(1)], []);
  expect(await store.advance(null, pin(1), [])).toBe(true);
  expect(await store.advance(null, pin(2), [entry(1)])).toBe(false);
  expect(await store.read()).toEqual({ pin: pin(1), entries: [entry(1)] });
  expect(await store.advance(pin(1), pin(2), [entry(1)])).toBe(true);
  expect(await store.read()).toEqual({ pin: pin(2), entries: [] });
});

test("of two tabs that move one pin at once one is told that it was late", async () => {
  await store.advance(null, pin(1), []);
  const late = new PinStore(enclave);
  const moved = await Promise.all([store.advance(pin(1), pin(3), []), late.advance(pin(1), pin(2), [])]);
  expect(moved.filter(Boolean)).toHaveLength(1);
});

test("two entries of one number are both kept", async () => {
  await store.keep([entry(1), entry(1, "fork")], []);
  expect((await store.read()).entries).toHaveLength(2);
});

test("what another enclave has is its own, also after a new beginning", async () => {
  const other = new PinStore(`${enclave}:8443`);
  await other.keep([entry(1)], []);
  await other.advance(null, pin(1), []);
  await store.keep([entry(2)], []);
  await store.renew(pin(5));
  expect(await store.read()).toEqual({ pin: pin(5), entries: [] });
  expect(await other.read()).toEqual({ pin: pin(1), entries: [entry(1)] });
});
