/** Binary values of params: base64url text on the wire. */

import { encodeBase64url } from "../protocol/base64url";
import type { Json } from "../protocol/json";

/** The base64url text of an ArrayBuffer or a view of one; undefined for anything else. */
export function binaryText(value: object): Json | undefined {
  if (ArrayBuffer.isView(value))
    return encodeBase64url(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  // Not instanceof: the buffer may come from another realm.
  const isBuffer = Object.prototype.toString.call(value) === "[object ArrayBuffer]";
  return isBuffer ? encodeBase64url(new Uint8Array(value as ArrayBuffer)) : undefined;
}

/** As a page has them, or as their base64url text. */
export type Bytes = string | ArrayBuffer | ArrayBufferView;
