/** What a prompt shows for one question: the part that differs, which the dialog puts into its frame. */

import type { AskAnswer } from "../../protocol/asks";
import type { KMSError } from "../../protocol/errors";

/**
 * What became of the user's deed: an answer for the worker, why to try again and where,
 * another view of the same question, or the user's refusal.
 */
export type Entry =
  | { readonly answer: AskAnswer }
  | { readonly fault: string; readonly input?: HTMLInputElement; readonly offersWindow?: boolean }
  | { readonly next: View }
  | { readonly refused: KMSError }
  | { readonly cancelled: true };

/** The user's click or Enter. */
export interface Deed {
  /** Fires when the user gives up meanwhile. */
  readonly signal: AbortSignal;
  /** Made by the worker now: who took their time before the click is not late. */
  readonly newChallenge: () => Promise<string>;
}

export type Act = (deed: Deed) => Entry | Promise<Entry>;

/** A button. `waiting` is what it says while its deed takes time. */
export interface Choice {
  readonly button: HTMLButtonElement;
  readonly act: Act;
  readonly waiting: string;
}

export interface View {
  /** Names it across questions, so that a retry shows the same one. */
  readonly name: string;
  readonly title: string;
  /** What is asked, read out when the dialog opens. */
  readonly about: readonly (Node | string)[];
  readonly rows: readonly HTMLElement[];
  readonly inputs: readonly HTMLInputElement[];
  /** Buttons within the rows. */
  readonly choices: readonly Choice[];
  /** What Enter does. */
  readonly accept: Choice | null;
  /** Text of the button that refuses; null where there is nothing to refuse. */
  readonly cancel: string | null;
  /** What the user is told about who sees the entry. */
  readonly privacy: string;
  readonly firstFocus: HTMLElement | null;
}
