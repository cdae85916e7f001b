/**
 * Keeps one enclave worker running.
 *
 *     starting ──ready──► ready ──crash──► starting …
 *        └──refused──► refused: final, but for `attestation.failed`, where the worker
 *                      stays and answers what leaves the evidence readable
 *
 * A crash is an uncaught error in the worker, a message that cannot be read, silence while
 * it starts, or a call that it does not answer. State is in IndexedDB, so the next worker
 * goes on where it stopped. A worker that runs can refuse too: its storage is gone.
 */

import { asStartError } from "../../worker/start/stage";
import { parseEnclaveMessage, type RunningMessage } from "../protocol/enclave";
import { KMSError, parseWireError } from "../protocol/errors";
import type { Build, Progress } from "../protocol/handshake";
import { recentCrashes, restartDelayMs } from "./restarts";

/** Longer than any stage's own deadline in the worker, which can name the stage; this is for a worker gone mute. */
const START_SILENCE_MS = 150_000;

/** A worker that never got ready in so many attempts is not going to. */
const MAX_START_ATTEMPTS = 3;

/** The lists are loaded before there is a worker that could report. */
const NOTHING_YET: Progress = Object.freeze({ type: "kms:progress", stage: "lists", ratio: 0 });
const LAUNCHED: Progress = Object.freeze({ type: "kms:progress", stage: "worker", ratio: 0 });

export type EnclaveState =
  | { readonly name: "starting"; readonly progress: Progress }
  | { readonly name: "ready"; readonly build: Build }
  | { readonly name: "refused"; readonly error: KMSError };

export interface Observer {
  /** Replies, events and asks. */
  onMessage(message: RunningMessage): void;
  onState(state: EnclaveState): void;
  /** The worker is gone, with everything it was asked. */
  onCrash(): void;
}

export class Supervisor {
  readonly #launch: () => Promise<Worker>;
  readonly #observer: Observer;
  #worker: Worker | null = null;
  #state: EnclaveState = { name: "starting", progress: NOTHING_YET };
  #crashedAtMs: readonly number[] = [];
  #failedStarts = 0;
  #hasBeenReady = false;
  /** Names the start under way, so that one given up cannot bring in a second worker. */
  #attempt = 0;
  #onRestarted: (() => void) | null = null;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(launch: () => Promise<Worker>, observer: Observer) {
    this.#launch = launch;
    this.#observer = observer;
  }

  get state(): EnclaveState {
    return this.#state;
  }

  /** Whether what is posted now reaches a worker that answers. */
  get answers(): boolean {
    return this.#state.name === "ready" || this.isLocked;
  }

  /** Self-test or state check failed; the worker answers what leaves the evidence readable. */
  get isLocked(): boolean {
    return this.#state.name === "refused" && this.#state.error.code === "attestation.failed";
  }

  post(text: string): void {
    this.#worker?.postMessage(text);
  }

  /** The worker runs and does not answer. */
  giveUp(): void {
    if (this.answers) this.#crash(this.#worker);
  }

  async start(): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#expectSign();
    try {
      const worker = await this.#launch();
      if (attempt === this.#attempt) this.#adopt(worker);
      else worker.terminate();
    } catch (thrown) {
      if (attempt === this.#attempt) this.#onLaunchFailed(thrown);
    }
  }

  /** The enclave does not go on, and the page hears why. */
  refuse(error: KMSError): void {
    if (error.code !== "attestation.failed") this.#drop();
    this.#enter({ name: "refused", error });
  }

  /** Ends the worker and starts another on what is stored now; settles when that one is ready or refused. */
  restart(): Promise<void> {
    this.#attempt += 1;
    this.#drop();
    this.#observer.onCrash();
    this.#enter({ name: "starting", progress: NOTHING_YET });
    return new Promise((resolve) => {
      this.#onRestarted = resolve;
      void this.start();
    });
  }

  /** A first start that fails is final; a restart may have met a passing fault, such as no network. */
  #onLaunchFailed(thrown: unknown): void {
    const error = KMSError.fromWire(parseWireError(asStartError("worker", thrown).toWire()));
    if (this.#hasBeenReady && error.code !== "integrity.failed") this.#crash(null);
    else this.refuse(error);
  }

  #adopt(worker: Worker): void {
    this.#worker = worker;
    this.#enter({ name: "starting", progress: LAUNCHED });
    worker.addEventListener("message", ({ data }) => this.#receive(worker, data));
    for (const failure of ["error", "messageerror"] as const) {
      worker.addEventListener(failure, () => this.#crash(worker));
    }
  }

  #receive(worker: Worker, data: unknown): void {
    if (worker !== this.#worker) return;
    const message = parseEnclaveMessage(data);
    if (!message) return;
    switch (message.type) {
      case "kms:progress":
        this.#onProgress(message);
        break;
      case "kms:ready":
        this.#onReady(message);
        break;
      case "kms:refused":
        this.refuse(KMSError.fromWire(message.error));
        break;
      default:
        this.#observer.onMessage(message);
    }
  }

  #onProgress(progress: Progress): void {
    if (this.#state.name !== "starting") return;
    this.#expectSign();
    this.#enter({ name: "starting", progress });
  }

  #onReady({ version, manifestHash, codeHash, capabilities }: Build): void {
    this.#failedStarts = 0;
    this.#hasBeenReady = true;
    this.#enter({ name: "ready", build: { version, manifestHash, codeHash, capabilities } });
  }

  #crash(worker: Worker | null): void {
    if (worker !== this.#worker) return;
    const crashed = this.#state;
    const nowMs = performance.now();
    this.#attempt += 1;
    this.#drop();
    this.#observer.onCrash();
    this.#crashedAtMs = recentCrashes([...this.#crashedAtMs, nowMs], nowMs);
    this.#failedStarts += crashed.name === "starting" ? 1 : 0;
    if (crashed.name === "starting" && this.#failedStarts >= MAX_START_ATTEMPTS) {
      const details = { stage: crashed.progress.stage };
      this.refuse(new KMSError("channel.closed", "The enclave's worker crashed while it started", { details }));
      return;
    }
    this.#enter({ name: "starting", progress: NOTHING_YET });
    setTimeout(() => void this.start(), restartDelayMs(this.#crashedAtMs, nowMs));
  }

  #enter(state: EnclaveState): void {
    this.#state = state;
    this.#observer.onState(state);
    if (state.name === "starting") return;
    clearTimeout(this.#silence);
    this.#onRestarted?.();
    this.#onRestarted = null;
  }

  #expectSign(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#crash(this.#worker), START_SILENCE_MS);
  }

  #drop(): void {
    clearTimeout(this.#silence);
    this.#worker?.terminate();
    this.#worker = null;
  }
}
