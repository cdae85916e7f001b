/** Binary values of params: base64url text on the wire. */

import { encodeBase64url } from "../../protocol/base64url";
import { type Json, paramsTooLarge } from "../../protocol/json";
import { MAX_PARAMS_CHARS } from "../../protocol/limits";

/** Four characters of base64url for three bytes: one byte more would never fit. */
const MAX_BYTES = Math.floor((MAX_PARAMS_CHARS * 3) / 4);

/**
 * The base64url text of an ArrayBuffer or a view of one; undefined for anything else.
 * Throws KMSError `request.too.large` before it encodes what could not be sent.
 */
export function binaryText(value: object): Json | undefined {
  const bytes = bytesOf(value);
  if (bytes === null) return undefined;
  if (bytes.byteLength > MAX_BYTES) throw paramsTooLarge();
  return encodeBase64url(bytes);
}

function bytesOf(value: object): Uint8Array | null {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  // Not instanceof: the buffer may come from another realm.
  const isBuffer = Object.prototype.toString.call(value) === "[object ArrayBuffer]";
  return isBuffer ? new Uint8Array(value as ArrayBuffer) : null;
}

/** As a page has them, or as their base64url text. */
export type Bytes = string | ArrayBuffer | ArrayBufferView;
