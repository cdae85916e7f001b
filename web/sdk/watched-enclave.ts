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
import type { Attachment } from "./channel/attachment";
import { Lifetime } from "./channel/lifetime";
import type { KMSUserOptions } from "./channel/options";
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
  readonly #lifetime: Lifetime;
  readonly #onEvent: (event: EventMessage) => void;
  /** Whose log was found to be the right one. */
  #trusted: Attachment | null = null;

  /** Touches nothing. Throws KMSError `request.invalid`. */
  constructor(options: KMSUserOptions, onEvent: (event: EventMessage) => void) {
    this.#lifetime = new Lifetime(options, (event) => this.#hear(event));
    this.#onEvent = onEvent;
  }

  get build(): Build | null {
    return this.#lifetime.build;
  }

  /** Rejects with KMSError: `audit.rollback` leaves the enclave to be read, as `attestation.failed` does. */
  async begin(): Promise<void> {
    const log = this.#log(); // Its storage is opened while the enclave starts.
    await this.#lifetime.begin();
    const attachment = this.#attachment();
    try {
      await log.check(callOf(attachment));
    } catch (thrown) {
      const isReadable =
        thrown instanceof KMSError && (thrown.code === "audit.rollback" || thrown.code === "attestation.failed");
      if (!isReadable) await attachment.end();
      throw thrown;
    }
    this.#trusted = attachment;
  }

  async end(): Promise<void> {
    await this.#lifetime.end();
  }

  /** Rejects with KMSError. */
  async call<Name extends MethodName>(method: Name, params: object): Promise<Methods[Name]["result"]> {
    // One that is not ready says so itself.
    if (this.build && !EVIDENCE.has(method)) this.#requireTrust();
    return this.#lifetime.call(method, params);
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
    void this.#log().moveOn(askOf(this.#attachment()));
    return result;
  }

  /** Everything that was seen is proved once more, before it is gone. The log after it is accepted by this, if it shows to be that. */
  async reset(params: object): Promise<ResetResult> {
    const log = this.#log();
    const isTrusted = this.build !== null && this.#isTrusted() && log.fault === null;
    if (isTrusted) await log.check(callOf(this.#attachment()));
    const result = await this.call("resetKMS", params);
    this.#trusted = null;
    if (isTrusted && result.checkpoint) await this.#adopt(log, result.checkpoint.checkpoint);
    // What was found was found of a log that is gone: the one after it is looked at anew.
    else log.dismiss();
    return result;
  }

  async accept(): Promise<AcceptedLog> {
    if (!this.build) throw new KMSError("channel.not.initialized");
    const attachment = this.#attachment();
    const accepted = await this.#log().accept(callOf(attachment));
    this.#trusted = attachment;
    return accepted;
  }

  /** The reset is done, whatever becomes of this: its result is the page's. The next `init()` says what is wrong. */
  async #adopt(log: PinnedLog, closing: string): Promise<void> {
    const attachment = this.#attachment();
    try {
      await log.adopt(closing, askOf(attachment));
      this.#trusted = attachment;
    } catch (thrown) {
      if (!(thrown instanceof KMSError)) throw thrown;
    }
  }

  #hear(event: EventMessage): void {
    if (event.event === "audit.checkpoint" && this.#isTrusted()) void this.#log().moveOn(askOf(this.#attachment()));
    this.#onEvent(event);
  }

  #note(tokens: readonly IssuedToken[]): void {
    const ask = askOf(this.#attachment());
    for (const { auditEntry } of tokens) this.#log().note(auditEntry, ask);
  }

  #requireTrust(): void {
    const { fault } = this.#log();
    if (fault) throw fault;
    if (!this.#isTrusted()) throw new KMSError("channel.not.initialized");
  }

  #isTrusted(): boolean {
    return this.#trusted !== null && this.#trusted === this.#lifetime.attachment;
  }

  #attachment(): Attachment {
    const { attachment } = this.#lifetime;
    if (!attachment) throw new KMSError("channel.not.initialized");
    return attachment;
  }

  #log(): PinnedLog {
    return pinnedLogOf(this.#lifetime.enclave);
  }
}

function callOf(attachment: Attachment): Call {
  return (method, params) => attachment.call(method, params);
}

/** With nobody waiting for it. */
function askOf(attachment: Attachment): Call {
  return (method, params) => attachment.ask(method, params);
}
