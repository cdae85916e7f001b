/** Ed25519 of the page's own browser. The enclave's word on a signature would be no check of the enclave. */

import { KMSError } from "../../protocol/errors";
import type { Bytes } from "./merkle";

/** Rejects with KMSError `unsupported` (`details.capability`: `Ed25519`) where the page's browser has none. */
export async function verifyEd25519(publicKey: Bytes, signature: Bytes, data: Bytes): Promise<boolean> {
  const key = await importKey(publicKey);
  return key !== null && crypto.subtle.verify("Ed25519", key, signature, data);
}

async function importKey(publicKey: Bytes): Promise<CryptoKey | null> {
  try {
    return await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  } catch (thrown) {
    // No key at all: nothing verifies by it.
    if (thrown instanceof DOMException && thrown.name !== "NotSupportedError") return null;
    throw new KMSError("unsupported", "The page's browser cannot verify the log: it lacks Ed25519", {
      details: { capability: "Ed25519" },
    });
  }
}
