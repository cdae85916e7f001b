/** What went wrong, by its stable code and its message. */

import { KMSError } from "/sdk/kms-user.js";
import { element } from "../../common/dom";

export function showFailure(place: HTMLElement, thrown: unknown): void {
  const code = thrown instanceof KMSError ? [element("code", {}, thrown.code), " "] : [];
  place.replaceChildren(...code, messageOf(thrown));
}

function messageOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (!(thrown instanceof KMSError) || thrown.retryAfterMs === null) return message;
  return `${message}. Try again in ${Math.ceil(thrown.retryAfterMs / 1_000)} seconds.`;
}
