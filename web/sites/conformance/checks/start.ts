/** That the enclave starts here at all, and what it finds in this browser. Changes nothing. */

import { parseHex } from "../../../protocol/hashes";
import { require, UnsupportedError } from "../../common/inspect/inspection";
import type { Check } from "../check";

/** What the enclave cannot do without. */
const CAPABILITIES = ["ecdsa-p256", "ed25519", "hkdf-aes-gcm", "pbkdf2", "stored-key"];

export const START_CHECK: Check = {
  id: "start",
  title: "The enclave starts, or says by name what blocks it",
  async run({ kms }) {
    await kms.init();
    return "handshake done, worker running";
  },
};

export const BROWSER_CHECKS: readonly Check[] = [
  {
    id: "storage",
    title: "Storage in the embedded enclave",
    async run({ kms, address }) {
      await kms.getStatus();
      const isSameSite = siteOf(location.hostname) === siteOf(new URL(address.kmsOrigin).hostname);
      return isSameSite ? "same site: storage of its own" : "cross-site: storage in a partition of this page’s site";
    },
  },
  {
    id: "capabilities",
    title: "Capabilities, each tested by the enclave against a known answer",
    async run({ kms }) {
      const missing = CAPABILITIES.filter((name) => !kms.capabilities.includes(name));
      require(missing.length === 0, `missing: ${missing.join(", ")}`);
      return kms.capabilities.join(", ");
    },
  },
  {
    id: "build",
    title: "The build names itself",
    async run({ kms }) {
      const { version, codeHash, manifestHash } = await kms.getStatus();
      require(/^[0-9a-f]{64}$/.test(manifestHash) && /^[0-9a-f]{64}$/.test(codeHash), "a hash is not SHA-256 in hex");
      require(manifestHash === kms.manifestHash && version === kms.version, "handshake and status disagree");
      return `version ${version}, build ${manifestHash.slice(0, 16)}…`;
    },
  },
  {
    id: "page-ed25519",
    title: "Ed25519 in this page, to verify the log without the enclave",
    async run() {
      // Not by generating a key, as WebKitGTK fails to now and then: the page only ever verifies.
      const imported = crypto.subtle.importKey("raw", parseHex(RFC_8032_TEST_2.key), "Ed25519", false, ["verify"]);
      const key = await imported.catch(() => {
        throw new UnsupportedError("this browser has no Ed25519 for pages");
      });
      const [signature, message] = [parseHex(RFC_8032_TEST_2.signature), parseHex(RFC_8032_TEST_2.message)];
      const isValid = await crypto.subtle.verify("Ed25519", key, signature, message);
      require(isValid, "a published signature does not verify");
      message[0] = 0;
      require(!(await crypto.subtle.verify("Ed25519", key, signature, message)), "a signature verifies anything");
      return "available";
    },
  },
];

/** The last two labels: near enough for a sentence, since no page can ask what a site is. */
function siteOf(hostname: string): string {
  return hostname.split(".").slice(-2).join(".");
}

/** RFC 8032 section 7.1. */
const RFC_8032_TEST_2 = {
  key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
  message: "72",
  signature:
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
};
