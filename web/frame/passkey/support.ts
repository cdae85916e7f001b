/** What this browser's WebAuthn can do here. */

import { KMSError } from "../../protocol/errors";

/** WebKitGTK, for one, has none at all. */
export function hasPasskeys(): boolean {
  return typeof PublicKeyCredential === "function" && "credentials" in navigator;
}

export function unsupportedPasskey(): KMSError {
  return new KMSError("unsupported", "This browser has no passkeys here", { details: { capability: "passkey" } });
}
