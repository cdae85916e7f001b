/** The wizard: the user picks a way to unlock, told what each means. */

import type { AskOf } from "../../../protocol/asks";
import { cardChoice, WAITING } from "../buttons";
import { element } from "../dom";
import type { Choice, View } from "../view";
import { ABOUT_PASSKEY, ABOUT_PASSPHRASE, PRIVACY } from "../words";
import { newPassphraseView } from "./new-passphrase";
import { create } from "./register";
import { requestWords } from "./request";

/** `hasPasskeys`: whether this browser offers them here. */
export function setUpView(ask: AskOf<"setUp">, hasPasskeys: boolean): View {
  const takesPasskey = hasPasskeys && ask.methods.some((method) => method.startsWith("passkey"));
  if (!takesPasskey) return newPassphraseView(ask);
  const passkey = cardChoice("With a passkey", ABOUT_PASSKEY, create(ask.registration), WAITING);
  const passphrase = cardChoice("With a passphrase", ABOUT_PASSPHRASE, () => ({ next: withWayBack(ask) }), "");
  const choices = ask.methods.includes("passphrase") ? [passkey, passphrase] : [passkey];
  return {
    name: "set-up",
    title: "How do you want to unlock?",
    about: requestWords(ask),
    rows: [element("div", { class: "cards" }, ...choices.map(({ button }) => button))],
    inputs: [],
    choices,
    accept: null,
    cancel: "Cancel",
    privacy: PRIVACY,
    firstFocus: passkey.button,
  };
}

/** The wizard's passphrase page. */
export function withWayBack(ask: AskOf<"setUp">): View {
  const button = element("button", { type: "button", class: "link" }, "Choose another way");
  const back: Choice = { button, act: () => ({ next: setUpView(ask, true) }), waiting: "" };
  const view = newPassphraseView(ask);
  return { ...view, rows: [...view.rows, button], choices: [back] };
}
