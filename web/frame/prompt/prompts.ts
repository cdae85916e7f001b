/**
 * The prompts of one enclave, one at a time.
 *
 *     waiting ──► shown ──answer──► being checked ──close──► gone, the next is shown
 *                   │  ◄──ask again, with the error──┘
 *                   └──cancel──► gone
 *
 * A user must not authorise what nobody waits for: with its call a prompt is withdrawn, and
 * that is no refusal of the user's. An answer that is being checked is not taken back.
 *
 * What the user enters goes to the worker and nowhere else; the page learns that a prompt
 * is shown and that none is left.
 */

import type { AnswerMessage, Ask, ChallengeMessage } from "../../protocol/asks";
import { KMSError } from "../../protocol/errors";
import type { PromptMode } from "../../protocol/handshake";
import { unsupportedPasskey } from "../passkey/support";
import { PromptDialog } from "./dialog";
import { Refusals } from "./refusals";
import { isAnswerable } from "./views";
import { PromptWindow } from "./window-opener";

/** More than a page has reason to; one more is refused at once. */
const MAX_WAITING = 8;

/** A check takes as long as a key derivation. If no verdict comes, the user is not kept in front of a dead dialog. */
const VERDICT_MS = 60_000;

export interface PromptsObserver {
  answer(message: AnswerMessage): void;
  announce(event: "prompt.show" | "prompt.hide"): void;
  /** Whether the page still waits for a call. */
  isAwaited(call: number): boolean;
}

interface Shown {
  readonly dialog: PromptDialog;
  ask: Ask;
  /** The ceremony that waits for its challenge. */
  onChallenge: ((challenge: string) => void) | null;
  verdict: ReturnType<typeof setTimeout> | null;
}

export class Prompts {
  /** Of prompts from now on. */
  mode: PromptMode = "iframe";
  readonly #observer: PromptsObserver;
  readonly #waiting: Ask[] = [];
  readonly #refusals = new Refusals();
  #shown: Shown | null = null;

  constructor(observer: PromptsObserver) {
    this.#observer = observer;
  }

  ask(ask: Ask): void {
    if (this.#shown?.verdict && ask.attempt > 1) this.#askAgain(this.#shown, ask);
    else this.#admit(ask);
  }

  /** A challenge that was asked for; for a question that is gone it means nothing. */
  challenge({ id, challenge }: ChallengeMessage): void {
    if (this.#shown?.ask.id === id) this.#shown.onChallenge?.(challenge);
  }

  /** The answer that is being checked was right, or does not matter any more. */
  close(): void {
    if (this.#shown?.verdict) this.#finish(this.#shown);
  }

  /** The page waits no longer for a call. */
  withdraw(call: number): void {
    const kept = this.#waiting.filter((ask) => ask.call !== call);
    for (const ask of this.#waiting.splice(0, Infinity, ...kept)) {
      if (ask.call === call) this.#refuse(ask, withdrawnError());
    }
    if (this.#shown?.ask.call !== call || this.#shown.verdict) return;
    this.#refuse(this.#shown.ask, withdrawnError());
    this.#finish(this.#shown);
  }

  /** The worker that asked is gone; nobody waits for an answer. */
  abandon(): void {
    this.#waiting.length = 0;
    if (this.#shown) this.#finish(this.#shown);
  }

  #admit(ask: Ask): void {
    const retryAfterMs = this.#refusals.pauseMs(Date.now());
    if (!this.#observer.isAwaited(ask.call)) this.#refuse(ask, withdrawnError());
    else if (!isAnswerable(ask)) this.#refuse(ask, unsupportedPasskey());
    else if (retryAfterMs > 0) this.#refuse(ask, pausedError(retryAfterMs));
    else if (this.#waiting.length >= MAX_WAITING) this.#refuse(ask, new KMSError("unlock.throttled"));
    else this.#waiting.push(ask);
    if (!this.#shown) this.#showNext();
  }

  #showNext(): void {
    const ask = this.#waiting.shift();
    if (!ask) return;
    this.#observer.announce("prompt.show");
    const dialog = new PromptDialog(
      ask,
      {
        newChallenge: () =>
          new Promise((resolve) => {
            shown.onChallenge = resolve;
            this.#observer.answer({ id: shown.ask.id, begin: true });
          }),
        onAnswer: (answer) => {
          shown.verdict = setTimeout(() => this.#finish(shown), VERDICT_MS);
          this.#observer.answer({ id: shown.ask.id, answer });
        },
        onCancel: () => this.#onCancel(shown),
        onRefused: (error) => {
          this.#refuse(shown.ask, error);
          this.#finish(shown);
        },
      },
      new PromptWindow(this.mode === "popup"),
    );
    const shown: Shown = { dialog, ask, onChallenge: null, verdict: null };
    this.#shown = shown;
  }

  #askAgain(shown: Shown, ask: Ask): void {
    if (shown.verdict) clearTimeout(shown.verdict);
    shown.verdict = null;
    shown.ask = ask;
    const isAwaited = this.#observer.isAwaited(ask.call);
    if (isAwaited && isAnswerable(ask)) shown.dialog.ask(ask);
    else {
      this.#refuse(ask, isAwaited ? unsupportedPasskey() : withdrawnError());
      this.#finish(shown);
    }
  }

  #onCancel(shown: Shown): void {
    const nowMs = Date.now();
    this.#refusals.add(nowMs);
    this.#refuse(shown.ask, new KMSError("unlock.cancelled"));
    const retryAfterMs = this.#refusals.pauseMs(nowMs);
    if (retryAfterMs > 0) {
      for (const ask of this.#waiting.splice(0)) this.#refuse(ask, pausedError(retryAfterMs));
    }
    this.#finish(shown);
  }

  #finish(shown: Shown): void {
    if (this.#shown !== shown) return;
    if (shown.verdict) clearTimeout(shown.verdict);
    shown.dialog.remove();
    this.#shown = null;
    if (this.#waiting.length === 0) this.#observer.announce("prompt.hide");
    this.#showNext();
  }

  #refuse({ id }: Ask, error: KMSError): void {
    this.#observer.answer({ id, refused: error.toWire() });
  }
}

function withdrawnError(): KMSError {
  return new KMSError("unlock.cancelled", "The page waits for this no longer");
}

function pausedError(retryAfterMs: number): KMSError {
  return new KMSError("unlock.throttled", "Too many prompts were refused; wait before the next", { retryAfterMs });
}
