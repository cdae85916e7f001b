/** The end of a setup: what the user will recognise real prompts by. */

import { acceptChoice } from "../buttons";
import { element } from "../dom";
import type { View } from "../view";

export function introductionView(): View {
  const accept = acceptChoice("I’ll remember", () => ({ answer: { agreed: true } }));
  return {
    name: "introduction",
    title: "You are set up",
    about: [
      element("p", {}, "From now on every real prompt of this enclave begins with the colour and the words above."),
      element("p", {}, "If they are missing or different, a page is imitating it: enter nothing, and cancel."),
    ],
    rows: [],
    inputs: [],
    choices: [],
    accept,
    cancel: null,
    privacy: "",
    firstFocus: accept.button,
  };
}
