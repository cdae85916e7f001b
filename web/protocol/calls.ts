/** Page and frame, on the port: requests, exactly one reply each, what the page no longer waits for, and events. */

import { METHODS, type MethodName } from "./contract.gen";
import { parseWireError, type WireError } from "./errors";
import { type Fields, hasExactly, hasFields, isId, isText } from "./guards";
import { MAX_NAME_CHARS } from "./limits";

export interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

/** The page waits for that reply no longer. It comes all the same, but no user is asked for it. */
export interface Withdrawal {
  readonly id: number;
  readonly withdrawn: true;
}

export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: WireError };

export const EVENT_NAMES = [
  "quota.alert",
  "lease.expiring",
  "lease.expired",
  "audit.checkpoint",
  "audit.progress",
  "prompt.show",
  "prompt.hide",
] as const;

export type EventName = (typeof EVENT_NAMES)[number];

export interface EventMessage {
  readonly type: "kms:event";
  readonly event: EventName;
  readonly data: unknown;
}

const METHOD_TABLE: ReadonlySet<string> = new Set(METHODS);
const EVENT_TABLE: ReadonlySet<string> = new Set(EVENT_NAMES);

export function isMethodName(value: unknown): value is MethodName {
  return typeof value === "string" && METHOD_TABLE.has(value);
}

export function isEventName(value: unknown): value is EventName {
  return typeof value === "string" && EVENT_TABLE.has(value);
}

/** A message that names an ID can be answered, whatever else is wrong with it. */
export function hasId(value: unknown): value is Fields & { readonly id: number } {
  return hasFields(value, ["id"]) && isId(value.id);
}

export function isWithdrawal(value: unknown): value is Withdrawal {
  return hasExactly(value, ["id", "withdrawn"]) && isId(value.id) && value.withdrawn === true;
}

export function parseReply(value: unknown): Reply | null {
  if (!hasId(value)) return null;
  const { id } = value;
  if (Object.hasOwn(value, "error")) return { id, error: parseWireError(value.error) };
  return Object.hasOwn(value, "result") ? { id, result: value.result } : null;
}

/** An event of a name that this version knows. */
export function parseEvent(value: unknown): EventMessage | null {
  if (!hasFields(value, ["type", "event", "data"]) || value.type !== "kms:event") return null;
  const { event, data } = value;
  if (!isText(event, MAX_NAME_CHARS) || !isEventName(event)) return null;
  return { type: "kms:event", event, data };
}
