/** Agreeing: by typing a word where something is destroyed, by a button where nothing is. */

import type { AskOf } from "../../../protocol/asks";
import { acceptChoice } from "../buttons";
import { element } from "../dom";
import { row, textInput } from "../inputs";
import type { View } from "../view";
import { requestWords } from "./request";

export function confirmView(ask: AskOf<"confirm">): View {
  return ask.word === null ? agreement(ask) : typedWord(ask, ask.word);
}

function typedWord(ask: AskOf<"confirm">, word: string): View {
  const input = textInput("prompt-word", { type: "text", autocomplete: "off" });
  return {
    name: "confirm-word",
    title: "This cannot be undone",
    about: requestWords(ask),
    rows: [row(input, `Type ${word} to confirm`)],
    inputs: [input],
    choices: [],
    accept: acceptChoice("Confirm", () =>
      input.value.trim() === word ? { answer: { word } } : { fault: `Type ${word} exactly as shown.`, input },
    ),
    cancel: "Cancel",
    privacy: "",
    firstFocus: input,
  };
}

/** The user is told something first; the words are the worker's. */
function agreement({ operation }: AskOf<"confirm">): View {
  return {
    name: "confirm-agreement",
    title: "Before you go on",
    about: [element("p", { class: "operation", tabindex: "-1" }, operation)],
    rows: [],
    inputs: [],
    choices: [],
    accept: acceptChoice("Yes, go on", () => ({ answer: { agreed: true } })),
    cancel: "Cancel",
    privacy: "",
    firstFocus: null,
  };
}
