/** One thing that a person can do: a form whose submission runs, and then says what happened. */

import { byId } from "../common/dom";
import { showFailure } from "./words/failure";

/** `run` resolves to the sentence that explains what just happened. One run at a time. */
export function bindAction(step: string, form: HTMLFormElement, run: () => Promise<string>): void {
  const failure = byId(`${step}-failure`, HTMLElement);
  const explain = byId(`${step}-explain`, HTMLElement);
  explain.tabIndex = -1;
  const button = form.querySelector<HTMLButtonElement>("button[type=submit]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button?.ariaBusy === "true") return;
    button?.setAttribute("aria-busy", "true");
    failure.replaceChildren();
    try {
      explain.textContent = await run();
      // A form that is done is disabled or gone, and the focus with it: it goes where the result is told.
      if (document.activeElement === document.body) explain.focus({ preventScroll: true });
    } catch (thrown) {
      showFailure(failure, thrown);
    } finally {
      button?.removeAttribute("aria-busy");
    }
  });
}

export function setEnabled(form: HTMLFormElement, isEnabled: boolean): void {
  const fieldset = form.querySelector("fieldset");
  if (fieldset) fieldset.disabled = !isEnabled;
}

export function markStep(step: string, state: "waiting" | "current" | "done"): void {
  const item = byId(`step-${step}`, HTMLElement);
  item.classList.toggle("current", state === "current");
  item.classList.toggle("done", state === "done");
}
