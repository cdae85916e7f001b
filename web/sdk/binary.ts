/** Binary values of params: base64url text on the wire. */

import type { Json } from "../protocol/json";

/** The base64url text of an ArrayBuffer or a view of one; undefined for anything else. */
export function binaryText(value: object): Json | undefined {
  if (ArrayBuffer.isView(value))
    return encodeBase64url(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  // Not instanceof: the buffer may come from another realm.
  const isBuffer = Object.prototype.toString.call(value) === "[object ArrayBuffer]";
  return isBuffer ? encodeBase64url(new Uint8Array(value as ArrayBuffer)) : undefined;
}

/** RFC 4648, section 5, without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
