/**
 * A log entry, verified without the enclave: its hash, its signature, and the signer's certificate.
 *
 * An entry by itself proves that a key signed it; that nothing is missing before it, only the whole chain can show.
 */

import type { AuditDelegationCert, AuditEntry } from "/sdk/kms-user.js";
import { decodeBase64url, encodeBase64url } from "../../../protocol/base64url";
import { canonicalBytes } from "../../../protocol/canonical-json";
import { formatHex, parseHex, sha256 } from "../../../protocol/hashes";
import { type Inspection, require, UnsupportedError } from "./inspection";

/** base64url public keys that the log itself names; null where it has not named them yet. */
export interface AuditKeys {
  readonly user: string | null;
  readonly instance: string | null;
}

export interface EntrySubject {
  readonly entry: AuditEntry;
  readonly keys: AuditKeys;
}

/** The User Audit Key stands in the `setup` entry, the instance's key in the first one. */
export function auditKeysOf(entries: readonly AuditEntry[]): AuditKeys {
  const named = (op: string, field: string): string | null => {
    const value = entries.find((entry) => entry.op === op)?.details?.[field];
    return typeof value === "string" ? value : null;
  };
  return { user: named("setup", "auditPublicKey"), instance: named("instance.start", "instancePublicKey") };
}

export async function chainHash({ chainHash: _, sig: __, ...covered }: AuditEntry): Promise<string> {
  return formatHex(await sha256(canonicalBytes(covered)));
}

export const ENTRY_INSPECTIONS: readonly Inspection<EntrySubject>[] = [
  {
    title: "Hash",
    async inspect({ entry }) {
      require((await chainHash(entry)) === entry.chainHash, "the hash is not the hash of the fields");
      return "SHA-256 over the entry’s fields, recomputed";
    },
  },
  {
    title: "Signature",
    async inspect(subject) {
      const { entry } = subject;
      const key = signerKey(subject);
      const signerId = encodeBase64url(await sha256(decodeBase64url(key)));
      require(signerId === entry.signerId, "the signer is not who the entry says");
      require(await verifyEd25519(key, entry.sig, parseHex(entry.chainHash)), "the signature is not valid");
      return `Ed25519, valid for the ${entry.signer} that it names`;
    },
  },
  {
    title: "Certificate",
    async inspect({ entry, keys }) {
      const { cert } = entry;
      if (!cert) {
        require(entry.signer !== "LAK", "a lease’s entry without a certificate");
        return entry.signer === "UAK" ? "none needed: the user’s own key" : "none yet: the enclave was not set up";
      }
      require(keys.user !== null, "the user’s audit key is not known");
      require(await verifyCertificate(cert, keys.user), "the certificate’s signature is not valid");
      require(cert.signerKind === entry.signer && cert.scope.includes(entry.op), "it does not cover this operation");
      const isTimely = cert.notBefore <= entry.timestamp && entry.timestamp <= (cert.notAfter ?? Infinity);
      require(isTimely, "it was not valid at that time");
      require(entry.signer !== "LAK" || cert.leaseId === entry.leaseId, "it is another lease’s");
      return "signed by the user’s audit key; covers this operation and time";
    },
  },
];

function signerKey({ entry, keys }: EntrySubject): string {
  if (entry.cert) return entry.cert.delegatePub;
  const key = entry.signer === "UAK" ? keys.user : keys.instance;
  require(key !== null, "the signer’s key is not known");
  return key;
}

async function verifyCertificate({ sig, ...covered }: AuditDelegationCert, publicKey: string): Promise<boolean> {
  return verifyEd25519(publicKey, sig, canonicalBytes(covered));
}

async function verifyEd25519(publicKey: string, sig: string, message: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const key = await importEd25519(decodeBase64url(publicKey));
  return crypto.subtle.verify("Ed25519", key, decodeBase64url(sig), message);
}

async function importEd25519(raw: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  } catch (thrown) {
    if (!(thrown instanceof DOMException) || thrown.name !== "NotSupportedError") throw thrown;
    throw new UnsupportedError("this browser has no Ed25519");
  }
}
