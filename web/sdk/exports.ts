/** What a page can import beside `KMSUser`: errors, and the types of what goes in and comes out. */

export type { EventName } from "../protocol/calls";
export type * from "../protocol/contract.gen";
export type { AuditEntry as AuditEntryV2 } from "../protocol/contract.gen";
export { ERROR_CODES } from "../protocol/contract.gen";
export { KMSError } from "../protocol/errors";
export type { PromptMode } from "../protocol/handshake";
export type { IssuedBatch } from "./aliases";
export type { Bytes } from "./channel/binary";
export type { KMSUserOptions } from "./channel/options";
export type { Timeouts } from "./channel/timeouts";
export type {
  Credentials,
  Credentials as AuthCredentials,
  LeaseById,
  LeaseExtension,
  LeaseOfUser,
  LeaseRequest,
  NewCredentials,
  PasskeyPrfCredentials,
  PruneRequest,
  SubscriptionToRemove,
  SubscriptionToSet,
  UserPattern,
  VAPIDPayload,
} from "./credentials";
export type { EventHandler } from "./events";
export { LockedError, type LockedHandle } from "./locked";
export { type AcceptedLog, type PreviousLog, RollbackError, type RollbackHandle } from "./log/rollback";
