/**
 * What the page keeps between visits: which lease it has, and that the enclave was set up.
 *
 * Neither is a secret that opens anything: a lease answers only this origin, and only within its quotas. An endpoint's
 * URL is a secret of its subscription, so a real page would keep it where it keeps the subscription.
 */

import type { Endpoint, Quotas } from "/sdk/kms-user.js";

export interface RememberedLease {
  readonly leaseId: string;
  readonly exp: number;
  readonly kid: string;
  readonly userId: string;
  readonly quotas: Quotas;
  readonly subs: readonly Endpoint[];
}

export interface Remembered {
  readonly kid: string | null;
  readonly lease: RememberedLease | null;
}

const ITEM = "kms-demo/1";
const NOTHING: Remembered = Object.freeze({ kid: null, lease: null });

/** Nothing where storage is blocked, or holds what another version wrote. */
export function readRemembered(): Remembered {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(ITEM) ?? "null");
    return typeof value === "object" && value !== null && "lease" in value && "kid" in value
      ? (value as Remembered)
      : NOTHING;
  } catch {
    return NOTHING;
  }
}

export function remember(remembered: Remembered): void {
  try {
    localStorage.setItem(ITEM, JSON.stringify(remembered));
  } catch {
    // Without storage the page forgets its lease at a reload, and says so by asking for a new one.
  }
}
