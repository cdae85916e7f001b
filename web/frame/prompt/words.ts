/** What the prompts say. */

import type { Ask } from "../../protocol/enclave";

export interface Words {
  readonly title: string;
  readonly accept: string;
  /** What the user is told about who sees the entry. */
  readonly privacy: string;
}

const PRIVACY = "Only this window sees your passphrase. The page that asks never does.";

const WORDS: Readonly<Record<Ask["ask"], Words>> = {
  authenticate: { title: "Confirm it’s you", accept: "Unlock", privacy: PRIVACY },
  choosePassphrase: { title: "Choose a passphrase", accept: "Set passphrase", privacy: PRIVACY },
  confirm: { title: "This cannot be undone", accept: "Confirm", privacy: "" },
};

export function wordsFor(ask: Ask["ask"]): Words {
  return WORDS[ask];
}

export const MIN_PASSPHRASE_CHARS = 8;
export const MAX_PASSPHRASE_CHARS = 1_024;

export const PASSPHRASE_RULES = `At least ${MIN_PASSPHRASE_CHARS} characters. Several words in a row are easy to remember and hard to guess. It cannot be recovered.`;

/** Why a new passphrase is not acceptable, or null. Counts code points in NFKC, as the enclave does. */
export function passphraseFault(passphrase: string, repeated: string): string | null {
  const { length } = [...passphrase.normalize("NFKC")];
  if (length < MIN_PASSPHRASE_CHARS) return `The passphrase must be at least ${MIN_PASSPHRASE_CHARS} characters.`;
  if (length > MAX_PASSPHRASE_CHARS) return `The passphrase must be at most ${MAX_PASSPHRASE_CHARS} characters.`;
  return passphrase === repeated ? null : "The two passphrases are not the same.";
}

/** The error of the last attempt, with the wait where there is one. */
export function errorText(error: Ask["error"]): string {
  if (!error) return "";
  if (error.retryAfterMs === null) return `${error.message}.`.replace(/\.\.$/, ".");
  return `${error.message} (${Math.ceil(error.retryAfterMs / 1_000)} s).`;
}
