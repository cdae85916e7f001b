/**
 * Frame and worker: every message is one JSON text, but for the boot message, which the
 * launcher sends. Only the frame's own code posts on this channel.
 */

import { type Ask, type ChallengeMessage, type Discarded, parseAsk, parseChallenge, parseDiscarded } from "./asks";
import { type EventMessage, parseEvent, parseReply, type Reply } from "./calls";
import type { MethodName } from "./contract.gen";
import { type Fields, isPlainObject, isTextOrNull } from "./guards";
import { type Build, type Progress, parseBuild, parseProgress, parseRefused, type Refused } from "./handshake";
import { MAX_NAME_CHARS } from "./limits";

/** `origin` null: for every parent origin. */
export interface EnclaveEvent extends EventMessage {
  readonly origin: string | null;
}

/** What the worker says about its own start. */
export type StartMessage = Progress | Refused | (Build & { readonly type: "kms:ready" });

/** What it says while it runs. */
export type RunningMessage =
  | EnclaveEvent
  | { readonly type: "reply"; readonly reply: Reply }
  | { readonly type: "ask"; readonly ask: Ask }
  | { readonly type: "challenge"; readonly challenge: ChallengeMessage }
  | { readonly type: "discard"; readonly discarded: Discarded }
  | { readonly type: "close" };

export type EnclaveMessage = StartMessage | RunningMessage;

/**
 * A request to the worker, made from parts that the frame has checked: `paramsText` is
 * the JSON text of a copy, `origin` the verified parent origin.
 */
export function formatEnclaveRequest(id: number, method: MethodName, paramsText: string, origin: string): string {
  return `{"id":${id},"method":"${method}","params":${paramsText},"origin":${JSON.stringify(origin)}}`;
}

/** Read one message of the worker; null for what is none. */
export function parseEnclaveMessage(text: unknown): EnclaveMessage | null {
  if (typeof text !== "string") return null;
  const value = parseObject(text);
  if (!value) return null;
  if (Object.hasOwn(value, "type")) return parseTyped(value);
  if (Object.hasOwn(value, "ask")) return parseAskMessage(value);
  if (Object.hasOwn(value, "challenge")) return parseChallengeMessage(value);
  if (Object.hasOwn(value, "discard")) return parseDiscardMessage(value);
  const reply = parseReply(value);
  return reply && { type: "reply", reply };
}

function parseObject(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? value : null;
  } catch {
    return null;
  }
}

function parseTyped(value: Fields): EnclaveMessage | null {
  switch (value.type) {
    case "kms:progress":
      return parseProgress(value);
    case "kms:refused":
      return parseRefused(value);
    case "kms:ready": {
      const build = parseBuild(value);
      return build && { type: "kms:ready", ...build };
    }
    case "kms:event": {
      const event = parseEvent(value);
      const { origin } = value;
      return event && isTextOrNull(origin, MAX_NAME_CHARS) ? { ...event, origin } : null;
    }
    default:
      return null;
  }
}

function parseAskMessage(value: Fields): EnclaveMessage | null {
  if (value.ask === "close") return { type: "close" };
  const ask = parseAsk(value);
  return ask && { type: "ask", ask };
}

function parseChallengeMessage(value: Fields): EnclaveMessage | null {
  const challenge = parseChallenge(value);
  return challenge && { type: "challenge", challenge };
}

function parseDiscardMessage({ discard }: Fields): EnclaveMessage | null {
  const discarded = parseDiscarded(discard);
  return discarded && { type: "discard", discarded };
}
