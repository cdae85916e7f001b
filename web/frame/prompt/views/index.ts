/** From a question to the view that asks it. */

import type { Ask } from "../../../protocol/asks";
import { hasPasskeys } from "../../passkey/support";
import type { View } from "../view";
import { authenticateView } from "./authenticate";
import { confirmView } from "./confirm";
import { introductionView } from "./introduction";
import { NEW_PASSPHRASE, newPassphraseView } from "./new-passphrase";
import { finishRegistrationView, registerView } from "./register";
import { setUpView, withWayBack } from "./set-up";

/** `shown`: the name of the view that the last question of this dialog ended with, "" for the first question. */
export function viewOf(ask: Ask, shown: string): View {
  switch (ask.ask) {
    case "authenticate": {
      const ceremony = hasPasskeys() ? ask.ceremony : null;
      const isRegistering = shown === "register" || shown === "set-up" || shown === "finish-registration";
      return ceremony && isRegistering ? finishRegistrationView(ask, ceremony) : authenticateView(ask, ceremony);
    }
    case "choosePassphrase":
      return newPassphraseView(ask);
    case "register":
      return registerView(ask);
    case "setUp":
      return shown === NEW_PASSPHRASE && hasPasskeys() ? withWayBack(ask) : setUpView(ask, hasPasskeys());
    case "confirm":
      return confirmView(ask);
    case "introduce":
      return introductionView();
  }
}

/** Whether the user can answer in this browser at all. */
export function isAnswerable(ask: Ask): boolean {
  if (hasPasskeys()) return true;
  if (ask.ask === "authenticate" || ask.ask === "setUp") return ask.methods.includes("passphrase");
  return ask.ask !== "register";
}
