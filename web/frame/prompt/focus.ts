/** Tab goes round within a dialog: a modal dialog alone would let it out to the embedding page. */

export function keepFocusWithin(dialog: HTMLElement, event: KeyboardEvent): void {
  if (event.key !== "Tab") return;
  event.preventDefault();
  const stops = [...dialog.querySelectorAll<HTMLElement>("input, button:not([hidden])")];
  const active = document.activeElement;
  const at = active instanceof HTMLElement ? stops.indexOf(active) : -1;
  stops.at((at + (event.shiftKey ? -1 : 1)) % stops.length)?.focus();
}
