/** Hashes, and JSON that has only one spelling. */
import { createHash } from "node:crypto";

/** @param {string | Uint8Array} data @returns {string} SHA-256, lower-case hex */
export function sha256(data) {
  return createHash("sha256").update(data).digest("hex");
}

/** @param {string} hex @returns {string} value of an `integrity` attribute */
export function sriOf(hex) {
  return `sha256-${Buffer.from(hex, "hex").toString("base64")}`;
}

/**
 * RFC 8785: JSON.stringify already formats strings and numbers that way; what is left is the order of the members.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function canonicalJson(value) {
  return JSON.stringify(value, (_key, member) =>
    member && typeof member === "object" && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
