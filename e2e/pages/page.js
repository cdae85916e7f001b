/**
 * What the tests do on a page: use the SDK as an application does, or speak the protocol by hand, as a page can that
 * does not use the SDK.
 */
import { KMSUser } from "/sdk/kms-user.js";

const NONCE = "t".repeat(43);

/** What the tests multiply their limits by; they set it before a page loads. */
const patience = window.testPatience ?? 1;

/** The SDK's own deadlines of a start, longer by that. A method's own are the enclave's too, and stay. */
const START_TIMEOUTS = { helloMs: 10_000, connectMs: 5_000, startMs: 160_000 };

function patientTimeouts(timeouts = {}) {
  if (patience === 1) return timeouts;
  const longer = Object.entries(START_TIMEOUTS).map(([name, ms]) => [name, ms * patience]);
  return { ...Object.fromEntries(longer), ...timeouts };
}

/** What became of some work, as JSON, and how long it took. */
async function settle(work) {
  const begun = performance.now();
  try {
    const result = (await work()) ?? null;
    return { result, ms: performance.now() - begun };
  } catch (thrown) {
    const { name, code, message, retryAfterMs, details } = thrown;
    return { error: { name, code, message, retryAfterMs, details }, ms: performance.now() - begun };
  }
}

export function openSdk(kmsOrigin, { timeouts, ...options } = {}) {
  return settle(async () => {
    window.kms = new KMSUser({ kmsOrigin, ...options, timeouts: patientTimeouts(timeouts) });
    await window.kms.init();
    const { version, manifestHash, capabilities } = window.kms;
    return { version, manifestHash, capabilities };
  });
}

export function callSdk(method, parameters) {
  return settle(() => window.kms[method](...parameters));
}

/** Every call begins before the first one is answered. */
export function callSdkTogether(method, listOfParameters) {
  return Promise.all(listOfParameters.map((parameters) => callSdk(method, parameters)));
}

/** A frame with a channel made by hand. What it says is kept in `said`, what came on the port in `received`. */
export class RawFrame {
  said = [];
  received = [];
  #waiting = new Map();
  #nextId = 1;
  #port = null;

  constructor(kmsOrigin) {
    this.kmsOrigin = kmsOrigin;
    this.element = document.createElement("iframe");
    addEventListener("message", ({ source, origin, data }) => {
      if (source === this.element.contentWindow) this.said.push({ origin, data });
    });
  }

  /** Settles when the frame's document has loaded, whatever it is. */
  embed() {
    return new Promise((resolve) => {
      this.element.addEventListener("load", () => resolve(), { once: true });
      this.element.src = this.kmsOrigin;
      document.body.append(this.element);
    });
  }

  async isGreeted(timeoutMs = 5_000) {
    return this.#until(() => this.said.some(({ data }) => data?.type === "kms:hello"), timeoutMs);
  }

  /** Post a connect; returns the page's end of the channel. Its messages go to `received`. */
  connect(fields = {}) {
    const { port1, port2 } = new MessageChannel();
    const received = [];
    port1.onmessage = ({ data }) => received.push(data);
    const message = { type: "kms:connect", protocol: 1, nonce: NONCE, ...fields };
    this.element.contentWindow.postMessage(message, this.kmsOrigin, [port2]);
    return { port: port1, received };
  }

  async open(timeoutMs = 20_000) {
    await this.embed();
    if (!(await this.isGreeted())) throw new Error("the frame said nothing");
    const { port, received } = this.connect();
    this.#port = port;
    this.received = received;
    port.onmessage = ({ data }) => {
      received.push(data);
      this.#waiting.get(data.id)?.(data);
    };
    const isSettled = () => received.some(({ type }) => type === "kms:ready" || type === "kms:refused");
    if (!(await this.#until(isSettled, timeoutMs))) throw new Error("the enclave did not start");
    return received.at(-1);
  }

  post(message) {
    this.#port.postMessage(message);
  }

  /** A request with exactly these fields besides its ID; settles with the reply, or fails where none comes. */
  request(fields) {
    const id = this.#nextId++;
    return settle(async () => {
      const reply = await new Promise((resolve, reject) => {
        this.#waiting.set(id, resolve);
        setTimeout(() => reject(new Error("no reply")), 10_000 * patience);
        this.post({ id, ...fields });
      });
      if ("error" in reply) throw { name: "reply", ...reply.error };
      return reply.result;
    });
  }

  async #until(condition, timeoutMs) {
    const end = performance.now() + timeoutMs * patience;
    while (!condition() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
    return condition();
  }
}

export function openRaw(kmsOrigin) {
  return settle(() => {
    window.raw = new RawFrame(kmsOrigin);
    return window.raw.open();
  });
}

Object.assign(window, { openSdk, callSdk, callSdkTogether, openRaw, RawFrame, settle, isLoaded: true });
