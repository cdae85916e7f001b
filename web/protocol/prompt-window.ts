/**
 * The enclave's iframe and its window, which has an address bar, on one prompt.
 *
 *     window → opener   here       to exactly the own origin
 *     frame  → window   connect    with one MessagePort; then on it:
 *     frame  → port     ask*       each answered, on the port, by
 *     port   → frame    begin*     in the click that starts a ceremony, answered by
 *     frame  → port     challenge
 *     port   → frame    answer     or cancelled
 *
 * The iframe opened the window, so the page is never between the two; nothing passes
 * through storage, which may not be the same for both. Everything is JSON text.
 */

import { type Ask, type AskAnswer, parseAsk } from "./asks";
import { type Fields, isPlainObject, isText } from "./guards";
import { MAX_NAME_CHARS } from "./limits";

export const WINDOW_HERE = "kms:prompt-window";
export const WINDOW_CONNECT = "kms:prompt-connect";

/** Of the enclave's own files, beside the entry page. */
export const WINDOW_PAGE = "./prompt.html";

export type FromWindow = { readonly begin: true } | { readonly answer: AskAnswer } | { readonly cancelled: true };

export type ToWindow = { readonly ask: Ask } | { readonly challenge: string };

/** Read a question of the frame's, or a challenge for it. */
export function parseToWindow(text: unknown): ToWindow | null {
  const message = parseText(text);
  if (isText(message?.challenge, MAX_NAME_CHARS)) return { challenge: message.challenge };
  const ask = isPlainObject(message?.ask) ? parseAsk(message.ask) : null;
  return ask && { ask };
}

/** The window runs the same code as the frame; the answer is what a dialog there made. */
export function parseFromWindow(text: unknown): FromWindow | null {
  const message = parseText(text);
  if (message?.cancelled === true) return { cancelled: true };
  if (message?.begin === true) return { begin: true };
  return isPlainObject(message?.answer) ? { answer: message.answer as unknown as AskAnswer } : null;
}

function parseText(text: unknown): Fields | null {
  if (typeof text !== "string") return null;
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? value : null;
  } catch {
    return null;
  }
}
