/** The result of a run, for people and for a test that waits for it. */

import type { KMSUser } from "/sdk/kms-user.js";
import type { CheckResult, Outcome } from "./check";
import type { Environment } from "./environment";

/** `occupied`: the enclave was in use, and left alone. */
export type Verdict = "pass" | "fail" | "unsupported" | "occupied";

export interface Report {
  readonly format: "kms-conformance/1";
  readonly verdict: Verdict;
  readonly environment: Environment;
  readonly enclave: {
    readonly origin: string;
    readonly version: string | null;
    readonly manifestHash: string | null;
    readonly capabilities: readonly string[];
  };
  readonly checks: readonly CheckResult[];
}

export function makeReport(
  environment: Environment,
  kmsOrigin: string,
  { version, manifestHash, capabilities }: KMSUser,
  checks: readonly CheckResult[],
  isOccupied: boolean,
): Report {
  const enclave = { origin: kmsOrigin, version, manifestHash, capabilities };
  return { format: "kms-conformance/1", verdict: verdictOf(checks, isOccupied), environment, enclave, checks };
}

export function countOutcomes(checks: readonly CheckResult[]): ReadonlyMap<Outcome, number> {
  const counts = new Map<Outcome, number>();
  for (const { outcome } of checks) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return counts;
}

/** As a plain text, which a server of any origin can be sent without its leave. */
export async function postReport(url: string, report: Report): Promise<void> {
  await fetch(url, { method: "POST", mode: "no-cors", body: JSON.stringify(report) });
}

function verdictOf(checks: readonly CheckResult[], isOccupied: boolean): Verdict {
  if (checks.some(({ outcome }) => outcome === "fail")) return "fail";
  if (isOccupied) return "occupied";
  return checks.some(({ outcome }) => outcome === "unsupported") ? "unsupported" : "pass";
}
