/** In the iframe, while the prompt is in a window of the enclave's own. */

import type { Ask } from "../../../protocol/asks";
import { acceptChoice } from "../buttons";
import { element } from "../dom";
import type { View } from "../view";
import type { PromptWindow } from "../window-opener";
import { requestWords } from "./request";

export function windowView(ask: Ask, promptWindow: PromptWindow): View {
  const accept = acceptChoice(
    "Open the window",
    (deed) => promptWindow.answer(ask, deed),
    "Waiting for you in the window…",
  );
  return {
    name: "window",
    title: "Go on in a window",
    about: requestWords(ask),
    rows: [
      element(
        "p",
        {},
        "A window of the enclave opens. Its address bar must say ",
        element("strong", { class: "origin" }, location.host),
        ".",
      ),
    ],
    inputs: [],
    choices: [],
    accept,
    cancel: "Cancel",
    privacy: "",
    firstFocus: accept.button,
  };
}
