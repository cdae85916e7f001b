/**
 * What a page imports: `KMSUser`, the enclave's methods as promises.
 *
 * Every rejection is a KMSError with a stable `code`. No promise hangs: each has a
 * deadline, which stands still while the enclave asks the user. Where `credentials` can
 * be given and are not, the enclave asks the user itself, and the page never sees them.
 */

import type { EventName } from "../protocol/calls";
import type {
  CreateLeaseParams,
  CreateLeaseResult,
  GetAuditLogParams,
  GetAuditLogResult,
  GetPublicKeyResult,
  IsSetupResult,
  IssuedToken,
  IssueParams,
  MethodName,
  Methods,
  PassphraseCredentials,
  ResetResult,
  SetupResult,
  StatusResult,
  VerifyAuditChainResult,
} from "../protocol/contract.gen";
import { KMSError } from "../protocol/errors";
import { type Aliased, aliasesOf } from "./aliases";
import { Attachment } from "./attachment";
import { readWholeLog } from "./audit-pages";
import { type ConnectionState, closedError } from "./connection";
import { callSafely, type EventHandler, Events } from "./events";
import { LockedError } from "./locked";
import { type KMSUserOptions, parseAddress, parseTimeouts } from "./options";
import { acquireConnection } from "./sharing";
import type { Timeouts } from "./timeouts";

export type { EventName } from "../protocol/calls";
export type * from "../protocol/contract.gen";
export { ERROR_CODES } from "../protocol/contract.gen";
export { KMSError } from "../protocol/errors";
export type { EventHandler } from "./events";
export { LockedError, type LockedHandle } from "./locked";
export type { KMSUserOptions } from "./options";
export type { Timeouts } from "./timeouts";

export class KMSUser {
  /** `kms.leases.create` is `createLease`. */
  readonly leases: Aliased<KMSUser, "leases"> = aliasesOf(this, "leases");
  /** `kms.vapid.issue` is `issueVAPIDJWT`, `kms.vapid.publicKey` is `getPublicKey`. */
  readonly vapid: Aliased<KMSUser, "vapid"> = aliasesOf(this, "vapid");

  readonly #options: KMSUserOptions;
  readonly #address: URL;
  readonly #timeouts: Timeouts;
  readonly #events = new Events();
  #attachment: Attachment | null = null;

  /** Checks the options and touches nothing. Throws KMSError `request.invalid`. */
  constructor(options: KMSUserOptions) {
    this.#options = { ...options };
    this.#address = parseAddress(options);
    this.#timeouts = parseTimeouts(options.timeouts);
  }

  /** What this enclave and browser can do; empty until `init()` has resolved. */
  get capabilities(): readonly string[] {
    return this.#attachment?.build?.capabilities ?? [];
  }

  /** The enclave's version; null until `init()` has resolved. */
  get version(): string | null {
    return this.#attachment?.build?.version ?? null;
  }

  /** SHA-256 of the running build's list of files, as the enclave claims it; null until `init()` has resolved. */
  get manifestHash(): string | null {
    return this.#attachment?.build?.manifestHash ?? null;
  }

  /**
   * Starts the enclave, or joins the one that another instance on this page has started.
   * Calling it again while it runs is the same; after a failure or `terminate()` it tries
   * anew. Rejects with `attestation.failed` as a `LockedError`, whose `handle` still
   * reads the evidence.
   */
  async init(): Promise<void> {
    if (!this.#attachment || this.#attachment.isOver) this.#attachment = this.#attach();
    const attachment = this.#attachment;
    try {
      const { manifestHash } = await attachment.opened();
      this.#verifyManifestHash(manifestHash);
    } catch (thrown) {
      if (thrown instanceof KMSError && thrown.code === "attestation.failed") throw this.#lockedError(thrown);
      await attachment.end();
      throw thrown;
    }
  }

  /** Rejects what this instance waits for. The iframe goes with the last instance that uses it. */
  async terminate(): Promise<void> {
    await this.#attachment?.end();
  }

  on(event: EventName, handler: EventHandler): this {
    this.#events.on(event, handler);
    return this;
  }

  off(event: EventName, handler: EventHandler): this {
    this.#events.off(event, handler);
    return this;
  }

  /** Without a passphrase the enclave asks the user to choose one. */
  setupPassphrase(passphrase?: string): Promise<SetupResult> {
    return this.#call("setupPassphrase", { passphrase });
  }

  isSetup(): Promise<IsSetupResult> {
    return this.#call("isSetup", {});
  }

  getStatus(): Promise<StatusResult> {
    return this.#call("getStatus", {});
  }

  /** `kid`: the key's thumbprint; without it, the current key. */
  getPublicKey(kid?: string): Promise<GetPublicKeyResult> {
    return this.#call("getPublicKey", { kid });
  }

  /** `exp` of the result is in milliseconds. */
  createLease(params: CreateLeaseParams): Promise<CreateLeaseResult> {
    return this.#call("createLease", params);
  }

  /** Needs no credentials: the lease is the authorisation. `exp` and `nbf` of the result are in seconds. */
  issueVAPIDJWT(params: IssueParams): Promise<IssuedToken> {
    return this.#call("issueVAPIDJWT", params);
  }

  /** Without parameters the whole log, read in pages; with them one page. */
  getAuditLog(params?: GetAuditLogParams): Promise<GetAuditLogResult> {
    if (params !== undefined) return this.#call("getAuditLog", params);
    return readWholeLog((page) => this.#call("getAuditLog", page));
  }

  verifyAuditChain(): Promise<VerifyAuditChainResult> {
    return this.#call("verifyAuditChain", {});
  }

  /** Deletes everything. Without credentials the user confirms in the enclave's own dialog. */
  resetKMS(credentials?: PassphraseCredentials): Promise<ResetResult> {
    return this.#call("resetKMS", { credentials });
  }

  async #call<Name extends MethodName>(method: Name, params: object): Promise<Methods[Name]["result"]> {
    if (!this.#attachment) throw new KMSError("channel.not.initialized");
    return this.#attachment.call(method, params);
  }

  #attach(): Attachment {
    if (typeof document === "undefined") throw new KMSError("unsupported", "The enclave needs a page to live in");
    const container = this.#options.container ?? document.body;
    if (!container?.isConnected) throw closedError("The container is not in the document");
    const attachment = new Attachment(acquireConnection(this.#address, container, this.#timeouts), {
      onState: (state) => this.#onState(state),
      onEvent: (event) => this.#events.emit(event),
    });
    return attachment;
  }

  #onState(state: ConnectionState): void {
    const { onProgress } = this.#options;
    if (state.name !== "start" || !onProgress) return;
    const { stage, ratio } = state.progress;
    callSafely(() => onProgress({ stage, ratio }));
  }

  #verifyManifestHash(manifestHash: string): void {
    const { expectedManifestHash } = this.#options;
    if (expectedManifestHash === undefined || expectedManifestHash === manifestHash) return;
    throw new KMSError("integrity.failed", "The enclave runs another build than expected", {
      details: { manifestHash, expectedManifestHash },
    });
  }

  #lockedError(error: KMSError): LockedError {
    return new LockedError(error, {
      getStatus: () => this.getStatus(),
      getAuditLog: (params) => this.getAuditLog(params),
      resetKMS: () => this.resetKMS(),
    });
  }
}
