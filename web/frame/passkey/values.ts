/** What both ceremonies read from a credential. */

import { encodeBase64url } from "../../protocol/base64url";

/** The worker takes a challenge for two minutes: a ceremony that ends in time has an answer in time. */
export const CEREMONY_TIMEOUT_MS = 110_000;

export function textOf(buffer: ArrayBuffer): string {
  return encodeBase64url(new Uint8Array(buffer));
}

/** The PRF output as text, or null where the authenticator gave none. */
export function prfOutput(credential: PublicKeyCredential): string | null {
  const first = credential.getClientExtensionResults().prf?.results?.first;
  if (first === undefined) return null;
  const bytes = ArrayBuffer.isView(first)
    ? new Uint8Array(first.buffer, first.byteOffset, first.byteLength)
    : new Uint8Array(first);
  const text = encodeBase64url(bytes);
  bytes.fill(0);
  return text;
}
