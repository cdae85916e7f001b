/**
 * The enclave's iframe and its window, which has an address bar, on one prompt.
 *
 *     window → opener   here       to exactly the own origin
 *     frame  → window   connect    with one MessagePort; then on it:
 *     frame  → port     ask*       each answered, on the port, by
 *     port   → frame    answer     or cancelled
 *
 * The iframe opened the window, so the page is never between the two; nothing passes
 * through storage, which may not be the same for both. Everything is JSON text.
 */

import { type Ask, type AskAnswer, parseAsk } from "./asks";
import { type Fields, isPlainObject } from "./guards";

export const WINDOW_HERE = "kms:prompt-window";
export const WINDOW_CONNECT = "kms:prompt-connect";

/** Of the enclave's own files, beside the entry page. */
export const WINDOW_PAGE = "./prompt.html";

export type FromWindow = { readonly answer: AskAnswer } | { readonly cancelled: true };

/** Read a question of the frame's. */
export function parseToWindow(text: unknown): Ask | null {
  const message = parseText(text);
  return message && parseAsk(message);
}

/** The window runs the same code as the frame; the answer is what a dialog there made. */
export function parseFromWindow(text: unknown): FromWindow | null {
  const message = parseText(text);
  if (message?.cancelled === true) return { cancelled: true };
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
