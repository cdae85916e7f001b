/**
 * Tab goes round within a dialog: a modal dialog alone would let it out to the embedding page.
 *
 * A text that scrolls is a stop as well, or the keyboard alone could not read its end.
 */

const STOPS = "input, button:not([hidden]), .operation";

export function keepFocusWithin(dialog: HTMLElement, event: KeyboardEvent): void {
  if (event.key !== "Tab") return;
  event.preventDefault();
  const stops = [...dialog.querySelectorAll<HTMLElement>(STOPS)].filter(isStop);
  const active = document.activeElement;
  const at = active instanceof HTMLElement ? stops.indexOf(active) : -1;
  stops.at((at + (event.shiftKey ? -1 : 1)) % stops.length)?.focus();
}

function isStop(stop: HTMLElement): boolean {
  return !stop.matches(".operation") || stop.scrollHeight > stop.clientHeight;
}
