/** What the prompts say. */

import type { WireError } from "../../protocol/errors";

export const PASSPHRASE_PRIVACY = "Only this window sees your passphrase. The page that asks never does.";
export const PASSKEY_PRIVACY = "The page that asks never sees your passkey, nor what it unlocks.";
export const PRIVACY = "Only this window sees what you enter. The page that asks never does.";

export const ABOUT_PASSKEY =
  "Your face, your finger or the PIN of this device, or a security key. Nothing to remember and nothing to type; " +
  "whoever copies this device’s storage gets nothing without it.";
export const ABOUT_GATE =
  "Your face, your finger or the PIN of this device, or a security key. This passkey will not encrypt: this browser " +
  "itself keeps the key to your data, and asks for the passkey before it uses it. Whoever copies this browser’s files " +
  "could get in without it.";
export const ABOUT_PASSPHRASE =
  "Words that you remember and type. They work in every browser. Nobody can recover them for you, and they are as " +
  "strong as they are hard to guess.";

export const COVERED =
  "Something covers this prompt or cuts it off, so it takes no input. Uncover it, or go on in a window of its own.";

export const KEYBOARD_LOST =
  "The keyboard is not in this prompt: whatever you type now goes elsewhere. Click into the field before you type, " +
  "or go on in a window of its own.";

const MIN_PASSPHRASE_CHARS = 8;
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
export function errorText(error: WireError | null): string {
  if (!error) return "";
  if (error.retryAfterMs === null) return `${error.message}.`.replace(/\.\.$/, ".");
  return `${error.message} (${Math.ceil(error.retryAfterMs / 1_000)} s).`;
}
