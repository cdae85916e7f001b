/**
 * An enclave whose log is watched: nothing is asked of it that uses a key, before its log was
 * found to be the one that this page has seen, grown, or was accepted as a new one.
 */

import type { EventMessage } from "../protocol/calls";
import type {
  IssuedToken,
  IssueManyParams,
  IssueParams,
  MethodName,
  Methods,
  ResetResult,
  SetupResult,
} from "../protocol/contract.gen";
import { KMSError } from "../protocol/errors";
import type { Build } from "../protocol/handshake";
import { type KMSUserOptions, parseSettings, type Settings } from "./channel/options";
import { Session } from "./channel/session";
import { type Call, type PinnedLog, pinnedLogOf } from "./log/pinned-log";
import type { AcceptedLog } from "./log/rollback";

/** They show what happened, or end it: of any log, whatever is thought of it. */
const EVIDENCE: ReadonlySet<MethodName> = new Set<MethodName>([
  "getStatus",
  "getAuditLog",
  "exportAudit",
  "verifyAuditChain",
  "getAuditPublicKey",
  "getAuditCheckpoint",
  "getInclusionProof",
  "getConsistencyProof",
  "proveAudit",
  "resetKMS",
]);

type SetupName = "setup" | "setupPassphrase" | "setupPasskeyPRF" | "setupPasskeyGate";

export class WatchedEnclave {
  readonly #settings: Settings;
  readonly #onEvent: (event: EventMessage) => void;
  /** What `begin()` has made, and another one after its end. */
  #session: Session | null = null;
  /** Whose log was found to be the right one. */
  #trusted: Session | null = null;

  /** Touches nothing. Throws KMSError `request.invalid`. */
  constructor(options: KMSUserOptions, onEvent: (event: EventMessage) => void) {
    this.#settings = parseSettings(options);
    this.#onEvent = onEvent;
  }

  get build(): Build | null {
    return this.#session?.build ?? null;
  }

  /**
   * Rejects with KMSError: first with a loss of storage that the page has not heard of, before it begins anew.
   * `audit.rollback` leaves the enclave to be read, as `attestation.failed` does.
   */
  async begin(): Promise<void> {
    const log = this.#log(); // Its storage is opened while the enclave starts.
    const session = await this.#open();
    try {
      await log.check(callOf(session));
    } catch (thrown) {
      const isReadable =
        thrown instanceof KMSError && (thrown.code === "audit.rollback" || thrown.code === "attestation.failed");
      if (!isReadable) await session.end();
      throw thrown;
    }
    this.#trusted = session;
  }

  async end(): Promise<void> {
    await this.#session?.end();
  }

  /** Rejects with KMSError. */
  async call<Name extends MethodName>(method: Name, params: object): Promise<Methods[Name]["result"]> {
    // One that is not ready says so itself.
    if (this.build && !EVIDENCE.has(method)) this.#requireTrust();
    return this.#started().call(method, params);
  }

  async issue(params: IssueParams): Promise<IssuedToken> {
    const token = await this.call("issueVAPIDJWT", params);
    this.#note([token]);
    return token;
  }

  async issueMany(params: IssueManyParams): Promise<readonly IssuedToken[]> {
    const { tokens } = await this.call("issueVAPIDJWTs", params);
    this.#note(tokens);
    return tokens;
  }

  /** The log has the user's audit key from now on: it is pinned at once. */
  async setUp(method: SetupName, params: object): Promise<SetupResult> {
    const result = await this.call(method, params);
    void this.#log().moveOn(askOf(this.#started()));
    return result;
  }

  /** Everything that was seen is proved once more, before it is gone. The log after it is accepted by this, if it shows to be that. */
  async reset(params: object): Promise<ResetResult> {
    const log = this.#log();
    const isTrusted = this.build !== null && this.#isTrusted() && log.fault === null;
    if (isTrusted) await log.check(callOf(this.#started()));
    const result = await this.call("resetKMS", params);
    this.#trusted = null;
    if (isTrusted && result.checkpoint) await this.#adopt(log, result.checkpoint.checkpoint);
    // What was found was found of a log that is gone: the one after it is looked at anew.
    else log.dismiss();
    return result;
  }

  async accept(): Promise<AcceptedLog> {
    if (!this.build) throw new KMSError("channel.not.initialized");
    const session = this.#started();
    const accepted = await this.#log().accept(callOf(session));
    this.#trusted = session;
    return accepted;
  }

  /** The reset is done, whatever becomes of this: its result is the page's. The next `init()` says what is wrong. */
  async #adopt(log: PinnedLog, closing: string): Promise<void> {
    const session = this.#started();
    try {
      await log.adopt(closing, askOf(session));
      this.#trusted = session;
    } catch (thrown) {
      if (!(thrown instanceof KMSError)) throw thrown;
    }
  }

  #hear(event: EventMessage): void {
    if (event.event === "audit.checkpoint" && this.#isTrusted()) void this.#log().moveOn(askOf(this.#started()));
    this.#onEvent(event);
  }

  #note(tokens: readonly IssuedToken[]): void {
    const ask = askOf(this.#started());
    for (const { auditEntry } of tokens) this.#log().note(auditEntry, ask);
  }

  #requireTrust(): void {
    const { fault } = this.#log();
    if (fault) throw fault;
    if (!this.#isTrusted()) throw new KMSError("channel.not.initialized");
  }

  #isTrusted(): boolean {
    return this.#trusted !== null && this.#trusted === this.#session;
  }

  async #open(): Promise<Session> {
    const loss = this.#session?.takeLoss();
    if (loss) throw loss;
    if (!this.#session || this.#session.isOver) {
      this.#session = new Session(this.#settings, (event) => this.#hear(event));
    }
    const session = this.#session;
    await session.opened();
    return session;
  }

  #started(): Session {
    if (!this.#session) throw new KMSError("channel.not.initialized");
    return this.#session;
  }

  #log(): PinnedLog {
    return pinnedLogOf(this.#settings.address.origin);
  }
}

function callOf(session: Session): Call {
  return (method, params) => session.call(method, params);
}

/** With nobody waiting for it. */
function askOf(session: Session): Call {
  return (method, params) => session.ask(method, params);
}
