/** The log: read in pages, verified by the enclave, and once more here without it. */

import type { AuditEntry, GetAuditLogResult } from "/sdk/kms-user.js";
import { auditKeysOf, ENTRY_INSPECTIONS } from "../../common/inspect/entry";
import { require } from "../../common/inspect/inspection";
import type { Check } from "../check";

const FIRST_PREVIOUS_HASH = "0".repeat(64);

export const LOG_CHECKS: readonly Check[] = [
  {
    id: "log",
    title: "The log holds one entry for everything that happened",
    async run(world) {
      const { auditEntry } = world.need("token");
      const { entries } = await world.kms.getAuditLog();
      world.keep("log", entries);
      const stored = entries[auditEntry.seqNum];
      const isSame = stored?.chainHash === auditEntry.chainHash && stored.sig === auditEntry.sig;
      require(isSame, "the token’s entry is not in the log");
      require(entries.filter(({ op }) => op === "setup").length === 1, "it does not hold one setup");
      return `${entries.length} entries`;
    },
  },
  {
    id: "log.paging",
    title: "Read in pages it is the same log",
    async run(world) {
      const whole = world.need("log");
      const pages: AuditEntry[] = [];
      let from: number | null = 0;
      while (from !== null) {
        const page: GetAuditLogResult = await world.kms.getAuditLog({ from, limit: 4 });
        require(page.entries.length > 0 && page.entries.length <= 4, `a page of ${page.entries.length} entries`);
        pages.push(...page.entries);
        from = page.next;
      }
      require(JSON.stringify(pages) === JSON.stringify(whole), "the pages are not the whole");
      return `${Math.ceil(whole.length / 4)} pages of at most 4`;
    },
  },
  {
    id: "log.verified-by-enclave",
    title: "The enclave verifies the whole chain",
    async run(world) {
      const entries = world.need("log");
      const verdict = await world.kms.verifyAuditChain();
      const [fault] = verdict.errors;
      require(verdict.valid, `entry ${fault?.seqNum}: ${fault?.reason}`);
      require(verdict.entries === entries.length, `it verified ${verdict.entries} of ${entries.length} entries`);
      require(verdict.head?.chainHash === entries.at(-1)?.chainHash, "its head is another one");
      return `${verdict.entries} entries`;
    },
  },
  {
    id: "log.verified-by-page",
    title: "Hashes, links, signatures and certificates, recomputed in this page",
    async run(world) {
      const entries = world.need("log");
      const keys = auditKeysOf(entries);
      let previousHash = FIRST_PREVIOUS_HASH;
      for (const [index, entry] of entries.entries()) {
        require(entry.seqNum === index && entry.previousHash === previousHash, `entry ${index} does not follow`);
        for (const { inspect } of ENTRY_INSPECTIONS) await inspect({ entry, keys });
        previousHash = entry.chainHash;
      }
      return `${entries.length} entries, by this browser’s own Ed25519 and SHA-256`;
    },
  },
  {
    id: "log.no-secrets",
    title: "The log holds no passphrase, no token and no endpoint’s address",
    async run(world) {
      const text = JSON.stringify(world.need("log"));
      const secrets = [world.passphrase, world.need("token").jwt, "/send/conformance"];
      require(!secrets.some((secret) => text.includes(secret)), "one of them is in it");
      return "none of them";
    },
  },
];
