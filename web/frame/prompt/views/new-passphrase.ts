/** A new passphrase, typed twice. */

import type { Ask } from "../../../protocol/asks";
import { acceptChoice } from "../buttons";
import { passphraseInput, row } from "../inputs";
import type { Entry, View } from "../view";
import { PASSPHRASE_PRIVACY, PASSPHRASE_RULES, passphraseFault } from "../words";
import { requestWords } from "./request";

export const NEW_PASSPHRASE = "new-passphrase";

export function newPassphraseView(ask: Ask): View {
  const input = passphraseInput("prompt-passphrase", "new-password");
  const repeated = passphraseInput("prompt-repeated", "new-password");
  const read = (): Entry => {
    const fault = passphraseFault(input.value, repeated.value);
    if (fault === null) return { answer: { method: "passphrase", passphrase: input.value } };
    return { fault, input: passphraseFault(input.value, input.value) === null ? repeated : input };
  };
  return {
    name: NEW_PASSPHRASE,
    title: "Choose a passphrase",
    about: requestWords(ask),
    rows: [row(input, "New passphrase", PASSPHRASE_RULES), row(repeated, "The same passphrase again")],
    inputs: [input, repeated],
    choices: [],
    accept: acceptChoice("Set passphrase", read),
    cancel: "Cancel",
    privacy: PASSPHRASE_PRIVACY,
    firstFocus: input,
  };
}
