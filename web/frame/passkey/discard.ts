/** Tells the browser that a passkey it has just made is of no use, where it can be told. */

import type { Discarded } from "../../protocol/asks";
import { hasPasskeys } from "./support";

/** WebAuthn Level 3, section 5.1.10. Whether the authenticator obeys is not said. */
export async function discardPasskey({ rpId, credentialId }: Discarded): Promise<void> {
  if (!hasPasskeys() || !("signalUnknownCredential" in PublicKeyCredential)) return;
  try {
    await PublicKeyCredential.signalUnknownCredential({ rpId, credentialId });
  } catch {
    // It stays, unused, until the user deletes it.
  }
}
