/** One iframe for each enclave, however many instances there are, and promises that always settle. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { KMSUserOptions } from "../../../web/sdk/channel/options";
import { KMSUser } from "../../../web/sdk/kms-user";
import { beginLog, type Log, prove } from "./log-double";
import { BUILD, HANG, PATH, PlayedEnclave, type Request, wireError } from "./played-enclave";

const CLOSED = { code: "channel.closed" };

let enclave: PlayedEnclave;
let log: Log;
let users: KMSUser[];

beforeEach(async () => {
  enclave = new PlayedEnclave();
  enclave.answer = answer;
  log = await beginLog(enclave.host);
  users = [];
});

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(users.map((each) => each.terminate()));
  enclave.end();
});

/** A `kid` says what to do. */
function answer({ method, params }: Request): unknown {
  if (method === "proveAudit") return prove(log, params);
  return params.kid === "hang" ? HANG : { state: "ready", publicKey: params.kid };
}

function make(options: Partial<KMSUserOptions> = {}): KMSUser {
  const user = new KMSUser({ ...enclave.options, ...options });
  users.push(user);
  return user;
}

async function open(options?: Partial<KMSUserOptions>): Promise<KMSUser> {
  const user = make(options);
  await user.init();
  return user;
}

function iframes(): number {
  return document.querySelectorAll(`iframe[src^="${enclave.origin}"]`).length;
}

function iframe(): HTMLIFrameElement {
  if (!enclave.iframe) throw new Error("there is no iframe");
  return enclave.iframe;
}

test("init() is one however often it is called", async () => {
  const kms = make();
  await Promise.all([kms.init(), kms.init()]);
  await kms.init();
  expect([iframes(), enclave.hellos]).toEqual([1, 1]);
  expect([kms.version, kms.manifestHash]).toEqual([BUILD.version, BUILD.manifestHash]);
});

describe("what is mounted, unmounted and mounted again keeps its iframe", () => {
  test.each(["the same instance", "another instance"])("%s", async (instance) => {
    const first = make();
    const unmounted = expect(first.init()).rejects.toMatchObject(CLOSED);
    const ended = first.terminate();
    const second = instance === "the same instance" ? first : make();
    await second.init();
    await Promise.all([unmounted, ended]);
    expect([iframes(), enclave.hellos]).toEqual([1, 1]);
    await second.getStatus();
  });
});

test("instances share an iframe until the last one goes", async () => {
  const [mine, other] = [await open(), await open()];
  expect(iframes()).toBe(1);
  const hanging = expect(mine.getPublicKey("hang")).rejects.toMatchObject(CLOSED);
  const slow = other.getPublicKey("slow");
  await mine.terminate();
  await hanging;
  expect(await slow).toMatchObject({ publicKey: "slow" });
  await expect(mine.getStatus()).rejects.toMatchObject(CLOSED);
  await other.getStatus();
  await other.terminate();
  expect(iframes()).toBe(0);
});

test("another path of the same enclave is refused", async () => {
  const kms = await open();
  await expect(make({ kmsPath: "/other" }).init()).rejects.toMatchObject({ code: "request.invalid" });
  await kms.getStatus();
});

test("it starts anew after terminate()", async () => {
  const kms = await open();
  await kms.terminate();
  expect(iframes()).toBe(0);
  await kms.init();
  expect(enclave.hellos).toBe(2);
});

describe("removing the iframe rejects what waits", () => {
  test.each<[string, (outer: HTMLElement) => void]>([
    ["the iframe", () => iframe().remove()],
    ["its layer", () => iframe().parentElement?.remove()],
    ["its container", (outer) => outer.firstElementChild?.remove()],
    ["all around it", (outer) => outer.replaceChildren()],
    ["what is around its container", (outer) => outer.remove()],
  ])("%s", async (_, remove) => {
    const outer = document.createElement("div");
    const container = document.createElement("div");
    outer.append(container);
    document.body.append(outer);
    const kms = await open({ container });
    const hanging = expect(kms.getPublicKey("hang")).rejects.toMatchObject(CLOSED);
    remove(outer);
    await hanging;
    await expect(kms.getStatus()).rejects.toMatchObject(CLOSED);
    outer.remove();
    await expect(kms.init()).rejects.toMatchObject(CLOSED);
  });
});

test("an iframe that is loaded anew closes the channel", async () => {
  const kms = await open();
  const hanging = expect(kms.getPublicKey("hang")).rejects.toMatchObject(CLOSED);
  iframe().src = `${enclave.origin}${PATH}?again`;
  await hanging;
  await kms.init();
  await kms.getStatus();
  expect(iframes()).toBe(1);
});

test("an iframe that is sent elsewhere closes the channel", async () => {
  const kms = await open();
  const hanging = expect(kms.getPublicKey("hang")).rejects.toMatchObject(CLOSED);
  const element = iframe();
  element.src = "about:blank";
  await hanging;
  expect(element.isConnected).toBe(false);
  await expect(kms.getStatus()).rejects.toMatchObject(CLOSED);
  await kms.init();
  await kms.getStatus();
});

describe("a container that is no element is refused and leaves nothing", () => {
  test.each<[string, () => unknown]>([
    ["a document", () => document],
    ["a text", () => document.createTextNode("")],
    ["a selector", () => "#here"],
    ["an object", () => ({})],
  ])("%s", async (_, container) => {
    const kms = await open();
    const other = make({ container: container() as Element });
    await expect(other.init()).rejects.toMatchObject({ code: "request.invalid" });
    await kms.getStatus();
    expect(iframes()).toBe(1);
  });
});

test("a container that is not in the document is closed", async () => {
  await expect(make({ container: document.createElement("div") }).init()).rejects.toMatchObject(CLOSED);
  expect(iframes()).toBe(0);
});

test("an unexpected build is refused, and its iframe goes", async () => {
  await expect(open({ expectedManifestHash: "e".repeat(64) })).rejects.toMatchObject({ code: "integrity.failed" });
  expect(iframes()).toBe(0);
  await open({ expectedManifestHash: BUILD.manifestHash });
});

test("a refused start rejects init() with its reason and leaves no iframe", async () => {
  enclave.start = (channel) => channel.refuse("storage.blocked");
  await expect(open()).rejects.toMatchObject({
    name: "KMSError",
    code: "storage.blocked",
    message: "The start was refused",
    retryAfterMs: null,
    details: { stage: "entry" },
  });
  expect(iframes()).toBe(0);
});

test("progress is reported, and its handler may throw", async () => {
  const reported = vi.spyOn(globalThis, "reportError").mockImplementation(() => undefined);
  enclave.start = (channel) => {
    channel.progress();
    channel.ready();
  };
  const steps: unknown[] = [];
  await open({
    onProgress: (step) => {
      steps.push(step);
      throw new Error("handler");
    },
  });
  expect(steps).toEqual([{ stage: "python", ratio: 0.5 }]);
  expect(reported).toHaveBeenCalledOnce();
});

test("events reach every handler until it is taken off, also after one that throws", async () => {
  const reported = vi.spyOn(globalThis, "reportError").mockImplementation(() => undefined);
  const kms = await open();
  const seen: unknown[] = [];
  const handler = (data: unknown) => seen.push(data);
  kms.on("quota.alert", () => {
    throw new Error("handler");
  });
  kms.on("quota.alert", handler).on("lease.expired", handler);
  enclave.channel.tell("quota.alert", 1);
  enclave.channel.tell("lease.expired", 2);
  await kms.getStatus();
  kms.off("quota.alert", handler);
  enclave.channel.tell("quota.alert", 3);
  enclave.channel.tell("lease.expired", 4);
  await kms.getStatus();
  expect(seen).toEqual([1, 2, 4]);
  expect(reported).toHaveBeenCalledTimes(2);
});

describe("silence ends at the deadline of its stage, which is named", () => {
  test("hello", async () => {
    const kms = make({ kmsPath: "/silent.html", timeouts: { helloMs: 50 } });
    const error = await kms.init().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "channel.timeout", details: { stage: "hello", timeoutMs: 50 } });
    for (const cause of ["parentOrigins", "frame-ancestors", "integrity", "console", location.origin]) {
      expect(error.message).toContain(cause);
    }
    expect(iframes()).toBe(0);
  });

  test("connect", async () => {
    enclave.start = () => undefined;
    const opening = open({ timeouts: { connectMs: 50 } });
    await expect(opening).rejects.toMatchObject({ details: { stage: "connect", timeoutMs: 50 } });
  });

  test("a stage of the worker's start", async () => {
    enclave.start = (channel) => channel.progress("python");
    const opening = open({ timeouts: { startMs: 50 } });
    await expect(opening).rejects.toMatchObject({
      code: "channel.timeout",
      details: { stage: "python", timeoutMs: 50 },
    });
  });
});

describe("deadlines of methods", () => {
  /** The SDK's timers stand still until they are told to go on; messages do not. */
  async function openWithoutTime(timeouts: KMSUserOptions["timeouts"] & object): Promise<KMSUser> {
    const kms = await open({ timeouts });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    return kms;
  }

  /** Told, and heard: the reply to a later call has come. */
  async function tell(kms: KMSUser, event: string): Promise<void> {
    enclave.channel.tell(event);
    await kms.getStatus();
  }

  test("a call that is not answered ends, and the others go on", async () => {
    const kms = await openWithoutTime({ methodMs: 300 });
    const hanging = expect(kms.getPublicKey("hang")).rejects.toMatchObject({
      code: "channel.timeout",
      message: "Request timeout: getPublicKey (300ms)",
    });
    await vi.advanceTimersByTimeAsync(300);
    await hanging;
    await kms.getStatus();
    expect(enclave.channel.withdrawn).toHaveLength(1);
  });

  test("they stand still while the user is asked, and the iframe is a layer over the page then", async () => {
    const kms = await openWithoutTime({ methodMs: 300 });
    const asking = kms.getPublicKey("hang");
    const settled = vi.fn();
    asking.then(settled, settled);
    expect(iframe().checkVisibility()).toBe(false);
    await tell(kms, "prompt.show");
    expect(iframe().checkVisibility()).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(settled).not.toHaveBeenCalled();
    await tell(kms, "prompt.hide");
    expect(iframe().checkVisibility()).toBe(false);
    const ended = expect(asking).rejects.toMatchObject({ code: "channel.timeout" });
    await vi.advanceTimersByTimeAsync(300);
    await ended;
  });

  test("a prompt that nobody sees holds no promise for ever", async () => {
    const kms = await openWithoutTime({ methodMs: 300, promptMs: 1_000 });
    const asking = kms.getPublicKey("hang");
    const ended = expect(asking).rejects.toMatchObject({ code: "channel.timeout" });
    await tell(kms, "prompt.show");
    await vi.advanceTimersByTimeAsync(1_300);
    await ended;
  });
});

describe("the channel", () => {
  test("is that of the SDK's own iframe, whatever else speaks for the enclave", async () => {
    const kms = await open();
    const another = document.createElement("iframe");
    another.src = enclave.origin + PATH;
    document.body.append(another);
    await expect.poll(() => enclave.hellos).toBe(2);
    await kms.getStatus();
    another.remove();
  });

  test("is not for another origin that the SDK's own iframe shows", async () => {
    const impostor = new PlayedEnclave();
    const leading = new MutationObserver(() => {
      leading.disconnect();
      iframe().src = impostor.origin + PATH;
    });
    leading.observe(document.body, { childList: true });
    // Whoever is answered to has a millisecond for the next word.
    const kms = make({ timeouts: { connectMs: 1 } });
    const ended = expect(kms.init()).rejects.toMatchObject(CLOSED);
    await expect.poll(() => impostor.hellos).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await kms.terminate();
    await ended;
    impostor.end();
  });

  test("is not for what the page itself posts", async () => {
    const shown = vi.fn();
    const kms = make();
    kms.on("prompt.show", shown);
    const starting = kms.init();
    for (const message of [
      { type: "kms:hello", protocol: 1 },
      { type: "kms:ready", nonce: "n".repeat(43), ...BUILD, version: "0" },
      { type: "kms:refused", error: wireError("integrity.failed") },
      { type: "kms:event", event: "prompt.show", data: null },
    ]) {
      window.postMessage(message, "*");
    }
    await starting;
    await kms.getStatus();
    expect(kms.version).toBe(BUILD.version);
    expect(shown).not.toHaveBeenCalled();
  });

  test("is ready only with the nonce of this connect", async () => {
    const ready = vi.fn();
    enclave.start = (channel) => {
      channel.send({ type: "kms:ready", nonce: "another".repeat(6), ...BUILD, version: "0" });
      ready();
      channel.ready();
    };
    const kms = await open();
    expect(ready).toHaveBeenCalledOnce();
    expect(kms.version).toBe(BUILD.version);
  });
});

test("a locked enclave still shows its evidence, and is ready after a reset", async () => {
  enclave.start = (channel) => channel.refuse("attestation.failed");
  enclave.answer = (request) => {
    const { method } = request;
    if (method === "getStatus") return { state: "locked" };
    if (method === "getAuditLog") return { entries: [], next: null };
    if (method !== "resetKMS") throw wireError("attestation.failed");
    enclave.answer = answer;
    enclave.channel.ready();
    return { success: true, checkpoint: null };
  };
  const kms = make();
  const error = await kms.init().catch((thrown) => thrown);
  expect([error.name, error.code]).toEqual(["KMSError", "attestation.failed"]);
  expect(Object.keys(error.handle)).toEqual(["getStatus", "getAuditLog", "exportAudit", "resetKMS"]);
  expect(await error.handle.getStatus()).toEqual({ state: "locked" });
  expect(await error.handle.getAuditLog()).toEqual({ entries: [], next: null });
  await expect(kms.isSetup()).rejects.toMatchObject({ code: "attestation.failed" });
  expect(await error.handle.resetKMS()).toEqual({ success: true, checkpoint: null });
  await kms.init();
  expect(kms.version).toBe(BUILD.version);
});
