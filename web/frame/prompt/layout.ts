/**
 * What every prompt is made of, around the view of one question.
 *
 * It is built by the script, not written in the entry page: the page's HTML is the one
 * file that no integrity check covers.
 */

import type { Recognition } from "../../protocol/asks";
import { element, icon } from "./dom";
import type { View } from "./view";

const SHIELD = {
  shield: "M12 2 4 5v6c0 5 3.4 9.4 8 11 4.6-1.6 8-6 8-11V5l-8-3Z",
  lock: "M8.5 11V9.5a3.5 3.5 0 0 1 7 0V11H17v6H7v-6h1.5Zm1.7 0h3.6V9.5a1.8 1.8 0 0 0-3.6 0V11Z",
};

const CHECKING = "Checking…";

export interface Layout {
  readonly form: HTMLFormElement;
  readonly error: HTMLElement;
  readonly cancel: HTMLButtonElement | null;
  /** Goes on in a window of its own; hidden until that helps. */
  readonly openWindow: HTMLButtonElement;
  /** What the user reads and presses: it must be in sight, whole, and not covered. */
  readonly essentials: readonly Element[];
  /** While the user's deed or its check takes time: `status` says what for. */
  mark(status: string, phase: "idle" | "acting" | "checking"): void;
}

export function buildDialog(): HTMLDialogElement {
  return element("dialog", {
    class: "prompt",
    "aria-labelledby": "prompt-title",
    "aria-describedby": "prompt-recognition prompt-request",
  });
}

export function buildLayout(view: View, recognition: Recognition | null): Layout {
  const error = element("p", { id: "prompt-error", class: "error", role: "alert" });
  const openWindow = element("button", { type: "button", class: "link", hidden: "" }, "Go on in a window");
  const cancel = view.cancel === null ? null : element("button", { type: "button", class: "cancel" }, view.cancel);
  const about = element("div", { id: "prompt-request", class: "request" }, ...view.about);
  const status = element("p", { class: "status", role: "status" });
  const footer = element("footer", {}, ...(cancel ? [cancel] : []), ...(view.accept ? [view.accept.button] : []));
  // What scrolls where there is little room: who asks, for what and the buttons stay where they are.
  const rows = element(
    "div",
    { class: "rows" },
    ...withErrorBelowFields(view.rows, error),
    status,
    openWindow,
    ...(view.privacy ? [element("p", { class: "privacy" }, view.privacy)] : []),
  );
  const head = [...(recognition ? [recognitionBand(recognition)] : []), header(view.title), about];
  const form = element("form", { class: view.name, novalidate: "", autocomplete: "off" }, ...head, rows, footer);
  const acceptText = view.accept?.button.textContent ?? "";
  const mark: Layout["mark"] = (text, phase) => {
    const isChecking = phase === "checking";
    if (view.accept) view.accept.button.textContent = isChecking ? CHECKING : acceptText;
    status.textContent = isChecking && !view.accept ? CHECKING : text;
    const buttons = [...view.choices.map(({ button }) => button), ...(view.accept ? [view.accept.button] : [])];
    for (const button of buttons) button.setAttribute("aria-disabled", String(phase !== "idle"));
    cancel?.setAttribute("aria-disabled", String(isChecking));
  };
  return { form, error, cancel, openWindow, essentials: [...head, footer], mark };
}

/** Beside what it is about: choices that stand below the fields stay below it. */
function withErrorBelowFields(rows: readonly HTMLElement[], error: HTMLElement): readonly HTMLElement[] {
  const last = rows.findLastIndex((row) => row.matches(".field"));
  const at = last === -1 ? rows.length : last + 1;
  return rows.toSpliced(at, 0, error);
}

function header(title: string): HTMLElement {
  return element(
    "header",
    {},
    icon(SHIELD),
    element("div", {}, element("h1", { id: "prompt-title" }, title), element("p", { class: "enclave" }, location.host)),
  );
}

function recognitionBand({ phrase, colour }: Recognition): HTMLElement {
  const band = element(
    "p",
    { id: "prompt-recognition", class: "recognition" },
    element("span", {}, "Your words: "),
    phrase,
  );
  // A property, which the Content-Security-Policy allows where it forbids a style attribute.
  band.style.setProperty("--colour", colour);
  return band;
}
