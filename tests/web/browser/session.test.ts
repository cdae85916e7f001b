/** Where the page's port and the worker meet: one port, of the verified parent, and replies to it alone. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Session } from "../../../web/frame/session";
import { BUILD } from "./played-enclave";

const PARENT = "https://app.example";
const NONCE = "n".repeat(43);
const CONNECT = { type: "kms:connect", protocol: 1, nonce: NONCE };
/** Of getPublicKey: a second before the SDK's. */
const FRAME_DEADLINE_MS = 9_000;

interface Message {
  readonly id?: number;
  readonly type?: string;
  readonly error?: { readonly code: string };
  readonly [field: string]: unknown;
}

class ScriptedWorker extends EventTarget {
  readonly requests: { readonly id: number; readonly origin: string }[] = [];
  isTerminated = false;

  postMessage(text: string): void {
    this.requests.push(JSON.parse(text));
  }

  terminate(): void {
    this.isTerminated = true;
  }

  say(message: object): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  /** Asks the user for the passphrase, for the sake of its request `call`. */
  ask(call: number): void {
    this.say({
      ask: "authenticate",
      id: 1,
      call,
      operation: "Create a lease",
      origin: PARENT,
      methods: ["passphrase"],
    });
  }
}

let workers: ScriptedWorker[];
let session: Session;
let stop: AbortController;

beforeEach(async () => {
  // What a session says to its parent goes to the one of the test's own page.
  vi.spyOn(window.parent, "postMessage").mockImplementation(() => undefined);
  stop = new AbortController();
  const listen = window.addEventListener.bind(window);
  vi.spyOn(window, "addEventListener").mockImplementation(
    (type: string, listener: EventListenerOrEventListenerObject) => listen(type, listener, { signal: stop.signal }),
  );
  workers = [];
  session = new Session(PARENT, async () => {
    const worker = new ScriptedWorker();
    workers.push(worker);
    return worker as unknown as Worker;
  });
  await until(() => workers.length === 1);
});

afterEach(() => {
  stop.abort();
  vi.useRealTimers();
  document.body.replaceChildren();
});

/** What `condition` finds, as soon as it finds something; the test's own limit ends it. */
async function until<T>(condition: () => T | false | undefined): Promise<T> {
  for (;;) {
    const found = condition();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function worker(): ScriptedWorker {
  const newest = workers.at(-1);
  if (!newest) throw new Error("no worker was launched");
  return newest;
}

interface Attempt {
  readonly data?: unknown;
  readonly ports?: number;
  readonly source?: Window | null;
  readonly origin?: string;
}

/** A page's end of a channel, and what arrived there. */
class Page {
  readonly received: Message[] = [];
  readonly #port: MessagePort;

  constructor({ data = CONNECT, ports = 1, source = window.parent, origin = PARENT }: Attempt = {}) {
    const channels = Array.from({ length: Math.max(1, ports) }, () => new MessageChannel());
    for (const { port1 } of channels) {
      port1.addEventListener("message", (event) => this.received.push(event.data));
      port1.start();
    }
    const [{ port1 }] = channels as [MessageChannel];
    this.#port = port1;
    const sent = channels.slice(0, ports).map(({ port2 }) => port2);
    window.dispatchEvent(new MessageEvent("message", { data, source, origin, ports: sent }));
  }

  post(message: object): void {
    this.#port.postMessage(message);
  }

  /** Sends a request; settles when the worker has it. */
  async call(id: number, method = "getPublicKey"): Promise<void> {
    const count = worker().requests.length;
    this.post({ id, method, params: {} });
    await until(() => worker().requests.length > count);
  }

  async until(condition: (message: Message) => boolean): Promise<Message> {
    return until(() => this.received.find(condition));
  }

  replyTo(id: number): Promise<Message> {
    return this.until((message) => message.id === id);
  }
}

async function connectReady(): Promise<Page> {
  const page = new Page();
  worker().say({ type: "kms:ready", ...BUILD });
  await page.until(({ type }) => type === "kms:ready");
  return page;
}

test("the parent is greeted at exactly its origin", () => {
  expect(window.parent.postMessage).toHaveBeenCalledExactlyOnceWith({ type: "kms:hello", protocol: 1 }, PARENT);
});

test("the nonce comes back with the build", async () => {
  const page = await connectReady();
  expect(page.received.at(-1)).toEqual({ type: "kms:ready", nonce: NONCE, ...BUILD });
  expect([session.isConnected, session.state]).toEqual([true, "ready"]);
});

describe("a connect that is not exact, or not the parent's, gets no channel, and spoils none", () => {
  test.each<[string, Attempt]>([
    ["another message", { data: { ...CONNECT, protocol: 2 } }],
    ["no port", { ports: 0 }],
    ["two ports", { ports: 2 }],
    ["another window", { source: window }],
    ["no window", { source: null }],
    ["another origin", { origin: "https://elsewhere.example" }],
    ["the origin with a path", { origin: `${PARENT}/` }],
  ])("%s", async (_, attempt) => {
    const bad = new Page(attempt);
    expect(session.isConnected).toBe(false);
    const page = await connectReady();
    await page.call(1);
    expect(bad.received).toEqual([]);
  });
});

test("a second connect gets no channel", async () => {
  const page = await connectReady();
  const second = new Page();
  second.post({ id: 1, method: "getStatus", params: {} });
  await page.call(2);
  worker().say({ id: 0, result: "first" });
  expect(await page.replyTo(2)).toEqual({ id: 2, result: "first" });
  expect([second.received, worker().requests.length]).toEqual([[], 1]);
});

test("the worker is told the verified origin", async () => {
  const page = await connectReady();
  await page.call(41);
  expect(worker().requests).toEqual([{ id: 0, method: "getPublicKey", params: {}, origin: PARENT }]);
});

test("a request gets one reply", async () => {
  const page = await connectReady();
  await page.call(1);
  worker().say({ id: 0, result: "first" });
  worker().say({ id: 0, result: "second" });
  await page.call(2);
  worker().say({ id: 1, result: "another" });
  await page.replyTo(2);
  expect(page.received.filter(({ id }) => id === 1)).toEqual([{ id: 1, result: "first" }]);
});

test("events go to the origin that they are for", async () => {
  const page = await connectReady();
  const event = { type: "kms:event", event: "quota.alert" };
  worker().say({ ...event, data: "mine", origin: PARENT });
  worker().say({ ...event, data: "theirs", origin: "https://elsewhere.example" });
  worker().say({ ...event, data: "everybody's", origin: null });
  await page.until(({ data }) => data === "everybody's");
  expect(page.received.filter(({ type }) => type === "kms:event").map(({ data }) => data)).toEqual([
    "mine",
    "everybody's",
  ]);
});

test("a crash rejects what was sent, and the next call goes to the next worker", async () => {
  const page = await connectReady();
  await page.call(1);
  worker().dispatchEvent(new Event("error"));
  expect((await page.replyTo(1)).error?.code).toBe("channel.closed");
  page.post({ id: 2, method: "getPublicKey", params: {} });
  await until(() => workers.length === 2);
  worker().say({ type: "kms:ready", ...BUILD });
  await until(() => worker().requests.length === 1);
  expect(worker().requests[0]?.id).toBe(1);
});

test("a crash closes the prompt", async () => {
  const page = await connectReady();
  await page.call(1);
  worker().ask(0);
  await page.until(({ event }) => event === "prompt.show");
  worker().dispatchEvent(new Event("error"));
  await page.until(({ event }) => event === "prompt.hide");
  expect((await page.replyTo(1)).error?.code).toBe("channel.closed");
});

describe("a worker that does not answer", () => {
  /** The frame's timers stand still from then on; messages do not. */
  async function connectWithoutTime(): Promise<Page> {
    const page = await connectReady();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    return page;
  }

  /** Sends a request; settles when the worker has it. */
  async function callNow(page: Page, id: number): Promise<void> {
    const count = worker().requests.length;
    page.post({ id, method: "getPublicKey", params: {} });
    while (worker().requests.length === count) await turn();
  }

  async function replyNow(page: Page, id: number): Promise<Message> {
    for (;;) {
      const reply = page.received.find((message) => message.id === id);
      if (reply) return reply;
      await turn();
    }
  }

  /** A task of its own, without a timer. */
  function turn(): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    return new Promise((resolve) => {
      port1.addEventListener("message", () => resolve());
      port1.start();
      port2.postMessage(null);
    });
  }

  test("is given up, and with it what was asked beside", async () => {
    const page = await connectWithoutTime();
    const first = worker();
    await callNow(page, 1);
    await vi.advanceTimersByTimeAsync(1_500);
    await callNow(page, 2);
    await vi.advanceTimersByTimeAsync(FRAME_DEADLINE_MS - 1_500);
    expect(await replyNow(page, 1)).toMatchObject({
      error: { code: "channel.timeout", details: { timeoutMs: FRAME_DEADLINE_MS } },
    });
    expect((await replyNow(page, 2)).error?.code).toBe("channel.closed");
    await vi.advanceTimersByTimeAsync(1);
    expect([first.isTerminated, workers.length]).toEqual([true, 2]);
  });

  test("is not given up while it waits for the user", async () => {
    const page = await connectWithoutTime();
    await callNow(page, 1);
    worker().ask(0);
    while (!page.received.some(({ event }) => event === "prompt.show")) await turn();
    await vi.advanceTimersByTimeAsync(10 * FRAME_DEADLINE_MS);
    expect([worker().isTerminated, page.received.some(({ id }) => id === 1)]).toEqual([false, false]);
    worker().say({ ask: "close" });
    worker().say({ id: 0, result: "after" });
    expect(await replyNow(page, 1)).toEqual({ id: 1, result: "after" });
  });
});

test("an enclave that lost its storage refuses every call from then on", async () => {
  const page = await connectReady();
  await page.call(1);
  worker().say({ id: 0, error: { code: "storage.evicted", message: "gone" } });
  await page.replyTo(1);
  expect(await page.until(({ type }) => type === "kms:refused")).toMatchObject({ error: { code: "storage.evicted" } });
  page.post({ id: 2, method: "getPublicKey", params: {} });
  expect((await page.replyTo(2)).error?.code).toBe("storage.evicted");
  expect(worker().isTerminated).toBe(true);
});
