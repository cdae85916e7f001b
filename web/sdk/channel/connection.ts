/**
 * One iframe with one enclave in it, and the one channel to it.
 *
 *     hello ──► connect ──► start ──► ready | locked | closed
 *
 * Guarantees: only what comes from this iframe's window and the enclave's origin is
 * heard; every promise settles, by a reply, a deadline or the end of the channel. A
 * second hello means that the iframe was loaded anew: the old channel is then closed.
 * Does not protect from another script of the page, which can remove the iframe.
 */

import { encodeBase64url } from "../../protocol/base64url";
import { type EventMessage, parseEvent, parseReply, type Request, type Withdrawal } from "../../protocol/calls";
import type { MethodName } from "../../protocol/contract.gen";
import { Deadline } from "../../protocol/deadline";
import { KMSError } from "../../protocol/errors";
import {
  type Build,
  type Connect,
  isHello,
  type Progress,
  type PromptMode,
  parseProgress,
  parseReady,
  parseRefused,
} from "../../protocol/handshake";
import { copyParams } from "../../protocol/json";
import { MAX_CALLS_OF_PAGE, PROTOCOL } from "../../protocol/limits";
import { PendingCalls } from "../../protocol/pending-calls";
import type { Direction } from "./debug-log";
import { FrameLayer } from "./layer";
import { plainValue } from "./plain";
import { methodTimeoutMs, type Timeouts } from "./timeouts";

/** `locked`: the enclave failed its self-test, and answers only what leaves the evidence readable. */
export type ConnectionState =
  | { readonly name: "hello" | "connect" }
  | { readonly name: "start"; readonly progress: Progress }
  | { readonly name: "ready"; readonly build: Build }
  | { readonly name: "locked" | "closed"; readonly error: KMSError };

export interface ConnectionOptions {
  readonly timeouts: Timeouts;
  readonly promptMode: PromptMode;
}

export interface ConnectionObserver {
  onState(state: ConnectionState): void;
  onEvent(event: EventMessage): void;
  /** Each message of the channel: before it is posted, or as it came. It may hold secrets. */
  onMessage(direction: Direction, message: unknown): void;
}

export class Connection {
  readonly #address: URL;
  readonly #timeouts: Timeouts;
  readonly #promptMode: PromptMode;
  readonly #layer: FrameLayer;
  readonly #removal: MutationObserver;
  /** Unanswered ones are withdrawn: no user is asked for what nobody waits for. */
  readonly #calls = new PendingCalls<ConnectionObserver>({
    hasRoom: (sent) => sent < MAX_CALLS_OF_PAGE,
    isQueueTimed: false,
    onUnanswered: (id) => this.#post({ id, withdrawn: true }),
  });
  readonly #observers = new Set<ConnectionObserver>();
  readonly #nonce = encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));
  #state: ConnectionState = { name: "hello" };
  #stage: Deadline;
  #hold = new Deadline(0, () => undefined);
  #port: MessagePort | null = null;

  constructor(address: URL, container: Element, { timeouts, promptMode }: ConnectionOptions) {
    this.#address = address;
    this.#timeouts = timeouts;
    this.#promptMode = promptMode;
    // First what can throw: a connection that never came to be must leave nothing behind.
    this.#layer = new FrameLayer(address, container);
    this.#removal = this.#layer.onRemoved(() => this.close(closedError("The enclave's iframe was removed")));
    this.#layer.onTakenAway(() => this.#onTakenAway());
    window.addEventListener("message", this.#onWindowMessage);
    this.#stage = this.#stageDeadline(timeouts.helloMs);
  }

  get address(): URL {
    return this.#address;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  observe(observer: ConnectionObserver): void {
    this.#observers.add(observer);
  }

  /** Rejects what `owner` still waits for, too. */
  disregard(owner: ConnectionObserver, error: KMSError): void {
    this.#observers.delete(owner);
    this.#calls.rejectAll(error, owner);
  }

  /** Rejects with KMSError. */
  async call(owner: ConnectionObserver, method: MethodName, params: object): Promise<unknown> {
    if (this.#state.name === "closed") throw this.#state.error;
    const isOpen = this.#state.name === "ready" || this.#state.name === "locked";
    if (!isOpen || !this.#port) throw new KMSError("channel.not.initialized");
    const copy = copyParams(params, plainValue);
    const timeoutMs = methodTimeoutMs(method, this.#timeouts);
    return this.#calls.add(owner, method, timeoutMs, (id) => this.#post({ id, method, params: copy }));
  }

  close(error: KMSError): void {
    if (this.#state.name === "closed") return;
    this.#stage.stop();
    this.#hold.stop();
    window.removeEventListener("message", this.#onWindowMessage);
    this.#removal.disconnect();
    this.#port?.close();
    this.#port = null;
    this.#layer.remove();
    this.#calls.rejectAll(error);
    this.#enter({ name: "closed", error });
  }

  readonly #onWindowMessage = ({ source, origin, data }: MessageEvent<unknown>): void => {
    const frame = this.#layer.iframe.contentWindow;
    if (!frame || source !== frame || origin !== this.#address.origin || !isHello(data)) return;
    this.#tell("enclave -> page", data);
    if (this.#port) this.close(closedError("The enclave's iframe was loaded anew"));
    else this.#connect(frame);
  };

  #connect(frame: Window): void {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.addEventListener("message", ({ data }) => this.#onPortMessage(data));
    port1.addEventListener("messageerror", () => this.close(closedError("A message of the enclave cannot be read")));
    // Sent by newer engines when the other end is gone, a crashed renderer included.
    port1.addEventListener("close", () => this.close(closedError("The enclave's iframe is gone")));
    port1.start();
    const connect: Connect = {
      type: "kms:connect",
      protocol: PROTOCOL,
      nonce: this.#nonce,
      promptMode: this.#promptMode,
    };
    this.#tell("page -> enclave", connect);
    frame.postMessage(connect, this.#address.origin, [port2]);
    this.#stage.stop();
    this.#stage = this.#stageDeadline(this.#timeouts.connectMs);
    this.#enter({ name: "connect" });
  }

  #onPortMessage(data: unknown): void {
    this.#tell("enclave -> page", data);
    const reply = parseReply(data);
    if (reply) {
      this.#calls.settle(reply);
      return;
    }
    const event = parseEvent(data);
    if (event) this.#onEvent(event);
    else this.#onStart(data);
  }

  #onStart(data: unknown): void {
    const ready = parseReady(data, this.#nonce);
    if (ready) {
      const { version, manifestHash, codeHash, capabilities } = ready;
      this.#stage.stop();
      this.#enter({ name: "ready", build: Object.freeze({ version, manifestHash, codeHash, capabilities }) });
      return;
    }
    const refused = parseRefused(data);
    if (refused) this.#onRefused(KMSError.fromWire(refused.error));
    const progress = parseProgress(data);
    if (progress) this.#onProgress(progress);
  }

  #onRefused(error: KMSError): void {
    if (error.code !== "attestation.failed") {
      this.close(error);
      return;
    }
    this.#stage.stop();
    this.#enter({ name: "locked", error });
  }

  /** After a start these come from another worker, which the frame started after a crash. */
  #onProgress(progress: Progress): void {
    if (this.#state.name !== "connect" && this.#state.name !== "start") return;
    this.#stage.stop();
    this.#stage = this.#stageDeadline(this.#timeouts.startMs);
    this.#enter({ name: "start", progress });
  }

  #onEvent(event: EventMessage): void {
    if (event.event === "prompt.show" || event.event === "prompt.hide") {
      const isShown = event.event === "prompt.show";
      this.#holdDeadlines(isShown);
      if (isShown) this.#layer.show();
      else this.#layer.hide();
    }
    for (const observer of [...this.#observers]) observer.onEvent(event);
  }

  /** Before the enclave's page has spoken, what the iframe shows is the browser's own empty document. */
  #onTakenAway(): void {
    if (this.#port) this.close(closedError("The enclave's iframe was sent elsewhere"));
  }

  /** A page can hide the prompt from its user: no deadline stands still for ever. */
  #holdDeadlines(isHeld: boolean): void {
    this.#hold.stop();
    this.#calls.holdDeadlines(isHeld);
    this.#hold = new Deadline(this.#timeouts.promptMs, () => this.#calls.holdDeadlines(false));
    if (isHeld) this.#hold.run();
  }

  #post(message: Request | Withdrawal): void {
    if (!this.#port) return;
    this.#tell("page -> enclave", message);
    this.#port.postMessage(message);
  }

  #tell(direction: Direction, message: unknown): void {
    for (const observer of [...this.#observers]) observer.onMessage(direction, message);
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    for (const observer of [...this.#observers]) observer.onState(state);
  }

  #stageDeadline(timeoutMs: number): Deadline {
    const deadline = new Deadline(timeoutMs, () => this.close(this.#timeoutError(timeoutMs)));
    deadline.run();
    return deadline;
  }

  #timeoutError(timeoutMs: number): KMSError {
    const stage = this.#state.name === "start" ? this.#state.progress.stage : this.#state.name;
    const message = `The enclave at ${this.#address.origin} did not answer (${stage}, ${timeoutMs}ms)`;
    const help = stage === "hello" ? `. ${silenceInWords(location.origin)}` : "";
    return new KMSError("channel.timeout", message + help, { details: { stage, timeoutMs } });
  }
}

/** A browser tells a page nothing about why a frame of another origin stays silent; it tells the developer. */
function silenceInWords(pageOrigin: string): string {
  return (
    "The browser's console usually says which it is: nothing is served there; " +
    `this page's origin, ${pageOrigin}, is not among the parentOrigins of the enclave's configuration, ` +
    "so the enclave keeps silent or its frame-ancestors header blocks the iframe; " +
    "or the enclave's page loaded and its code did not start, because a file is not the one that was built " +
    "(integrity) or a Content-Security-Policy blocks it: then deploy the enclave again with its own headers"
  );
}

export function closedError(message: string): KMSError {
  return new KMSError("channel.closed", message);
}
