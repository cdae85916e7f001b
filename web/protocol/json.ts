/**
 * A copy of a value that is JSON and nothing else.
 *
 * `JSON.stringify` alone would quietly turn a Map into `{}`, NaN into null, and would
 * call `toJSON` of whatever it meets; here each of these is refused, with the field's
 * name. Nothing of the caller's objects is in the copy.
 */

import { invalidRequest, KMSError } from "./errors";
import { MAX_PARAMS_CHARS, MAX_PARAMS_DEPTH } from "./limits";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json };
export type JsonObject = { readonly [field: string]: Json };

/** Turn a value that JSON lacks into one that it has, or return undefined to leave it. */
export type Convert = (value: object) => Json | undefined;

/**
 * Copy `params`, a plain object. A field whose value is `undefined` is left out.
 * Throws KMSError `request.invalid` (which field, why) or `request.too.large`.
 */
export function copyParams(params: unknown, convert: Convert = () => undefined): JsonObject {
  const copy = readSafely(() => new Copier(convert).copy(params, "params", 0));
  if (typeof copy !== "object" || copy === null || Array.isArray(copy)) {
    throw invalidRequest("params", "must be an object");
  }
  return copy as JsonObject;
}

/** The JSON text of a copy of `params`. Throws as `copyParams` does. */
export function formatParams(params: unknown): string {
  const text = JSON.stringify(copyParams(params));
  if (text.length > MAX_PARAMS_CHARS) throw paramsTooLarge();
  return text;
}

export function paramsTooLarge(): KMSError {
  return new KMSError("request.too.large", undefined, { details: { maxChars: MAX_PARAMS_CHARS } });
}

class Copier {
  readonly #convert: Convert;
  /** A lower bound of the JSON text's length: stops at once on a huge or endless value. */
  #chars = 0;

  constructor(convert: Convert) {
    this.#convert = convert;
  }

  copy(value: unknown, field: string, depth: number): Json {
    if (depth > MAX_PARAMS_DEPTH) throw invalidRequest(field, "nested too deeply");
    this.#count(1);
    switch (typeof value) {
      case "string":
        this.#count(value.length);
        return value;
      case "boolean":
        return value;
      case "number":
        if (!Number.isFinite(value)) throw invalidRequest(field, "must be a finite number");
        return value;
      case "object":
        return value === null ? null : this.#copyObject(value, field, depth);
      default:
        throw invalidRequest(field, `a ${typeof value} cannot be sent`);
    }
  }

  #copyObject(value: object, field: string, depth: number): Json {
    if (Array.isArray(value)) return this.#copyList(value, field, depth);
    const converted = this.#convert(value);
    if (converted !== undefined) return this.copy(converted, field, depth);
    if (!isLiteral(value)) throw invalidRequest(field, "must be a plain object");
    const copy: Record<string, Json> = Object.create(null);
    for (const [name, member] of readSafely(() => Object.entries(value), field)) {
      if (member === undefined) continue;
      this.#count(name.length);
      copy[name] = this.copy(member, `${field}.${name.slice(0, 64)}`, depth + 1);
    }
    return copy;
  }

  #copyList(list: readonly unknown[], field: string, depth: number): Json {
    const copy: Json[] = [];
    for (let index = 0; index < list.length; index += 1) {
      copy.push(this.copy(list[index], `${field}[${index}]`, depth + 1));
    }
    return copy;
  }

  #count(chars: number): void {
    this.#chars += chars;
    if (this.#chars > MAX_PARAMS_CHARS) throw paramsTooLarge();
  }
}

/** An object literal of any realm: a page may have made it in a frame of its own. */
function isLiteral(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Getters, proxies and detached buffers of the caller's may throw anything at any look. */
function readSafely<T>(read: () => T, field = "params"): T {
  try {
    return read();
  } catch (thrown) {
    throw thrown instanceof KMSError ? thrown : invalidRequest(field, "cannot be read");
  }
}
