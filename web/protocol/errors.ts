/** The one error of the project, and its form on the wire. */

import { ERROR_CODES, type ErrorCode } from "./contract.gen";
import { type Fields, hasFields, isDurationOrNull, isPlainObject, isText } from "./guards";
import { MAX_MESSAGE_CHARS, MAX_NAME_CHARS } from "./limits";

/** `retryAfterMs`: when the same call would be granted if nothing else happened; null where waiting does not help. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterMs: number | null;
  readonly details: Fields;
}

export interface KMSErrorOptions {
  readonly retryAfterMs?: number | null;
  readonly details?: Fields;
}

/**
 * A refusal. `code` is stable and decides; `message` is for people and may change.
 * Neither it nor `details` ever holds a secret.
 */
export class KMSError extends Error {
  override readonly name = "KMSError";
  readonly code: ErrorCode;
  readonly retryAfterMs: number | null;
  readonly details: Fields;

  constructor(code: ErrorCode, message?: string, options: KMSErrorOptions = {}) {
    super(message || ERROR_CODES[code]);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.details = Object.freeze({ ...options.details });
  }

  static fromWire(error: WireError): KMSError {
    return new KMSError(error.code, error.message, error);
  }

  toWire(): WireError {
    return { code: this.code, message: this.message, retryAfterMs: this.retryAfterMs, details: this.details };
  }
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERROR_CODES, value);
}

/**
 * Read an error that came over a channel; never fails, since an error that cannot be
 * read is still an error. A code that this version does not know becomes `internal`.
 */
export function parseWireError(value: unknown): WireError {
  if (!hasFields(value, ["code", "message"])) return new KMSError("internal").toWire();
  const known = isErrorCode(value.code);
  const code: ErrorCode = known ? (value.code as ErrorCode) : "internal";
  const foreign = !known && isText(value.code, MAX_NAME_CHARS) ? { code: value.code } : {};
  const details = isPlainObject(value.details) ? value.details : {};
  return {
    code,
    message: isText(value.message, MAX_MESSAGE_CHARS) && value.message ? value.message : ERROR_CODES[code],
    retryAfterMs: isDurationOrNull(value.retryAfterMs) ? value.retryAfterMs : null,
    details: { ...details, ...foreign },
  };
}

/** Any thrown value as a KMSError; of what is not one, nothing crosses an origin. */
export function asKMSError(thrown: unknown): KMSError {
  return thrown instanceof KMSError ? thrown : new KMSError("internal");
}

export function invalidRequest(field: string, reason: string): KMSError {
  return new KMSError("request.invalid", `${field}: ${reason}`, { details: { field, reason } });
}
