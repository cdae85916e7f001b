/** Unlocking: every enrolled way that works in this browser. */

import type { AskOf, Ceremony } from "../../../protocol/asks";
import { assertPasskey } from "../../passkey/assert";
import { ceremonyFault } from "../../passkey/failures";
import { acceptChoice, passkeyChoice, WAITING } from "../buttons";
import { element } from "../dom";
import { passphraseInput, row } from "../inputs";
import type { Act, View } from "../view";
import { PASSKEY_PRIVACY, PASSPHRASE_PRIVACY, PRIVACY } from "../words";
import { requestWords } from "./request";

/** `ceremony` null: only the passphrase can answer. */
export function authenticateView(ask: AskOf<"authenticate">, ceremony: Ceremony | null): View {
  const takesPassphrase = ask.methods.includes("passphrase");
  if (ceremony && !takesPassphrase) return passkeyView(ask, ceremony);
  const input = passphraseInput("prompt-passphrase", "current-password");
  const passkeys = ceremony ? [passkeyChoice("Use a passkey", use(ceremony))] : [];
  const read: Act = () =>
    input.value === ""
      ? { fault: "Enter your passphrase.", input }
      : { answer: { method: "passphrase", passphrase: input.value } };
  return {
    name: "authenticate",
    title: "Confirm it’s you",
    about: requestWords(ask),
    rows: [
      row(input, "Passphrase"),
      ...passkeys.map(({ button }) => element("div", { class: "other" }, element("span", {}, "or"), button)),
    ],
    inputs: [input],
    choices: passkeys,
    accept: acceptChoice("Unlock", read),
    cancel: "Cancel",
    privacy: ceremony ? PRIVACY : PASSPHRASE_PRIVACY,
    firstFocus: input,
  };
}

function passkeyView(ask: AskOf<"authenticate">, ceremony: Ceremony): View {
  const accept = acceptChoice("Use your passkey", use(ceremony), WAITING);
  return {
    name: "authenticate",
    title: "Confirm it’s you",
    about: requestWords(ask),
    rows: [],
    inputs: [],
    choices: [],
    accept,
    cancel: "Cancel",
    privacy: PASSKEY_PRIVACY,
    firstFocus: accept.button,
  };
}

function use(ceremony: Ceremony): Act {
  return async ({ newChallenge, signal }) => {
    try {
      return { answer: await assertPasskey(ceremony, await newChallenge(), signal) };
    } catch (thrown) {
      return { fault: ceremonyFault(thrown, "use"), offersWindow: true };
    }
  };
}
