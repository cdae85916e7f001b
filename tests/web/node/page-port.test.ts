/** What a page may put on its port, and that nothing of it is passed on as it is. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PagePort } from "../../../web/frame/page-port";
import { KMSError } from "../../../web/protocol/errors";
import { MAX_CALLS_IN_FLIGHT, MAX_PARAMS_CHARS } from "../../../web/protocol/limits";

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly details: object };
}

interface Performed {
  readonly method: string;
  readonly paramsText: string;
  readonly withdrawn: AbortSignal;
  readonly resolve: (result: unknown) => void;
  readonly reject: (thrown: unknown) => void;
}

const VALID = { method: "getStatus", params: {} } as const;

let page: MessagePort;
let received: Reply[];
/** What reached the enclave; each waits for its answer. */
let performed: Performed[];

beforeEach(() => {
  const { port1, port2 } = new MessageChannel();
  page = port1;
  received = [];
  performed = [];
  new PagePort(port2, (method, paramsText, withdrawn) => {
    return new Promise((resolve, reject) => performed.push({ method, paramsText, withdrawn, resolve, reject }));
  });
  page.addEventListener("message", ({ data }) => received.push(data));
  page.start();
});

afterEach(() => page.close());

/** Settles when everything posted so far has been answered or ignored: messages keep their order. */
async function settle(): Promise<void> {
  const id = 1_000_000 + received.length;
  page.postMessage({ id });
  await expect.poll(() => received.some((reply) => reply.id === id), { interval: 1 }).toBe(true);
  received = received.filter((reply) => reply.id !== id);
}

async function ask(message: object): Promise<Reply | undefined> {
  page.postMessage({ ...message, id: 5 });
  await settle();
  return received[0];
}

describe("an envelope has exactly its fields", () => {
  test.each([
    ["unknown method", { method: "nope", params: {} }, "method.unknown"],
    ["method of Object", { method: "constructor", params: {} }, "method.unknown"],
    ["method __proto__", { method: "__proto__", params: {} }, "method.unknown"],
    ["method that is no text", { method: ["getStatus"], params: {} }, "method.unknown"],
    ["long method", { method: "x".repeat(1e6), params: {} }, "method.unknown"],
    ["no method", { params: {} }, "request.invalid"],
    ["no params", { method: "getStatus" }, "request.invalid"],
    ["an origin", { ...VALID, origin: "x" }, "request.invalid"],
    ["an answer to a question", { answer: { passphrase: "x" } }, "request.invalid"],
  ])("%s", async (_, message, code) => {
    await expectRefusal(message, code);
  });
});

describe("params are plain JSON of bounded size", () => {
  test.each<[string, () => unknown, string]>([
    ["null", () => null, "request.invalid"],
    ["undefined", () => undefined, "request.invalid"],
    ["text", () => "{}", "request.invalid"],
    ["number", () => 5, "request.invalid"],
    ["list", () => [], "request.invalid"],
    ["Map", () => new Map([["a", 1]]), "request.invalid"],
    ["Date", () => new Date(), "request.invalid"],
    ["BigInt", () => ({ a: 1n }), "request.invalid"],
    ["NaN", () => ({ a: Number.NaN }), "request.invalid"],
    ["Infinity", () => ({ a: [Number.POSITIVE_INFINITY] }), "request.invalid"],
    ["bytes", () => ({ a: new Uint8Array(4) }), "request.invalid"],
    ["Error", () => ({ a: new Error("x") }), "request.invalid"],
    ["holes", () => ({ a: new Array(4e9) }), "request.invalid"],
    ["cycle", makeCycle, "request.invalid"],
    ["depth", () => makeDepth(1000), "request.invalid"],
    ["a megabyte", () => ({ a: "x".repeat(1e6) }), "request.too.large"],
    ["escapes", () => ({ a: "\0".repeat(1e5) }), "request.too.large"],
    ["many small values", () => ({ a: Array(300_000).fill(0) }), "request.too.large"],
  ])("%s", async (_, make, code) => {
    await expectRefusal({ method: "getStatus", params: make() }, code);
  });
});

async function expectRefusal(message: object, code: string): Promise<void> {
  const reply = await ask(message);
  expect(reply?.error?.code).toBe(code);
  expect(reply?.error?.message).toBeTruthy();
  expect(JSON.stringify(reply).length).toBeLessThan(1_000);
  expect(performed).toEqual([]);
}

function makeCycle(): object {
  const cycle: Record<string, unknown> = {};
  cycle.a = cycle;
  return cycle;
}

function makeDepth(levels: number): object {
  return Array.from({ length: levels }).reduce<object>((a) => ({ a }), {});
}

describe("what cannot be answered is ignored", () => {
  test.each<[string, unknown]>([
    ["no id", VALID],
    ["negative id", { id: -1, ...VALID }],
    ["fractional id", { id: 1.5, ...VALID }],
    ["id as text", { id: "7", ...VALID }],
    ["unsafe id", { id: 2 ** 53, ...VALID }],
    ["NaN id", { id: Number.NaN, ...VALID }],
    ["null", null],
    ["list", [{ id: 7, ...VALID }]],
    ["Map", new Map<string, unknown>([["id", 7], ...Object.entries(VALID)])],
    ["a worker's text", '{"id":7,"method":"getStatus","params":{},"origin":"x"}'],
    ["boot message", { type: "kms:boot", release: "https://elsewhere.example/", runtime: "{}" }],
    ["handshake", { type: "kms:connect", protocol: 1, nonce: "n".repeat(43) }],
    ["event", { type: "kms:event", event: "prompt.show", data: null }],
  ])("%s", async (_, message) => {
    page.postMessage(message);
    await settle();
    expect([received, performed]).toEqual([[], []]);
  });
});

test("the enclave gets a JSON text of the frame's own making", async () => {
  const params = { kid: "x", list: [1, null, "ä"], none: undefined };
  page.postMessage({ id: 41, method: "getPublicKey", params });
  await settle();
  const [call] = performed;
  expect(call?.method).toBe("getPublicKey");
  expect(call?.paramsText).toBe('{"kid":"x","list":[1,null,"ä"]}');
});

test("the longest params pass", async () => {
  const longest = MAX_PARAMS_CHARS - '{"a":""}'.length;
  for (const length of [longest, longest + 1]) {
    page.postMessage({ id: length, method: "getStatus", params: { a: "x".repeat(length) } });
  }
  await settle();
  expect(performed.map(({ paramsText }) => paramsText.length)).toEqual([MAX_PARAMS_CHARS]);
  expect(received.map(({ id, error }) => [id, error?.code])).toEqual([[longest + 1, "request.too.large"]]);
});

test("a request gets its result under its own ID", async () => {
  page.postMessage({ id: 7, ...VALID });
  await settle();
  performed[0]?.resolve({ state: "ready" });
  await expect.poll(() => received).toEqual([{ id: 7, result: { state: "ready" } }]);
});

test("an ID under way is refused by its name, and free again after its reply", async () => {
  page.postMessage({ id: 1, ...VALID });
  page.postMessage({ id: 1, ...VALID });
  await settle();
  expect(received[0]?.error).toMatchObject({ code: "request.invalid", details: { field: "id" } });
  performed[0]?.resolve("first");
  await expect.poll(() => received[1]).toEqual({ id: 1, result: "first" });
  page.postMessage({ id: 1, ...VALID });
  await settle();
  expect(performed).toHaveLength(2);
});

test("calls under way are bounded", async () => {
  for (let id = 0; id < MAX_CALLS_IN_FLIGHT + 5; id += 1) page.postMessage({ id, ...VALID });
  await expect.poll(() => received.length).toBe(5);
  expect(performed).toHaveLength(MAX_CALLS_IN_FLIGHT);
  for (const [at, { id, error }] of received.entries()) {
    expect(id).toBe(MAX_CALLS_IN_FLIGHT + at);
    expect(error).toMatchObject({ code: "request.too.large", message: expect.stringContaining("Too many calls") });
    expect(error).toMatchObject({ retryAfterMs: expect.toSatisfy((ms: number) => ms > 0) });
  }
});

test("a refusal is sent as it is, and what else is thrown is an internal error that says nothing", async () => {
  page.postMessage({ id: 1, ...VALID });
  page.postMessage({ id: 2, ...VALID });
  await settle();
  performed[0]?.reject(new KMSError("unlock.denied", "Invalid passphrase"));
  performed[1]?.reject(new Error("private"));
  await expect.poll(() => received.length).toBe(2);
  expect(received[0]?.error).toMatchObject({ code: "unlock.denied", message: "Invalid passphrase" });
  expect(received[1]?.error?.code).toBe("internal");
  expect(JSON.stringify(received)).not.toContain("private");
});

test("a withdrawal is told to who performs the call, and only of that call", async () => {
  page.postMessage({ id: 1, ...VALID });
  page.postMessage({ id: 2, ...VALID });
  page.postMessage({ id: 2, withdrawn: true });
  page.postMessage({ id: 9, withdrawn: true });
  await settle();
  expect(performed.map(({ withdrawn }) => withdrawn.aborted)).toEqual([false, true]);
  expect(received).toEqual([]);
});
