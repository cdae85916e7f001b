/** What the page knows at a moment; each step draws itself from it. */

import type { AuditEntry, KMSUser, StatusResult } from "/sdk/kms-user.js";
import type { EnclaveAddress } from "../common/enclave-address";
import type { Remembered } from "./remembered";

export interface View {
  /** `locked`: the enclave failed its own checks, and only shows the evidence or resets. */
  readonly phase: "starting" | "ready" | "locked" | "failed";
  /** Null until the page has asked its host. */
  readonly address: EnclaveAddress | null;
  readonly status: StatusResult | null;
  readonly entries: readonly AuditEntry[];
  readonly remembered: Remembered;
}

export interface Step {
  render(view: View): void;
}

/** What a step works with. `refresh` asks the enclave how it is, and draws every step again. */
export interface Demo {
  readonly kms: KMSUser;
  readonly view: () => View;
  readonly refresh: (remembered?: Remembered) => Promise<void>;
}

export function isSetUp({ status, remembered }: View): boolean {
  return status ? status.isSetup : remembered.kid !== null;
}

export function hasLease({ remembered: { lease } }: View): boolean {
  return lease !== null && lease.exp > Date.now();
}
