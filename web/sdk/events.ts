/** Handlers of the enclave's events. One that throws stops neither the others nor the channel. */

import { EVENT_NAMES, type EventMessage, type EventName, isEventName } from "../protocol/calls";
import { invalidRequest } from "../protocol/errors";
import { callSafely } from "./channel/call-safely";

export type EventHandler = (data: unknown) => void;

export class Events {
  readonly #handlers = new Map<EventName, Set<EventHandler>>();

  /** Throws KMSError `request.invalid`. */
  on(event: EventName, handler: EventHandler): void {
    if (!isEventName(event)) throw invalidRequest("event", `must be one of ${EVENT_NAMES.join(", ")}`);
    if (typeof handler !== "function") throw invalidRequest("handler", "must be a function");
    const handlers = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, handlers.add(handler));
  }

  off(event: EventName, handler: EventHandler): void {
    this.#handlers.get(event)?.delete(handler);
  }

  emit({ event, data }: EventMessage): void {
    for (const handler of [...(this.#handlers.get(event) ?? [])]) callSafely(() => handler(data));
  }
}
