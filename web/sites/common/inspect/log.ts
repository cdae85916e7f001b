/**
 * A log that lies in the page, inspected without the enclave: numbers, links, hashes, signatures, and how many.
 *
 * Each finding names the first entry that does not hold. It is a demonstration of what shows, for pages; auditors
 * have `kms-enclave audit verify`.
 */

import type { AuditEntry } from "/sdk/kms-user.js";
import { type AuditKeys, chainHash, ENTRY_INSPECTIONS } from "./entry";
import { type Inspection, inspectAll, require, UnsupportedError } from "./inspection";

export interface LogSubject {
  readonly entries: readonly AuditEntry[];
  readonly keys: AuditKeys;
  /** The number that the first entry has to have. */
  readonly first: number;
  /** How many entries the signed checkpoint counts, dropped ones too. */
  readonly size: number;
}

export const LOG_INSPECTIONS: readonly Inspection<LogSubject>[] = [
  {
    title: "Numbers",
    inspect({ entries, first }) {
      for (const [index, { seqNum }] of entries.entries()) {
        require(seqNum === first + index, `number ${seqNum} stands where ${first + index} belongs`);
      }
      return "from the first on, without a gap";
    },
  },
  {
    title: "Links",
    inspect({ entries }) {
      for (const [index, { seqNum, previousHash }] of entries.entries()) {
        const before = entries[index - 1];
        require(!before ||
          previousHash === before.chainHash, `entry ${seqNum} holds the hash of another one before it`);
      }
      return "each entry holds the hash of the one before it";
    },
  },
  {
    title: "Hashes",
    async inspect({ entries }) {
      for (const entry of entries) {
        require((await chainHash(entry)) === entry.chainHash, `entry ${entry.seqNum} is not what its hash says`);
      }
      return "each is the hash of its entry, recomputed";
    },
  },
  {
    title: "Signatures",
    async inspect({ entries, keys }) {
      for (const entry of entries) {
        const findings = await inspectAll(ENTRY_INSPECTIONS, { entry, keys });
        for (const { outcome, note } of findings.filter(({ title }) => title !== "Hash")) {
          if (outcome === "unsupported") throw new UnsupportedError(note);
          require(outcome === "holds", `entry ${entry.seqNum}: ${note}`);
        }
      }
      return "each by a key that may sign it";
    },
  },
  {
    title: "Count",
    inspect({ entries, first, size }) {
      const found = first + entries.length;
      require(found === size, `the signed checkpoint counts ${size} entries, here are ${found}`);
      return "as many as the signed checkpoint counts";
    },
  },
];

/** The copy without one entry, as somebody leaves it who only deletes. */
export function withoutEntry(entries: readonly AuditEntry[], seqNum: number): readonly AuditEntry[] {
  return entries.filter((entry) => entry.seqNum !== seqNum);
}

/** Everything that can be done without a key: entries numbered, linked and hashed anew. */
export async function relink(entries: readonly AuditEntry[], first: number): Promise<readonly AuditEntry[]> {
  const relinked: AuditEntry[] = [];
  for (const [index, entry] of entries.entries()) {
    const previousHash = relinked.at(-1)?.chainHash ?? entry.previousHash;
    const moved = { ...entry, seqNum: first + index, previousHash };
    relinked.push({ ...moved, chainHash: await chainHash(moved) });
  }
  return relinked;
}
