// Generated from py/kms_enclave/rpc/contract.py by `make contract`; do not edit.

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
  "enrollment.last": "The last enrollment cannot be removed",
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
  "audit.rollback": "The audit log is older than what was seen before",
  "storage.blocked": "The browser blocks storage for this embedded page",
  "storage.unavailable": "Storage cannot be used",
  "storage.full": "Storage is full",
  "storage.evicted": "The browser removed stored data",
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
  "isSetup",
  "getStatus",
  "getPublicKey",
  "createLease",
  "issueVAPIDJWT",
  "getAuditLog",
  "verifyAuditChain",
  "resetKMS",
] as const;

export type MethodName = (typeof METHODS)[number];

export interface Methods {
  setupPassphrase: { params: SetupPassphraseParams; result: SetupResult };
  isSetup: { params: Empty; result: IsSetupResult };
  getStatus: { params: Empty; result: StatusResult };
  getPublicKey: { params: GetPublicKeyParams; result: GetPublicKeyResult };
  createLease: { params: CreateLeaseParams; result: CreateLeaseResult };
  issueVAPIDJWT: { params: IssueParams; result: IssuedToken };
  getAuditLog: { params: GetAuditLogParams; result: GetAuditLogResult };
  verifyAuditChain: { params: Empty; result: VerifyAuditChainResult };
  resetKMS: { params: ResetParams; result: ResetResult };
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

/** ``ttl_hours`` above 0, at most the operator's cap; ``subs`` 1 to 64, ``eid`` unique. */
export interface CreateLeaseParams {
  userId: string;
  subs: readonly Endpoint[];
  ttlHours: number;
  quotas?: QuotaOverrides | null;
  credentials?: PassphraseCredentials | null;
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

/** Entries from ``seqNum`` ``from`` on, at most ``limit`` (1 to 500, 500 unless given). */
export interface GetAuditLogParams {
  from?: number;
  limit?: number;
}

/** ``next`` is where the following page starts, or null after the last. */
export interface GetAuditLogResult {
  entries: readonly AuditEntry[];
  next: number | null;
}

/** ``kid`` is the key's RFC 7638 thumbprint; without it, the current key. */
export interface GetPublicKeyParams {
  kid?: string | null;
}

/** base64url of the 65-byte uncompressed P-256 point. */
export interface GetPublicKeyResult {
  publicKey: string;
}

/** ``methods`` are generic: ``passphrase``, ``passkey``. */
export interface IsSetupResult {
  isSetup: boolean;
  methods: readonly string[];
}

/** ``kid``, where given, must be the lease's; ``relay_id`` becomes the claim ``rid``. */
export interface IssueParams {
  leaseId: string;
  endpoint: Endpoint;
  kid?: string | null;
  relayId?: string | null;
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

/** What unlocks a passphrase enrollment: the passphrase, 8 to 1024 characters. */
export interface PassphraseCredentials {
  method: "passphrase";
  passphrase: string;
}

/** Quotas a lease asks for; what is left out is the operator's default. */
export interface QuotaOverrides {
  tokensPerHour?: number | null;
  sendsPerMinute?: number | null;
  burstSends?: number | null;
  sendsPerMinutePerEid?: number | null;
}

/** The quotas in force for a lease, each at least 1. */
export interface Quotas {
  tokensPerHour: number;
  sendsPerMinute: number;
  burstSends: number;
  sendsPerMinutePerEid: number;
}

/** Without credentials the user confirms in the enclave's own dialog. */
export interface ResetParams {
  credentials?: PassphraseCredentials | null;
}

/** ``checkpoint`` is the head of the ended log; null where a locked enclave was reset. */
export interface ResetResult {
  success: true;
  checkpoint: AuditHead | null;
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

/** ``entries`` counts what was verified; ``head`` is the last good entry. */
export interface VerifyAuditChainResult {
  valid: boolean;
  entries: number;
  errors: readonly AuditFault[];
  head: AuditHead | null;
}
