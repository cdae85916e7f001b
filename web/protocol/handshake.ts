/**
 * Page and frame, from the frame's first word to the running enclave.
 *
 *     frame → parent window   hello       to exactly the verified parent's origin
 *     page  → frame window    connect     with a nonce and one MessagePort, once
 *     frame → port            progress*   while the worker starts
 *     frame → port            ready       echoes the nonce; sent when the worker answers
 *                          or refused     why the enclave does not start
 *
 * What the frame takes from a page must match exactly; what a page takes from the
 * enclave may gain fields in a later version.
 */

import { parseWireError, type WireError } from "./errors";
import { hasExactly, hasFields, isText, isTextList } from "./guards";
import { MAX_NAME_CHARS, PROTOCOL } from "./limits";

export interface Hello {
  readonly type: "kms:hello";
  readonly protocol: typeof PROTOCOL;
}

/** Where the enclave asks the user: in its iframe, or in a window with an address bar. */
export const PROMPT_MODES = ["iframe", "popup"] as const;

export type PromptMode = (typeof PROMPT_MODES)[number];

/** `promptMode`: `iframe` unless given. */
export interface Connect {
  readonly type: "kms:connect";
  readonly protocol: typeof PROTOCOL;
  readonly nonce: string;
  readonly promptMode?: PromptMode;
}

/** `ratio`: how much of the stage is done, 0 to 1. */
export interface Progress {
  readonly type: "kms:progress";
  readonly stage: string;
  readonly ratio: number;
}

/** What the enclave says it runs; its own claim, see SECURITY.md. */
export interface Build {
  readonly version: string;
  readonly manifestHash: string;
  readonly codeHash: string;
  readonly capabilities: readonly string[];
}

export interface Ready extends Build {
  readonly type: "kms:ready";
  readonly nonce: string;
}

export interface Refused {
  readonly type: "kms:refused";
  readonly error: WireError;
}

const NONCE = /^[A-Za-z0-9_-]{22,86}$/;

export const HELLO: Hello = Object.freeze({ type: "kms:hello", protocol: PROTOCOL });

export function isHello(value: unknown): value is Hello {
  return hasFields(value, ["type", "protocol"]) && value.type === "kms:hello" && value.protocol === PROTOCOL;
}

export function isPromptMode(value: unknown): value is PromptMode {
  return PROMPT_MODES.some((mode) => mode === value);
}

export function isConnect(value: unknown): value is Connect & Record<string, unknown> {
  const fields = ["type", "protocol", "nonce"];
  const hasMode = hasExactly(value, [...fields, "promptMode"]) && isPromptMode(value.promptMode);
  return (
    (hasMode || hasExactly(value, fields)) &&
    value.type === "kms:connect" &&
    value.protocol === PROTOCOL &&
    isText(value.nonce, MAX_NAME_CHARS) &&
    NONCE.test(value.nonce)
  );
}

export function parseProgress(value: unknown): Progress | null {
  if (!hasFields(value, ["type", "stage", "ratio"]) || value.type !== "kms:progress") return null;
  const { stage, ratio } = value;
  if (!isText(stage, MAX_NAME_CHARS) || typeof ratio !== "number" || !(ratio >= 0 && ratio <= 1)) return null;
  return { type: "kms:progress", stage, ratio };
}

/** The enclave's claims in a `kms:ready`, from the worker or, with its nonce, on the port. */
export function parseBuild(value: unknown): Build | null {
  if (!hasFields(value, ["type", "version", "manifestHash", "codeHash", "capabilities"])) return null;
  const { type, version, manifestHash, codeHash, capabilities } = value;
  if (type !== "kms:ready" || !isText(version, MAX_NAME_CHARS) || !isText(manifestHash, MAX_NAME_CHARS)) return null;
  if (!isText(codeHash, MAX_NAME_CHARS) || !isTextList(capabilities, 64, MAX_NAME_CHARS)) return null;
  return { version, manifestHash, codeHash, capabilities: Object.freeze([...capabilities]) };
}

export function parseReady(value: unknown, expectedNonce: string): Ready | null {
  const build = parseBuild(value);
  if (!build || !hasFields(value, ["nonce"]) || value.nonce !== expectedNonce) return null;
  return { type: "kms:ready", nonce: expectedNonce, ...build };
}

export function parseRefused(value: unknown): Refused | null {
  if (!hasFields(value, ["type", "error"]) || value.type !== "kms:refused") return null;
  return { type: "kms:refused", error: parseWireError(value.error) };
}
