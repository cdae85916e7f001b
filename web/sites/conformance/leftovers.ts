/**
 * Which enclave instance these checks have set up, so that a run that was broken off can be tidied up by the next one.
 *
 * The passphrase is random, made for one run, and protects nothing but what that run made. Without a record of that very
 * instance nothing is ever deleted unasked.
 */

import type { StatusResult } from "/sdk/kms-user.js";
import type { World } from "./world";

interface Leftovers {
  readonly instanceId: string;
  readonly passphrase: string;
}

const ITEM = "kms-conformance/1";

/** To be called before the setup that it is about. */
export function noteRun({ instanceId }: StatusResult, { address, passphrase }: World): void {
  if (instanceId === null || !address.pageCredentials) return;
  localStorage.setItem(ITEM, JSON.stringify({ instanceId, passphrase } satisfies Leftovers));
}

export function forgetRun(): void {
  localStorage.removeItem(ITEM);
}

/** Resolves to whether the enclave is free to be checked; what an earlier run left there is deleted. */
export async function clearLeftovers({ kms }: World): Promise<boolean> {
  const status = await kms.getStatus();
  if (!status.isSetup) return true;
  const leftovers = readLeftovers();
  if (leftovers?.instanceId !== status.instanceId) return false;
  try {
    await kms.resetKMS({ method: "passphrase", passphrase: leftovers.passphrase });
  } catch {
    // Somebody set the enclave up with a passphrase of their own after the run had noted it.
    return false;
  }
  forgetRun();
  return true;
}

function readLeftovers(): Leftovers | null {
  const value: unknown = JSON.parse(localStorage.getItem(ITEM) ?? "null");
  return value as Leftovers | null;
}
