/**
 * The entries that a page was handed since the log was last proved, as few as say the same.
 *
 * An entry holds the hash of the one before it. Of a run of entries that follow each other
 * the last is enough: it can be in a log only behind all the others. So a page that issues
 * alone keeps one entry, however many tokens it has.
 */

import { canonicalJson } from "../../protocol/canonical-json";
import type { AuditEntry } from "../../protocol/contract.gen";
import type { PinnedEntry } from "./log-check";

/** Where proofs do not come for so long, the oldest are given up: memory and storage stay bounded. */
const MAX_RUNS = 64;

export interface Changes {
  readonly puts: readonly PinnedEntry[];
  readonly deletes: readonly PinnedEntry[];
}

export class EntryRuns {
  readonly #log: string;
  /** The last entry of each run, by its hash. */
  readonly #ends = new Map<string, PinnedEntry>();
  readonly #unwritten = new Map<string, PinnedEntry>();
  readonly #superseded = new Map<string, PinnedEntry>();

  constructor(log: string) {
    this.#log = log;
  }

  get count(): number {
    return this.#ends.size;
  }

  get ends(): readonly PinnedEntry[] {
    return [...this.#ends.values()];
  }

  add(entry: AuditEntry): void {
    const { seqNum, chainHash, previousHash } = entry;
    // As text at once: the page may change the object that it is handed.
    const end = { log: this.#log, seqNum, chainHash, text: canonicalJson(entry) };
    if (this.#ends.get(previousHash)?.seqNum === seqNum - 1) this.#drop(previousHash);
    this.#ends.set(chainHash, end);
    this.#unwritten.set(chainHash, end);
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > MAX_RUNS && oldest !== undefined) this.#drop(oldest);
  }

  /** Once they were proved there is nothing more to remember them for. */
  settle(proved: readonly PinnedEntry[]): void {
    for (const { chainHash } of proved) {
      this.#ends.delete(chainHash);
      this.#unwritten.delete(chainHash);
    }
  }

  /** What storage does not have yet, once; null where there is nothing. */
  takeChanges(): Changes | null {
    if (this.#unwritten.size + this.#superseded.size === 0) return null;
    const changes = { puts: [...this.#unwritten.values()], deletes: [...this.#superseded.values()] };
    this.#unwritten.clear();
    this.#superseded.clear();
    return changes;
  }

  #drop(chainHash: string): void {
    const end = this.#ends.get(chainHash);
    this.#ends.delete(chainHash);
    // What never reached storage need not be taken from it.
    if (!this.#unwritten.delete(chainHash) && end) this.#superseded.set(chainHash, end);
  }
}
