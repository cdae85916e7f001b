/** That the enclave starts here at all, and what it finds in this browser. Changes nothing. */

import { require, UnsupportedError } from "../../pages/inspect/inspection";
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
      const generated = crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
      await generated.catch(() => {
        throw new UnsupportedError("this browser has no Ed25519 for pages");
      });
      return "available";
    },
  },
];

/** The last two labels: near enough for a sentence, since no page can ask what a site is. */
function siteOf(hostname: string): string {
  return hostname.split(".").slice(-2).join(".");
}
