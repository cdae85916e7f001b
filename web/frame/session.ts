/**
 * One embedded enclave: where the page's port, the worker and the prompts meet.
 *
 * Guarantees: at most one port is ever bound, of the verified parent; a page gets replies
 * to its own calls and events of its own origin only; prompts reach the page as «shown»
 * and «hidden» alone. Does not protect from a configured page: that may call every method
 * of the contract.
 */

import type { EventName } from "../protocol/calls";
import type { MethodName } from "../protocol/contract.gen";
import type { RunningMessage } from "../protocol/enclave";
import { KMSError } from "../protocol/errors";
import { HELLO, isConnect } from "../protocol/handshake";
import { Calls } from "./calls";
import { PagePort } from "./page-port";
import { discardPasskey } from "./passkey/discard";
import { Prompts } from "./prompt/prompts";
import { type EnclaveState, Supervisor } from "./supervisor";

/** Where the worker cannot go on, nor another one on what it knew. It says so by itself where the browser tells it. */
const LOST_STORAGE: ReadonlySet<string> = new Set(["storage.evicted", "storage.newer"]);

export class Session {
  readonly #parentOrigin: string;
  readonly #supervisor: Supervisor;
  readonly #calls: Calls;
  readonly #prompts: Prompts;
  #page: PagePort | null = null;
  #nonce = "";

  constructor(parentOrigin: string, launch: () => Promise<Worker>) {
    this.#parentOrigin = parentOrigin;
    this.#supervisor = new Supervisor(launch, {
      onMessage: (message) => this.#onMessage(message),
      onState: (state) => this.#onState(state),
      onCrash: () => this.#onCrash(),
    });
    this.#calls = new Calls(this.#supervisor, { onWithdrawn: (id) => this.#prompts.withdraw(id) });
    this.#prompts = new Prompts({
      answer: (message) => this.#supervisor.post(JSON.stringify(message)),
      announce: (event) => this.#announce(event, null),
      isAwaited: (call) => this.#calls.isAwaited(call),
    });
    window.addEventListener("message", this.#onWindowMessage);
    void this.#supervisor.start();
    window.parent.postMessage(HELLO, parentOrigin);
  }

  get state(): EnclaveState["name"] {
    return this.#supervisor.state.name;
  }

  get isConnected(): boolean {
    return this.#page !== null;
  }

  /** A sibling's message changes nothing. Neither does a replay or a second connect: after the first nobody listens. */
  readonly #onWindowMessage = ({ source, origin, data, ports }: MessageEvent<unknown>): void => {
    const [port] = ports;
    if (source !== window.parent || origin !== this.#parentOrigin) return;
    if (!port || ports.length !== 1 || !isConnect(data)) return;
    window.removeEventListener("message", this.#onWindowMessage);
    this.#nonce = data.nonce;
    this.#prompts.mode = data.promptMode ?? "iframe";
    this.#page = new PagePort(port, (...request) => this.#perform(...request));
    this.#tell(this.#supervisor.state);
  };

  async #perform(method: MethodName, paramsText: string, withdrawn: AbortSignal): Promise<unknown> {
    const { state, isLocked } = this.#supervisor;
    if (state.name === "refused" && !isLocked) throw state.error;
    const result = await this.#calls.call(method, paramsText, this.#parentOrigin, withdrawn);
    // What locked the enclave is gone: it checks itself again, and the page hears the outcome before the reply.
    if (isLocked && method === "resetKMS") await this.#supervisor.restart();
    return result;
  }

  #onMessage(message: RunningMessage): void {
    switch (message.type) {
      case "reply":
        this.#calls.settle(message.reply);
        if ("error" in message.reply && LOST_STORAGE.has(message.reply.error.code)) {
          this.#supervisor.refuse(KMSError.fromWire(message.reply.error));
        }
        break;
      case "kms:event":
        if (message.origin === null || message.origin === this.#parentOrigin) {
          this.#announce(message.event, message.data);
        }
        break;
      case "ask":
        this.#prompts.ask(message.ask);
        break;
      case "challenge":
        this.#prompts.challenge(message.challenge);
        break;
      case "discard":
        void discardPasskey(message.discarded);
        break;
      case "close":
        this.#prompts.close();
    }
  }

  #onState(state: EnclaveState): void {
    this.#tell(state);
    if (state.name === "refused" && !this.#supervisor.isLocked) {
      this.#prompts.abandon();
      this.#calls.rejectSent(state.error);
      this.#calls.rejectWaiting(state.error);
    } else this.#calls.flush();
  }

  #onCrash(): void {
    this.#prompts.abandon();
    this.#calls.rejectSent(new KMSError("channel.closed", "The enclave's worker stopped; another one is starting"));
  }

  #tell(state: EnclaveState): void {
    switch (state.name) {
      case "starting":
        this.#page?.send(state.progress);
        break;
      case "ready":
        this.#page?.send({ type: "kms:ready", nonce: this.#nonce, ...state.build });
        break;
      case "refused":
        this.#page?.send({ type: "kms:refused", error: state.error.toWire() });
    }
  }

  #announce(event: EventName, data: unknown): void {
    if (event === "prompt.show" || event === "prompt.hide") this.#calls.holdDeadlines(event === "prompt.show");
    this.#page?.send({ type: "kms:event", event, data });
  }
}
