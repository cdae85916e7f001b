/** Creating a passkey, and the second ceremony that some authenticators need. */

import type { AskOf, Ceremony, Registration } from "../../../protocol/asks";
import { createPasskey } from "../../passkey/create";
import { discardPasskey } from "../../passkey/discard";
import { ceremonyFault } from "../../passkey/failures";
import { acceptChoice, WAITING } from "../buttons";
import { element } from "../dom";
import type { Act, View } from "../view";
import { ABOUT_GATE, ABOUT_PASSKEY, PASSKEY_PRIVACY } from "../words";
import { authenticateView } from "./authenticate";
import { requestWords } from "./request";

export function registerView(ask: AskOf<"register">): View {
  const accept = acceptChoice("Create passkey", create(ask.registration), WAITING);
  return {
    name: "register",
    title: "Create a passkey",
    about: requestWords(ask),
    rows: [element("p", {}, ask.methods.includes("passkey-gate") ? ABOUT_GATE : ABOUT_PASSKEY)],
    inputs: [],
    choices: [],
    accept,
    cancel: "Cancel",
    privacy: PASSKEY_PRIVACY,
    firstFocus: accept.button,
  };
}

/** An authenticator that evaluates PRF only when it is used: the new passkey is used once, at once. */
export function finishRegistrationView(ask: AskOf<"authenticate">, ceremony: Ceremony): View {
  return {
    ...authenticateView({ ...ask, methods: [] }, ceremony),
    name: "finish-registration",
    title: "One more step",
    rows: [element("p", {}, "The passkey is made. Use it once, so that it can protect your keys.")],
  };
}

export function create(registration: Registration): Act {
  return async ({ newChallenge, signal }) => {
    try {
      const answer = await createPasskey(registration, await newChallenge(), signal);
      // An authenticator can be done in the moment in which it is called off.
      if (signal.aborted) void discardPasskey({ rpId: registration.rpId, credentialId: answer.credentialId });
      return { answer };
    } catch (thrown) {
      return { fault: ceremonyFault(thrown, "create"), offersWindow: true };
    }
  };
}
