/** What unlocks and what is enrolled, as a page may pass it: bytes as bytes or as base64url text. */

import type {
  CreateLeaseParams,
  ExtendLeaseParams,
  LeaseIdParams,
  LeaseParams,
  NewCredentials as NewCredentialsOnTheWire,
  PasskeyGateCredentials,
  PassphraseCredentials,
  PatternParams,
  PruneAuditParams,
  RemovePushSubscriptionParams,
  SetPushSubscriptionParams,
} from "../protocol/contract.gen";
import type { Bytes } from "./channel/binary";

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
/** `subscription`: what `pushManager.subscribe()` gave, as it is or as its JSON. */
export interface SubscriptionToSet extends Omit<Given<SetPushSubscriptionParams>, "subscription"> {
  readonly subscription: SetPushSubscriptionParams["subscription"] | PushSubscription | PushSubscriptionJSON;
}
export type SubscriptionToRemove = Given<RemovePushSubscriptionParams>;
export type LeaseExtension = Given<ExtendLeaseParams>;
export type LeaseOfUser = Given<LeaseParams>;
export type UserPattern = Given<PatternParams>;
export type PruneRequest = Given<PruneAuditParams>;

/** A lease by its id alone, or as params. */
export type LeaseById = string | LeaseIdParams;

export function leaseParams<Params extends LeaseIdParams>(lease: string | Params): LeaseIdParams | Params {
  return typeof lease === "string" ? { leaseId: lease } : lease;
}

/** Claims of a token of the page's own; `exp` in seconds, at most 24 hours ahead. */
export interface VAPIDPayload {
  /** The push service's origin. */
  readonly aud: string;
  /** A `mailto:` or `https:` URL. */
  readonly sub: string;
  readonly exp: number;
  readonly jti: string;
  readonly uid?: string;
  readonly eid?: string;
  readonly [claim: string]: unknown;
}
