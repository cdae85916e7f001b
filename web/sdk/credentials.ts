/** What unlocks and what is enrolled, as a page may pass it: bytes as bytes or as base64url text. */

import type {
  CreateLeaseParams,
  ExtendLeaseParams,
  LeaseParams,
  NewCredentials as NewCredentialsOnTheWire,
  PasskeyGateCredentials,
  PassphraseCredentials,
  PatternParams,
  PruneAuditParams,
  RemovePushSubscriptionParams,
  SetPushSubscriptionParams,
} from "../protocol/contract.gen";
import type { Bytes } from "./binary";

/** `prfOutput`: 32 bytes, of a passkey that the page itself created and enrolled. */
export interface PasskeyPrfCredentials {
  readonly method: "passkey-prf";
  readonly prfOutput: Bytes;
}

export type Credentials = PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials;

export interface NewCredentials extends Omit<NewCredentialsOnTheWire, "credentialId" | "prfOutput"> {
  readonly credentialId?: Bytes | null;
  readonly prfOutput?: Bytes | null;
}

/** Params of a method, with credentials as a page may pass them. */
type Given<Params> = Omit<Params, "credentials"> & { readonly credentials?: Credentials | null };

export type LeaseRequest = Given<CreateLeaseParams>;
export type SubscriptionToSet = Given<SetPushSubscriptionParams>;
export type SubscriptionToRemove = Given<RemovePushSubscriptionParams>;
export type LeaseExtension = Given<ExtendLeaseParams>;
export type LeaseOfUser = Given<LeaseParams>;
export type UserPattern = Given<PatternParams>;
export type PruneRequest = Given<PruneAuditParams>;
