/**
 * What this page has seen of one enclave's log, held against what the enclave shows.
 *
 *     nothing pinned ──► pinned: the first log is believed
 *     pinned ──► grown: the pin moves on, entries that are proved are forgotten
 *            └─► anything else: a fault, and nothing is issued until acceptNewLog()
 *
 * One for each enclave on a page, however many KMSUser instances there are; storage is
 * common to all tabs. Of two tabs that see the log grow, the one that is late proves it again,
 * from where the other one left the pin. A tab that holds another log than storage does
 * (another tab went on with a new one) is told so: what it knew has ended.
 */

import { canonicalJson } from "../../protocol/canonical-json";
import type { AuditEntry, MethodName, Methods } from "../../protocol/contract.gen";
import { KMSError } from "../../protocol/errors";
import { EntryRuns } from "./entry-runs";
import { LogMismatch, type LogPin, type PinnedEntry, verifyEntries, verifyGrowth, verifyStanding } from "./log-check";
import { PinStore } from "./pin-store";
import { type AcceptedLog, type End, endOf, type Fault, faultOf, NO_END, rollbackError } from "./rollback";

export type Call = <Name extends MethodName>(method: Name, params: object) => Promise<Methods[Name]["result"]>;

/** As many as one call proves. */
const ENTRIES_AT_ONCE = 64;
/** Runs of entries that make a page ask for their proof. */
const PROVE_AT = 16;
/** How long entries gather between two writes: what a crash can cost. */
const GATHER_MS = 50;
/** Tabs that move one pin at the same moment; whoever loses so often has seen it move so often. */
const ATTEMPTS = 8;

const logs = new Map<string, PinnedLog>();

export function pinnedLogOf(enclave: string): PinnedLog {
  const known = logs.get(enclave) ?? new PinnedLog(enclave);
  logs.set(enclave, known);
  return known;
}

export class PinnedLog {
  readonly #host: string;
  readonly #store: PinStore;
  #pin: LogPin | null = null;
  #runs = new EntryRuns("");
  #fault: Fault | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #isWriting = false;
  #isMovingOn = false;

  constructor(enclave: string) {
    this.#host = new URL(enclave).host;
    this.#store = new PinStore(enclave);
    this.#store.prepare();
    // What still gathers would be lost with the page.
    globalThis.addEventListener?.("pagehide", () => void this.#write());
  }

  /** What the last check found, if it found anything. */
  get fault(): KMSError | null {
    return this.#fault && rollbackError(this.#fault);
  }

  /** Forgets what was found, not what was seen: the next check finds what there is to find. */
  dismiss(): void {
    this.#fault = null;
  }

  /** Rejects with KMSError `audit.rollback` unless the log is the pinned one, grown, with every entry that was seen. */
  check(call: Call): Promise<void> {
    return this.#inTurn(async () => {
      this.#fault = await this.#findFault(call);
      if (this.#fault) throw rollbackError(this.#fault);
    });
  }

  /** The same, with nobody waiting for it: a fault keeps the next call from being made. */
  async moveOn(call: Call): Promise<void> {
    if (this.#isMovingOn || this.#fault) return;
    this.#isMovingOn = true;
    try {
      await this.check(call);
    } catch (thrown) {
      // A channel that closed has told whoever it concerns; the next check does this one's work.
      if (!(thrown instanceof KMSError)) throw thrown;
    } finally {
      this.#isMovingOn = false;
    }
  }

  /** An entry on its way to the page. */
  note(entry: AuditEntry, call: Call): void {
    this.#runs.add(entry);
    if (!this.#isWriting) void this.#writeAll();
    if (this.#runs.count >= PROVE_AT) void this.moveOn(call);
  }

  /**
   * Goes on with the log that is there, as the page has decided; with the pinned one, if that
   * is it. What a check has refused may have grown since, and must not have changed. Rejects
   * with KMSError.
   */
  accept(call: Call): Promise<AcceptedLog> {
    return this.#inTurn(async () => {
      this.#fault ??= await this.#findFault(call);
      const { found: refused = null, pinned = null, endedAt = null } = this.#fault ?? {};
      if (this.#fault) await this.#renew(await this.#verifyStill(call, refused, pinned));
      const { log, size } = this.#pinned();
      return { log, size, previous: pinned && { log: pinned.log, size: pinned.size, endedAt } };
    });
  }

  /**
   * Goes on with the log that follows a reset of this page's own: it must name the pinned one
   * as ended with the very checkpoint that the page was given. Otherwise that is a fault.
   */
  adopt(closing: string, call: Call): Promise<void> {
    return this.#inTurn(async () => {
      this.#fault = await this.#findFault(call);
      const { check, found } = this.#fault ?? {};
      if (check === "log" && found && this.#fault?.closing === closing) await this.#renew(found);
    });
  }

  async #findFault(call: Call): Promise<Fault | null> {
    let against: LogPin | null = this.#pin;
    try {
      for (let attempt = 0; attempt < ATTEMPTS; ) {
        const stored = await this.#store.read();
        const pins = latest(this.#pin, stored.pin);
        const [base = null] = pins;
        against = base;
        const entries = distinct([...stored.entries, ...this.#runs.ends]).filter(({ log }) => log === base?.log);
        const asked = entries.slice(0, ENTRIES_AT_ONCE);
        const shown = await call("proveAudit", { from: base?.size, entries: asked.map(({ seqNum }) => seqNum) });
        const found = await verifyStanding(shown, { expectedHost: this.#host });
        for (const pin of pins) {
          against = pin;
          await verifyGrowth(found, pin, shown.consistency);
        }
        await verifyEntries(found, asked, shown.inclusion);
        const stale = stored.entries.filter(({ log }) => log !== found.log);
        const isMoved = await this.#move(stored.pin, base, found, [...asked, ...stale]);
        if (isMoved && asked.length === entries.length) return null;
        if (!isMoved) attempt += 1;
      }
      return null;
    } catch (thrown) {
      if (!(thrown instanceof LogMismatch)) throw thrown;
      return faultOf(thrown, against, await this.#endOf(against, thrown.found, call));
    }
  }

  /** Resolves to whether storage has it too. */
  #move(
    stored: LogPin | null,
    base: LogPin | null,
    found: LogPin,
    proved: readonly PinnedEntry[],
  ): Promise<boolean> | boolean {
    const isNews = found.size !== base?.size || found.auditKey !== base.auditKey;
    const pin = isNews || !base ? found : base;
    this.#enter(pin);
    this.#runs.settle(proved);
    const isStored = stored?.checkpoint === pin.checkpoint && proved.length === 0;
    return isStored || this.#store.advance(stored, pin, proved);
  }

  async #verifyStill(call: Call, refused: LogPin | null, pinned: LogPin | null): Promise<LogPin> {
    try {
      const shown = await call("proveAudit", { from: refused?.size });
      const found = await verifyStanding(shown, { expectedHost: this.#host });
      if (refused) await verifyGrowth(found, refused, shown.consistency);
      return found;
    } catch (thrown) {
      if (!(thrown instanceof LogMismatch)) throw thrown;
      this.#fault = faultOf(thrown, pinned, NO_END);
      throw rollbackError(this.#fault);
    }
  }

  async #endOf(pin: LogPin | null, found: LogPin | null, call: Call): Promise<End> {
    if (!pin || !found || pin.log === found.log) return NO_END;
    try {
      return await endOf(pin, await this.#readGenesis(found, call));
    } catch (thrown) {
      // Only what is told about a fault is missing then.
      if (thrown instanceof LogMismatch || thrown instanceof KMSError) return NO_END;
      throw thrown;
    }
  }

  /** The first entry of a log, shown to be in it; null where it was pruned. */
  async #readGenesis(found: LogPin, call: Call): Promise<AuditEntry | null> {
    const page = await call("getAuditLog", { from: 0, limit: 1 });
    const [entry] = page.entries;
    if (entry?.seqNum !== 0) return null;
    const shown = await call("proveAudit", { from: found.size, entries: [0] });
    const grown = await verifyStanding(shown, { expectedHost: this.#host });
    await verifyGrowth(grown, found, shown.consistency);
    await verifyEntries(grown, [{ seqNum: 0, text: canonicalJson(entry) }], shown.inclusion);
    return entry;
  }

  async #renew(pin: LogPin): Promise<void> {
    this.#enter(pin);
    this.#fault = null;
    await this.#store.renew(pin);
  }

  #enter(pin: LogPin): void {
    if (pin.log !== this.#pin?.log) this.#runs = new EntryRuns(pin.log);
    this.#pin = pin;
  }

  #pinned(): LogPin {
    if (!this.#pin) throw new KMSError("internal");
    return this.#pin;
  }

  /** The first at once. A burst becomes few writes, so that they cost a page that issues without a pause next to nothing. */
  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (await this.#write()) await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    this.#isWriting = false;
  }

  async #write(): Promise<boolean> {
    const changes = this.#runs.takeChanges();
    if (changes) await this.#store.keep(changes.puts, changes.deletes);
    return changes !== null;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

/** Of one log the later pin; of two logs both, and one of them has to be wrong. */
function latest(known: LogPin | null, stored: LogPin | null): readonly LogPin[] {
  if (!known || !stored) return [known ?? stored].filter((pin) => pin !== null);
  if (known.log !== stored.log) return [known, stored];
  return [known.size > stored.size ? known : stored];
}

function distinct(entries: readonly PinnedEntry[]): readonly PinnedEntry[] {
  return [...new Map(entries.map((entry) => [entry.chainHash, entry])).values()];
}
