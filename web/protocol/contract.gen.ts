// Generated from py/kms_enclave/rpc/methods.py by `make contract`; do not edit.

export const ERROR_CODES = {
  "quota.exceeded.lease": "Quota exceeded: tokens per hour",
  "quota.exceeded.endpoint": "Quota exceeded: sends per minute of this endpoint",
  "quota.exceeded.user": "Quota exceeded: sends per day of this user",
  "quota.exceeded.relay": "Quota exceeded: sends per hour of this relay",
  "quota.suspended": "Lease suspended due to abuse",
  "lease.expired": "Lease expired",
  "lease.not.found": "Lease not found",
  "lease.revoked": "Lease was revoked",
  "lease.suspended": "Leases of this user are suspended",
  "lease.needs.resume": "The lease's signing handle is lost; resume the lease",
  "lease.limit": "Beyond what a lease allows",
  "relay.proof.invalid": "The relay's proof is missing or not valid",
  "endpoint.not.in.lease": "Endpoint not authorized for this lease",
  "eid.unknown": "Endpoint ID not recognized",
  "aud.mismatch": "Audience is not the endpoint's origin",
  "unlock.denied": "Invalid passphrase",
  "unlock.cancelled": "The user cancelled",
  "unlock.throttled": "Too many attempts; wait before the next",
  "enrollment.exists": "An enrollment exists already",
  "enrollment.last": "Cannot remove the last enrollment (would lock user out)",
  "enrollment.not.found": "No such enrollment",
  "enrollment.damaged": "Decryption failed",
  "setup.required": "KMS is not set up",
  "key.not.found": "Key not found",
  "jti.collision": "Token ID already issued",
  "clock.skew": "The clock is behind the log",
  "request.invalid": "The request is not valid",
  "method.unknown": "No such method",
  "request.too.large": "The request is too large",
  "origin.denied": "Not allowed for this origin",
  "integrity.failed": "The code that was loaded is not the code that was built",
  "attestation.failed": "The enclave failed its own checks and is locked",
  "audit.rollback": "The audit log does not go on from what was seen of it before",
  "storage.blocked": "The browser blocks storage for this embedded page: allow third-party storage for the enclave's site",
  "storage.unavailable": "Storage cannot be used",
  "storage.full": "Storage is full",
  "storage.evicted": "The browser removed what the enclave had stored: its keys, leases and log are gone. init() finds an empty enclave",
  "storage.newer": "The stored data belongs to a newer version",
  "unsupported": "This browser lacks a capability",
  "channel.not.initialized": "KMS not initialized. Call init() first.",
  "channel.timeout": "Request timeout",
  "channel.closed": "The channel is closed",
  "internal": "Unexpected error",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export const METHODS = [
  "setupPassphrase",
  "setupPasskeyPRF",
  "setupPasskeyGate",
  "setup",
  "addEnrollment",
  "removeEnrollment",
  "changePassphrase",
  "isSetup",
  "getEnrollments",
  "getStatus",
  "generateVAPID",
  "regenerateVAPID",
  "signJWT",
  "batch",
  "getPublicKey",
  "getVAPIDKid",
  "exportPublicKey",
  "setPushSubscription",
  "removePushSubscription",
  "getPushSubscription",
  "createLease",
  "extendLease",
  "refreshLease",
  "resumeLease",
  "revokeLease",
  "revokeAllLeases",
  "suspendPattern",
  "unsuspendPattern",
  "getLeases",
  "verifyLease",
  "issueVAPIDJWT",
  "issueVAPIDJWTs",
  "recordSends",
  "getQuota",
  "isTokenRevoked",
  "revokedTokens",
  "getAuditLog",
  "verifyAuditChain",
  "exportAudit",
  "pruneAudit",
  "getAuditPublicKey",
  "getAuditCheckpoint",
  "getInclusionProof",
  "getConsistencyProof",
  "proveAudit",
  "resetKMS",
] as const;

export type MethodName = (typeof METHODS)[number];

/** How long the SDK waits for a reply, in milliseconds. The frame waits a bit less. */
export const METHOD_TIMES_MS: Readonly<Record<MethodName, number>> = {
  setupPassphrase: 60_000,
  setupPasskeyPRF: 30_000,
  setupPasskeyGate: 30_000,
  setup: 60_000,
  addEnrollment: 60_000,
  removeEnrollment: 30_000,
  changePassphrase: 60_000,
  isSetup: 10_000,
  getEnrollments: 10_000,
  getStatus: 10_000,
  generateVAPID: 30_000,
  regenerateVAPID: 30_000,
  signJWT: 30_000,
  batch: 30_000,
  getPublicKey: 10_000,
  getVAPIDKid: 10_000,
  exportPublicKey: 10_000,
  setPushSubscription: 30_000,
  removePushSubscription: 30_000,
  getPushSubscription: 10_000,
  createLease: 30_000,
  extendLease: 30_000,
  refreshLease: 30_000,
  resumeLease: 30_000,
  revokeLease: 10_000,
  revokeAllLeases: 10_000,
  suspendPattern: 30_000,
  unsuspendPattern: 30_000,
  getLeases: 10_000,
  verifyLease: 10_000,
  issueVAPIDJWT: 10_000,
  issueVAPIDJWTs: 10_000,
  recordSends: 10_000,
  getQuota: 10_000,
  isTokenRevoked: 10_000,
  revokedTokens: 10_000,
  getAuditLog: 30_000,
  verifyAuditChain: 300_000,
  exportAudit: 10_000,
  pruneAudit: 10_000,
  getAuditPublicKey: 10_000,
  getAuditCheckpoint: 10_000,
  getInclusionProof: 10_000,
  getConsistencyProof: 10_000,
  proveAudit: 10_000,
  resetKMS: 30_000,
};

export interface Methods {
  setupPassphrase: { params: SetupPassphraseParams; result: SetupResult };
  setupPasskeyPRF: { params: SetupPasskeyParams; result: SetupResult };
  setupPasskeyGate: { params: SetupPasskeyParams; result: SetupResult };
  setup: { params: Empty; result: SetupResult };
  addEnrollment: { params: AddEnrollmentParams; result: AddEnrollmentResult };
  removeEnrollment: { params: RemoveEnrollmentParams; result: Success };
  changePassphrase: { params: ChangePassphraseParams; result: Success };
  isSetup: { params: Empty; result: IsSetupResult };
  getEnrollments: { params: Empty; result: GetEnrollmentsResult };
  getStatus: { params: Empty; result: StatusResult };
  generateVAPID: { params: AuthenticatedParams; result: GenerateVAPIDResult };
  regenerateVAPID: { params: AuthenticatedParams; result: GenerateVAPIDResult };
  signJWT: { params: SignJWTParams; result: SignJWTResult };
  batch: { params: BatchParams; result: BatchResult };
  getPublicKey: { params: GetPublicKeyParams; result: GetPublicKeyResult };
  getVAPIDKid: { params: Empty; result: GetVAPIDKidResult };
  exportPublicKey: { params: GetPublicKeyParams; result: GetPublicKeyResult };
  setPushSubscription: { params: SetPushSubscriptionParams; result: Success };
  removePushSubscription: { params: RemovePushSubscriptionParams; result: Success };
  getPushSubscription: { params: Empty; result: GetPushSubscriptionResult };
  createLease: { params: CreateLeaseParams; result: CreateLeaseResult };
  extendLease: { params: ExtendLeaseParams; result: LeaseEnd };
  refreshLease: { params: LeaseParams; result: LeaseEnd };
  resumeLease: { params: LeaseParams; result: LeaseEnd };
  revokeLease: { params: LeaseIdParams; result: RevokeLeaseResult };
  revokeAllLeases: { params: Empty; result: RevokeAllLeasesResult };
  suspendPattern: { params: PatternParams; result: Success };
  unsuspendPattern: { params: PatternParams; result: Success };
  getLeases: { params: Empty; result: GetLeasesResult };
  verifyLease: { params: LeaseIdParams; result: VerifyLeaseResult };
  issueVAPIDJWT: { params: IssueParams; result: IssuedToken };
  issueVAPIDJWTs: { params: IssueManyParams; result: IssuedTokens };
  recordSends: { params: RecordSendsParams; result: RecordSendsResult };
  getQuota: { params: GetQuotaParams; result: GetQuotaResult };
  isTokenRevoked: { params: TokenIdParams; result: IsTokenRevokedResult };
  revokedTokens: { params: Empty; result: RevokedTokensResult };
  getAuditLog: { params: GetAuditLogParams; result: GetAuditLogResult };
  verifyAuditChain: { params: VerifyAuditChainParams; result: VerifyAuditChainResult };
  exportAudit: { params: ExportAuditParams; result: ExportAuditResult };
  pruneAudit: { params: PruneAuditParams; result: PruneAuditResult };
  getAuditPublicKey: { params: Empty; result: GetAuditPublicKeyResult };
  getAuditCheckpoint: { params: Empty; result: GetAuditCheckpointResult };
  getInclusionProof: { params: GetInclusionProofParams; result: GetInclusionProofResult };
  getConsistencyProof: { params: GetConsistencyProofParams; result: GetConsistencyProofResult };
  proveAudit: { params: ProveAuditParams; result: ProveAuditResult };
  resetKMS: { params: ResetParams; result: ResetResult };
}

/** Without ``new_credentials`` the enclave asks the user itself. */
export interface AddEnrollmentParams {
  method: "passphrase" | "passkey-prf" | "passkey-gate";
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
  newCredentials?: NewCredentials | null;
}

/** The id of what was enrolled; a gate where a passkey turned out to have no PRF. */
export interface AddEnrollmentResult {
  success: true;
  enrollmentId: string;
}

/** The User Audit Key's word that another key may sign entries; times in milliseconds. */
export interface AuditDelegationCert {
  type: "audit-delegation";
  version: 1;
  signerKind: "LAK" | "KIAK";
  delegatePub: string;
  scope: readonly string[];
  notBefore: number;
  notAfter: number | null;
  codeHash: string;
  manifestHash: string;
  kmsVersion: string;
  sig: string;
  leaseId?: string | null;
  instanceId?: string | null;
}

/** One entry of the audit log (``docs/spec/audit.md``); times in milliseconds. */
export interface AuditEntry {
  kmsVersion: 2;
  seqNum: number;
  timestamp: number;
  op: string;
  kid: string;
  requestId: string;
  previousHash: string;
  chainHash: string;
  signer: "UAK" | "LAK" | "KIAK";
  signerId: string;
  sig: string;
  userId?: string | null;
  origin?: string | null;
  leaseId?: string | null;
  unlockTime?: number | null;
  lockTime?: number | null;
  duration?: number | null;
  details?: Readonly<Record<string, unknown>> | null;
  cert?: AuditDelegationCert | null;
}

/** The first bad entry and what is wrong with it; ``seq_num`` -1: the log as a whole. */
export interface AuditFault {
  seqNum: number;
  reason: string;
}

/** The last entry's number and hash. */
export interface AuditHead {
  seqNum: number;
  chainHash: string;
}

/** Nothing but what authenticates; without credentials the enclave asks. */
export interface AuthenticatedParams {
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
}

/** 1 to 10 steps under one authentication, in order, all or nothing. */
export interface BatchParams {
  requests: readonly BatchStep[];
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
}

/** The steps' results, in order. */
export interface BatchResult {
  results: readonly Readonly<Record<string, unknown>>[];
}

/** One step, of a method that can be one (the table at the top). ``{"$ref": "0.kid"}`` in its parameters stands for a field of an earlier step's result. */
export interface BatchStep {
  method: string;
  params?: Readonly<Record<string, unknown>> | null;
}

/** Without ``new_passphrase`` the enclave asks for it. */
export interface ChangePassphraseParams {
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
  newPassphrase?: string | null;
}

/** The end of a log that was reset: its last entry, and the signed note that covers it. */
export interface ClosingCheckpoint {
  seqNum: number;
  chainHash: string;
  checkpoint: string;
}

/** ``ttl_hours`` a second to the operator's cap; ``subs`` 1 to 64, ``eid`` unique. ``quotas``: ``conservative`` is 120 tokens an hour, 60 sends a minute, 30 of them for one endpoint, 100 calls at once; ``aggressive`` 240, 120, 60 and 200. A lease with a ``relay_binding`` issues only with that relay's proof, call by call. */
export interface CreateLeaseParams {
  userId: string;
  subs: readonly Endpoint[];
  ttlHours: number;
  quotas?: "conservative" | "aggressive" | QuotaOverrides | null;
  kid?: string | null;
  label?: string | null;
  relayBinding?: RelayBinding | null;
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
}

/** ``exp`` in milliseconds; ``kid`` is the VAPID key that the lease signs with. */
export interface CreateLeaseResult {
  leaseId: string;
  exp: number;
  quotas: Quotas;
  kid: string;
}

/** No parameters. */
export type Empty = Record<string, never>;

/** A push endpoint: its URL, the URL's origin, and an ID that the caller chose. */
export interface Endpoint {
  url: string;
  aud: string;
  eid: string;
}

/** What is enrolled. ``assurance`` is low for a gate; ``page_only`` for a page's passkey. */
export interface EnrollmentInfo {
  enrollmentId: string;
  method: string;
  createdAt: number;
  via: "page" | "enclave";
  assurance: "high" | "low";
  pageOnly: boolean;
  damaged: boolean;
}

/** Nothing for the beginning of a file; then the last result's ``next`` and ``size``. */
export interface ExportAuditParams {
  from?: number | null;
  size?: number | null;
}

/** Whole lines of the file; ``next`` is null after the last. */
export interface ExportAuditResult {
  text: string;
  size: number;
  next: number | null;
}

/** ``add_hours``: a second or more; the end stays within the cap, counted from the creation. */
export interface ExtendLeaseParams {
  leaseId: string;
  addHours: number;
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
}

/** ``public_key`` is base64url of the 65-byte uncompressed point. */
export interface GenerateVAPIDResult {
  kid: string;
  publicKey: string;
}

/** A signed note over the log as it stands; hashes are hexadecimal. ``size`` counts the entries, ``chain_hash`` is the last one's. */
export interface GetAuditCheckpointResult {
  checkpoint: string;
  size: number;
  rootHash: string;
  chainHash: string;
}

/** Entries from ``seqNum`` ``from`` on, at most ``limit`` of them, and at most 500. */
export interface GetAuditLogParams {
  from?: number;
  limit?: number;
}

/** ``next`` is where the following page starts, or null after the last. */
export interface GetAuditLogResult {
  entries: readonly AuditEntry[];
  next: number | null;
}

/** The keys to pin (base64url); ``public_key``, the User Audit Key, is null before setup. So is ``instance_cert``, its word for ``instance_public_key``. ``verifier_key`` is that key as other tools for checkpoints take it. */
export interface GetAuditPublicKeyResult {
  publicKey: string | null;
  instancePublicKey: string;
  instanceId: string;
  origin: string;
  verifierKey: string;
  instanceCert: AuditDelegationCert | null;
}

/** That the first ``to`` entries (all unless given) begin with the first ``from``. */
export interface GetConsistencyProofParams {
  from: number;
  to?: number | null;
}

/** RFC 9162 section 2.1.4; hashes are hexadecimal. */
export interface GetConsistencyProofResult {
  from: number;
  to: number;
  path: readonly string[];
}

/** ``enrollments`` are the ids, the oldest first; ``details`` says more of each, in that order. Times in milliseconds. Those that are damaged come last. */
export interface GetEnrollmentsResult {
  enrollments: readonly string[];
  details: readonly EnrollmentInfo[];
}

/** Of entry ``seq_num`` in the tree of the first ``size`` entries; of all unless given. */
export interface GetInclusionProofParams {
  seqNum: number;
  size?: number | null;
}

/** RFC 9162 section 2.1.3; hashes are hexadecimal. */
export interface GetInclusionProofResult {
  seqNum: number;
  size: number;
  leafHash: string;
  path: readonly string[];
}

/** This origin's leases; ended ones are listed for 32 days. */
export interface GetLeasesResult {
  leases: readonly LeaseInfo[];
}

/** ``kid`` is the key's RFC 7638 thumbprint; without it, the current key. */
export interface GetPublicKeyParams {
  kid?: string | null;
}

/** base64url of the 65-byte uncompressed P-256 point. */
export interface GetPublicKeyResult {
  publicKey: string;
}

/** This origin's subscription of the current key, or null. */
export interface GetPushSubscriptionResult {
  subscription: PushSubscription | null;
}

/** ``eid`` and ``relay_id`` for what is counted by endpoint and by relay. */
export interface GetQuotaParams {
  leaseId: string;
  eid?: string | null;
  relayId?: string | null;
}

/** Every quota that applies to a lease. ``token_ttl_s`` is how many *seconds* a token made now lives; ``suspended_until`` in milliseconds, null unless the lease rests after too many refused calls. */
export interface GetQuotaResult {
  tokensPerHour: QuotaState;
  sendsPerMinute: QuotaState;
  burstSends: QuotaState;
  perUserPerDay: QuotaState;
  tokenTtlS: number;
  suspendedUntil: number | null;
  sendsPerMinutePerEid?: QuotaState | null;
  perRelayPerHour?: QuotaState | null;
}

/** The current key's RFC 7638 thumbprint. */
export interface GetVAPIDKidResult {
  kid: string;
}

/** ``methods`` are generic: ``passphrase``, ``passkey``, in this order. */
export interface IsSetupResult {
  isSetup: boolean;
  methods: readonly string[];
}

/** True for a token of a revoked lease of this origin, until some minutes after its expiry. */
export interface IsTokenRevokedResult {
  revoked: boolean;
}

/** ``count`` 1 to 10, all or none; each token takes over when its predecessor is at 60 %. */
export interface IssueManyParams {
  leaseId: string;
  endpoint: Endpoint;
  count: number;
  kid?: string | null;
  relayId?: string | null;
  relayProof?: RelayProof | null;
}

/** ``kid``, where given, must be the lease's; ``relay_id`` becomes the claim ``rid``. A bound lease needs ``relay_proof``; its ``rid`` is the relay's key thumbprint. */
export interface IssueParams {
  leaseId: string;
  endpoint: Endpoint;
  kid?: string | null;
  relayId?: string | null;
  relayProof?: RelayProof | null;
}

/** A VAPID token; ``exp`` and ``nbf`` in Unix *seconds*, as in its claims. */
export interface IssuedToken {
  jwt: string;
  jti: string;
  exp: number;
  nbf: number;
  kid: string;
  vapidPublicKey: string;
  auditEntry: AuditEntry;
}

/** In order of ``nbf``. ``KMSUser`` returns the list itself. */
export interface IssuedTokens {
  tokens: readonly IssuedToken[];
}

/** The lease's end in milliseconds. */
export interface LeaseEnd {
  exp: number;
}

/** A lease of this origin. */
export interface LeaseIdParams {
  leaseId: string;
}

/** A lease as its origin sees it; no key, salt or handle. Times in milliseconds. ``ttl_hours`` is what it was created for, ``exp`` its end with every extension. ``lak_delegation_cert`` is the User Audit Key's word for the key that signs its entries. */
export interface LeaseInfo {
  leaseId: string;
  userId: string;
  kid: string;
  subs: readonly Endpoint[];
  ttlHours: number;
  createdAt: number;
  exp: number;
  quotas: Quotas;
  state: "active" | "suspended" | "needs-resume" | "expired" | "revoked";
  lakDelegationCert: AuditDelegationCert;
  label?: string | null;
  revokedAt?: number | null;
  relayBinding?: RelayBinding | null;
}

/** A lease, and what authenticates; without credentials the enclave asks. */
export interface LeaseParams {
  leaseId: string;
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
}

/** What the page passes for a new enrollment: a passphrase, or a passkey it created. */
export interface NewCredentials {
  passphrase?: string | null;
  credentialId?: string | null;
  prfOutput?: string | null;
  rpId?: string | null;
}

/** Ask for the gate's ceremony, in the enclave's own dialog. */
export interface PasskeyGateCredentials {
  method: "passkey-gate";
}

/** The PRF output (32 bytes, base64url) of a passkey that the page itself created. */
export interface PasskeyPrfCredentials {
  method: "passkey-prf";
  prfOutput: string;
}

/** What unlocks a passphrase enrollment: the passphrase, 8 to 1024 characters. */
export interface PassphraseCredentials {
  method: "passphrase";
  passphrase: string;
}

/** A glob over ``userId``: ``*`` for any characters, ``?`` for one. */
export interface PatternParams {
  userIdPattern: string;
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
}

/** What somebody remembers of the log: its first ``from`` entries, and 64 numbers at most. */
export interface ProveAuditParams {
  from?: number | null;
  entries?: readonly number[];
}

/** Everything of one moment: the log's keys, a signed note, and proofs that lead to it. ``consistency`` is null where nothing was asked for or the log is shorter; ``inclusion`` has a path for each number, or null where the log has no such entry. Hashes are hexadecimal. */
export interface ProveAuditResult {
  checkpoint: string;
  auditPublicKey: string | null;
  instancePublicKey: string;
  instanceCert: AuditDelegationCert | null;
  consistency: readonly string[] | null;
  inclusion: readonly (readonly string[] | null)[];
}

/** Entries to keep at least, and the checkpoint of an export that holds what is dropped. */
export interface PruneAuditParams {
  keep: number;
  checkpoint: string;
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
}

/** ``first`` is the first entry that is kept, ``dropped`` how many this call dropped. */
export interface PruneAuditResult {
  first: number;
  dropped: number;
}

/** As ``PushSubscription.toJSON()`` gives it; ``expiration_time`` in milliseconds. */
export interface PushSubscription {
  endpoint: string;
  expirationTime?: number | null;
  keys?: SubscriptionKeys | null;
}

/** Quotas a lease asks for; what is left out is the operator's default. */
export interface QuotaOverrides {
  tokensPerHour?: number | null;
  sendsPerMinute?: number | null;
  burstSends?: number | null;
  sendsPerMinutePerEid?: number | null;
}

/** ``next_at_ms`` is when this quota would grant one more; null where it would now. Another quota may refuse the call, and the lease may be over by then: in its last minute it issues no token. Of ``burst_sends`` it is null also where all are under way, since nobody knows when one is answered. */
export interface QuotaState {
  limit: number;
  used: number;
  nextAtMs: number | null;
}

/** The quotas in force for a lease, each at least 1. */
export interface Quotas {
  tokensPerHour: number;
  sendsPerMinute: number;
  burstSends: number;
  sendsPerMinutePerEid: number;
}

/** Sends about to be made with tokens of a batch: ``count`` 1 or more, all or none. ``relay_id`` where they go through a relay. */
export interface RecordSendsParams {
  leaseId: string;
  eid: string;
  count: number;
  relayId?: string | null;
}

/** How many sends were counted: as many as were asked for. */
export interface RecordSendsResult {
  accepted: number;
}

/** A relay's public key, base64url: 32 bytes of Ed25519, or an uncompressed P-256 point. */
export interface RelayBinding {
  alg: "Ed25519" | "ES256";
  key: string;
}

/** A bound relay's word for one call; ``nonce`` 16 to 64 bytes, ``timestamp`` in milliseconds. What is signed, byte for byte: docs/spec/relay-proof.md. */
export interface RelayProof {
  nonce: string;
  timestamp: number;
  signature: string;
}

/** An id of ``getEnrollments``; the last one that must remain is refused. */
export interface RemoveEnrollmentParams {
  enrollmentId: string;
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
}

/** By credentials, the enclave's prompt, or else a live lease; of the current key. */
export interface RemovePushSubscriptionParams {
  leaseId?: string | null;
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
}

/** Without credentials the user confirms in the enclave's own dialog. */
export interface ResetParams {
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
}

/** ``checkpoint`` is the end of the ended log; null where a locked enclave was reset. */
export interface ResetResult {
  success: true;
  checkpoint: ClosingCheckpoint | null;
}

/** The ids of the leases that this call revoked. */
export interface RevokeAllLeasesResult {
  revoked: readonly string[];
}

/** ``effective_at`` in milliseconds; a second revocation returns the first one's. */
export interface RevokeLeaseResult {
  status: "revoked";
  effectiveAt: number;
}

/** ``exp`` in Unix seconds, ``revoked_at`` in milliseconds; ``rid`` is the relay's name. */
export interface RevokedTokenInfo {
  jti: string;
  leaseId: string;
  exp: number;
  revokedAt: number;
  rid?: string | null;
}

/** The emergency list of this origin. */
export interface RevokedTokensResult {
  tokens: readonly RevokedTokenInfo[];
}

/** By credentials, the enclave's prompt, or else a live lease; for the current key. */
export interface SetPushSubscriptionParams {
  subscription: PushSubscription;
  leaseId?: string | null;
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
}

/** ``name`` is what the authenticator shows; ``rp_id``, if given, is the enclave's host. */
export interface SetupPasskeyParams {
  name: string;
  userId: string;
  rpId?: string | null;
}

/** ``passphrase`` 8 to 1024 characters; without it the enclave asks the user itself. */
export interface SetupPassphraseParams {
  passphrase?: string | null;
}

/** ``vapid_public_key`` is base64url of the 65-byte uncompressed point. */
export interface SetupResult {
  success: true;
  enrollmentId: string;
  vapidPublicKey: string;
  vapidKid: string;
}

/** ``payload``: ``aud`` (https origin), ``sub``, ``exp`` (s, ≤ 24 h ahead), ``jti``, more. */
export interface SignJWTParams {
  kid: string;
  payload: Readonly<Record<string, unknown>>;
  credentials?: PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials | null;
}

/** A JWS in compact serialization. */
export interface SignJWTResult {
  jwt: string;
}

/** How the enclave is; ``audit_entries`` counts the log, ``reason`` says why it is locked. */
export interface StatusResult {
  state: "ready" | "locked";
  version: string;
  codeHash: string;
  manifestHash: string;
  instanceId: string | null;
  isSetup: boolean;
  vapidKid: string | null;
  auditEntries: number;
  now: number;
  reason?: string | null;
}

/** The user agent's keys (RFC 8291), base64url. */
export interface SubscriptionKeys {
  p256dh: string;
  auth: string;
}

/** It is done. */
export interface Success {
  success: true;
}

/** A token's ``jti``. */
export interface TokenIdParams {
  jti: string;
}

/** ``incremental``: only what came after the last verification that found no fault. */
export interface VerifyAuditChainParams {
  incremental?: boolean;
}

/** ``entries`` counts those of the log that hold, up to ``head``, the last good one. */
export interface VerifyAuditChainResult {
  valid: boolean;
  entries: number;
  errors: readonly AuditFault[];
  head: AuditHead | null;
}

/** ``reason`` is the code with which issuing would be refused. */
export interface VerifyLeaseResult {
  leaseId: string;
  valid: boolean;
  kid: string | null;
  exp: number | null;
  reason?: string | null;
}
