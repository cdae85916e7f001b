/**
 * What a page imports: `KMSUser`, the enclave's methods as promises.
 *
 * Every rejection is a KMSError with a stable `code`. No promise hangs: each has a
 * deadline, which stands still while the enclave asks the user. Where `credentials` can
 * be given and are not, the enclave asks the user itself, and the page never sees them.
 */

import type { EventName } from "../protocol/calls";
import type {
  AddEnrollmentParams,
  AddEnrollmentResult,
  BatchResult,
  BatchStep,
  CreateLeaseResult,
  GenerateVAPIDResult,
  GetAuditCheckpointResult,
  GetAuditLogParams,
  GetAuditLogResult,
  GetAuditPublicKeyResult,
  GetConsistencyProofParams,
  GetConsistencyProofResult,
  GetEnrollmentsResult,
  GetInclusionProofParams,
  GetInclusionProofResult,
  GetLeasesResult,
  GetPublicKeyResult,
  GetPushSubscriptionResult,
  GetQuotaParams,
  GetQuotaResult,
  GetVAPIDKidResult,
  IsSetupResult,
  IssuedToken,
  IssueManyParams,
  IssueParams,
  IsTokenRevokedResult,
  LeaseEnd,
  ProveAuditParams,
  ProveAuditResult,
  PruneAuditResult,
  RecordSendsParams,
  RecordSendsResult,
  ResetResult,
  RevokeAllLeasesResult,
  RevokedTokensResult,
  RevokeLeaseResult,
  SetupPasskeyParams,
  SetupResult,
  SignJWTResult,
  StatusResult,
  Success,
  VerifyAuditChainParams,
  VerifyAuditChainResult,
  VerifyLeaseResult,
} from "../protocol/contract.gen";
import { type Aliased, aliasesOf, type VapidAliases, vapidAliasesOf } from "./aliases";
import type { KMSUserOptions } from "./channel/options";
import {
  type Credentials,
  type LeaseById,
  type LeaseExtension,
  type LeaseOfUser,
  type LeaseRequest,
  leaseParams,
  type NewCredentials,
  type PruneRequest,
  type SubscriptionToRemove,
  type SubscriptionToSet,
  type UserPattern,
  type VAPIDPayload,
} from "./credentials";
import { type EventHandler, Events } from "./events";
import { withHandle } from "./handles";
import { type AuditExport, exportWholeLog } from "./log/audit-export";
import { readWholeLog } from "./log/audit-pages";
import type { AcceptedLog } from "./log/rollback";
import { WatchedEnclave } from "./watched-enclave";

export * from "./exports";

export class KMSUser {
  /** `kms.leases.create` is `createLease`, `kms.leases.revoke` is `revokeLease`, and so on. */
  readonly leases: Aliased<KMSUser, "leases"> = aliasesOf(this, "leases");
  /**
   * `kms.vapid.issue` is `issueVAPIDJWT`, `kms.vapid.generate` is `generateVAPID`, and so on; but `issueBatch` resolves
   * to `{ tokens, vapidPublicKey }`, and `exportPublicKey` to the key's text.
   */
  readonly vapid: VapidAliases<KMSUser> = vapidAliasesOf<KMSUser>(this);

  readonly #events = new Events();
  readonly #enclave: WatchedEnclave;

  /** Checks the options and touches nothing. Throws KMSError `request.invalid`. */
  constructor(options: KMSUserOptions) {
    this.#enclave = new WatchedEnclave(options, (event) => this.#events.emit(event));
  }

  /** What this enclave and browser can do; empty until `init()` has resolved. */
  get capabilities(): readonly string[] {
    return this.#enclave.build?.capabilities ?? [];
  }

  /** The enclave's version; null until `init()` has resolved. */
  get version(): string | null {
    return this.#enclave.build?.version ?? null;
  }

  /** SHA-256 of the running build's list of files, as the enclave claims it; null until `init()` has resolved. */
  get manifestHash(): string | null {
    return this.#enclave.build?.manifestHash ?? null;
  }

  /**
   * Starts the enclave, or joins the one that another instance on this page has started.
   * Calling it again while it runs is the same; after a failure or `terminate()` it tries
   * anew. Rejects with `attestation.failed` as a `LockedError`, whose `handle` still
   * reads the evidence. Where the browser has removed what a running enclave had stored,
   * every call rejects with `storage.evicted`, and so does `init()` once, if no call has
   * told it yet; the next `init()` finds an empty enclave with another log.
   *
   * Rejects with `audit.rollback`, as a `RollbackError` whose `handle` reads the evidence,
   * where the log is not the one that this page's origin has seen before, grown:
   * `details.check` says what does not fit. No key is used then before `acceptNewLog()`.
   */
  async init(): Promise<void> {
    try {
      await this.#enclave.begin();
    } catch (thrown) {
      throw withHandle(thrown, this);
    }
  }

  /**
   * Goes on with the log that is there, whatever was seen before: after `audit.rollback`, when
   * the user or the developer has decided so. Where nothing is wrong it changes nothing.
   */
  acceptNewLog(): Promise<AcceptedLog> {
    return this.#enclave.accept();
  }

  /** Rejects what this instance waits for. The iframe goes with the last instance that uses it. */
  async terminate(): Promise<void> {
    await this.#enclave.end();
  }

  on(event: EventName, handler: EventHandler): this {
    this.#events.on(event, handler);
    return this;
  }

  off(event: EventName, handler: EventHandler): this {
    this.#events.off(event, handler);
    return this;
  }

  /** The enclave's own wizard: the user picks a passphrase or a passkey. */
  setup(): Promise<SetupResult> {
    return this.#enclave.setUp("setup", {});
  }

  /** Without a passphrase the enclave asks the user to choose one. */
  setupPassphrase(passphrase?: string): Promise<SetupResult> {
    return this.#enclave.setUp("setupPassphrase", { passphrase });
  }

  /** The user creates a passkey in the enclave's dialog; `name` is what the authenticator shows. */
  setupPasskeyPRF(config: SetupPasskeyParams): Promise<SetupResult> {
    return this.#enclave.setUp("setupPasskeyPRF", config);
  }

  /** A passkey that only stands before the keys, without protecting what is stored. */
  setupPasskeyGate(config: SetupPasskeyParams): Promise<SetupResult> {
    return this.#enclave.setUp("setupPasskeyGate", config);
  }

  /** Another way to unlock the same keys. Without `newCredentials` the user gives them to the enclave. */
  addEnrollment(
    method: AddEnrollmentParams["method"],
    credentials?: Credentials | null,
    newCredentials?: NewCredentials | null,
  ): Promise<AddEnrollmentResult> {
    return this.#enclave.call("addEnrollment", { method, credentials, newCredentials });
  }

  /** `enrollmentId`: of `getEnrollments()`. The last one that must remain is refused. */
  removeEnrollment(enrollmentId: string, credentials?: Credentials): Promise<Success> {
    return this.#enclave.call("removeEnrollment", { enrollmentId, credentials });
  }

  changePassphrase(credentials?: Credentials | null, newPassphrase?: string): Promise<Success> {
    return this.#enclave.call("changePassphrase", { credentials, newPassphrase });
  }

  isSetup(): Promise<IsSetupResult> {
    return this.#enclave.call("isSetup", {});
  }

  getEnrollments(): Promise<GetEnrollmentsResult> {
    return this.#enclave.call("getEnrollments", {});
  }

  getStatus(): Promise<StatusResult> {
    return this.#enclave.call("getStatus", {});
  }

  /** One more VAPID key; the newest is the current one. */
  generateVAPID(credentials?: Credentials): Promise<GenerateVAPIDResult> {
    return this.#enclave.call("generateVAPID", { credentials });
  }

  /** Replaces the current VAPID key and ends its leases. */
  regenerateVAPID(credentials?: Credentials): Promise<GenerateVAPIDResult> {
    return this.#enclave.call("regenerateVAPID", { credentials });
  }

  /** `payload.exp` in seconds, at most 24 hours ahead. */
  signJWT(kid: string, payload: VAPIDPayload, credentials?: Credentials): Promise<SignJWTResult> {
    return this.#enclave.call("signJWT", { kid, payload, credentials });
  }

  /** Several steps under one authentication, all or nothing; `{ $ref: "0.kid" }` takes an earlier result. */
  batch(requests: readonly BatchStep[], credentials?: Credentials): Promise<BatchResult> {
    return this.#enclave.call("batch", { requests, credentials });
  }

  /** `kid`: the key's thumbprint; without it, the current key. */
  getPublicKey(kid?: string): Promise<GetPublicKeyResult> {
    return this.#enclave.call("getPublicKey", { kid });
  }

  getVAPIDKid(): Promise<GetVAPIDKidResult> {
    return this.#enclave.call("getVAPIDKid", {});
  }

  exportPublicKey(kid?: string): Promise<GetPublicKeyResult> {
    return this.#enclave.call("exportPublicKey", { kid });
  }

  /** `subscription` may be the browser's own `PushSubscription`. */
  setPushSubscription(params: SubscriptionToSet): Promise<Success> {
    return this.#enclave.call("setPushSubscription", params);
  }

  removePushSubscription(params: SubscriptionToRemove = {}): Promise<Success> {
    return this.#enclave.call("removePushSubscription", params);
  }

  getPushSubscription(): Promise<GetPushSubscriptionResult> {
    return this.#enclave.call("getPushSubscription", {});
  }

  /** `exp` of the result is in milliseconds. */
  createLease(params: LeaseRequest): Promise<CreateLeaseResult> {
    return this.#enclave.call("createLease", params);
  }

  /** Needs no credentials: the lease is the authorisation. `exp` and `nbf` of the result are in seconds. */
  issueVAPIDJWT(params: IssueParams): Promise<IssuedToken> {
    return this.#enclave.issue(params);
  }

  /** Up to ten tokens, all or none; each takes over when its predecessor has lived 60 % of its life. */
  issueVAPIDJWTs(params: IssueManyParams): Promise<readonly IssuedToken[]> {
    return this.#enclave.issueMany(params);
  }

  /** Counts sends with tokens of a batch; call it *before* pushing. Grants all of them or throws. */
  recordSends(params: RecordSendsParams): Promise<RecordSendsResult> {
    return this.#enclave.call("recordSends", params);
  }

  /** What a lease has used of each quota, and when there is room again. Also while it is suspended. */
  getQuota(params: GetQuotaParams): Promise<GetQuotaResult> {
    return this.#enclave.call("getQuota", params);
  }

  /** `exp` of the result is in milliseconds, at most the cap counted from the lease's creation. */
  extendLease(params: LeaseExtension): Promise<LeaseEnd> {
    return this.#enclave.call("extendLease", params);
  }

  /** As long as the cap allows; lifts a suspension for too many refused calls. */
  refreshLease(lease: string | LeaseOfUser): Promise<LeaseEnd> {
    return this.#enclave.call("refreshLease", leaseParams(lease));
  }

  /** After `lease.needs.resume`: the browser lost the lease's signing handle. */
  resumeLease(lease: string | LeaseOfUser): Promise<LeaseEnd> {
    return this.#enclave.call("resumeLease", leaseParams(lease));
  }

  /** At once; a page may always give its own power up. */
  revokeLease(lease: LeaseById): Promise<RevokeLeaseResult> {
    return this.#enclave.call("revokeLease", leaseParams(lease));
  }

  revokeAllLeases(): Promise<RevokeAllLeasesResult> {
    return this.#enclave.call("revokeAllLeases", {});
  }

  /** Refuses issuing for users like `userIdPattern` (`*`, `?`) until it is lifted. */
  suspendPattern(params: UserPattern): Promise<Success> {
    return this.#enclave.call("suspendPattern", params);
  }

  unsuspendPattern(params: UserPattern): Promise<Success> {
    return this.#enclave.call("unsuspendPattern", params);
  }

  getLeases(): Promise<GetLeasesResult> {
    return this.#enclave.call("getLeases", {});
  }

  /** Whether issuing would be granted now, and if not, the code it would be refused with. */
  verifyLease(lease: LeaseById): Promise<VerifyLeaseResult> {
    return this.#enclave.call("verifyLease", leaseParams(lease));
  }

  /** Whether a token is on the emergency list. */
  isTokenRevoked(jti: string): Promise<IsTokenRevokedResult> {
    return this.#enclave.call("isTokenRevoked", { jti });
  }

  revokedTokens(): Promise<RevokedTokensResult> {
    return this.#enclave.call("revokedTokens", {});
  }

  /** Without parameters the whole log, read in pages; with them one page. */
  getAuditLog(params?: GetAuditLogParams): Promise<GetAuditLogResult> {
    if (params !== undefined) return this.#enclave.call("getAuditLog", params);
    return readWholeLog((page) => this.#enclave.call("getAuditLog", page));
  }

  /** From the first entry on, or, `incremental`, from the last verification that found no fault. Tells `audit.progress`. */
  verifyAuditChain(params: VerifyAuditChainParams = {}): Promise<VerifyAuditChainResult> {
    return this.#enclave.call("verifyAuditChain", params);
  }

  /** The whole log as a file that anybody can verify offline. */
  exportAudit(): Promise<AuditExport> {
    return exportWholeLog((part) => this.#enclave.call("exportAudit", part));
  }

  /** Drops the oldest entries. `checkpoint` is that of an export which holds them. */
  pruneAudit(params: PruneRequest): Promise<PruneAuditResult> {
    return this.#enclave.call("pruneAudit", params);
  }

  /** The keys that say whose log it is, to be pinned. */
  getAuditPublicKey(): Promise<GetAuditPublicKeyResult> {
    return this.#enclave.call("getAuditPublicKey", {});
  }

  /** A signed note of the log's size and root (C2SP tlog-checkpoint). */
  getAuditCheckpoint(): Promise<GetAuditCheckpointResult> {
    return this.#enclave.call("getAuditCheckpoint", {});
  }

  /** That an entry is in the log (RFC 6962). */
  getInclusionProof(params: GetInclusionProofParams): Promise<GetInclusionProofResult> {
    return this.#enclave.call("getInclusionProof", params);
  }

  /** That the log grew from what it was (RFC 6962). */
  getConsistencyProof(params: GetConsistencyProofParams): Promise<GetConsistencyProofResult> {
    return this.#enclave.call("getConsistencyProof", params);
  }

  /** What proves, of one moment, that the log grew from what was seen; `init()` checks it by itself. */
  proveAudit(params: ProveAuditParams = {}): Promise<ProveAuditResult> {
    return this.#enclave.call("proveAudit", params);
  }

  /**
   * Deletes everything. Without credentials the user confirms in the enclave's own dialog.
   * The log that begins then is accepted by this where its first entry names the one that
   * this page has seen, ended with `checkpoint`; other pages must call `acceptNewLog()`.
   */
  resetKMS(credentials?: Credentials): Promise<ResetResult> {
    return this.#enclave.reset({ credentials });
  }
}
