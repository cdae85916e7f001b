/** Buttons of a view, with what they do. */

import { element, icon } from "./dom";
import type { Act, Choice } from "./view";

const KEY = {
  key: "M9 4a5 5 0 1 0 3.9 8.1H15l1.5 1.5L18 12l1.5 1.5L22 11l-2.5-2.5h-6A5 5 0 0 0 9 4Zm-1.5 3.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3Z",
};

/** What Enter does. */
export function acceptChoice(text: string, act: Act, waiting = ""): Choice {
  return { button: element("button", { type: "submit", class: "accept" }, text), act, waiting };
}

export function passkeyChoice(text: string, act: Act): Choice {
  return { button: element("button", { type: "button", class: "wide" }, icon(KEY), text), act, waiting: WAITING };
}

/** A choice that explains itself: the wizard's ways. */
export function cardChoice(title: string, words: string, act: Act, waiting: string): Choice {
  const button = element(
    "button",
    { type: "button", class: "card" },
    element("strong", {}, title),
    element("span", { class: "hint" }, words),
  );
  return { button, act, waiting };
}

export const WAITING = "Waiting for your passkey…";
