/** One promise of the enclave, as a check that any browser can run. */

import { KMSError } from "/sdk/kms-user.js";
import { UnsupportedError } from "../common/inspect/inspection";
import type { World } from "./world";

export interface Check {
  /** Stable: reports of different browsers and versions are compared by it. */
  readonly id: string;
  readonly title: string;
  /** Resolves to what was found, in words. */
  run(world: World): Promise<string>;
}

export type Outcome = "pass" | "fail" | "unsupported" | "skipped";

export interface CheckResult {
  readonly id: string;
  readonly title: string;
  readonly outcome: Outcome;
  readonly note: string;
  readonly durationMs: number;
}

/** Something the check builds upon is not there. */
export class SkippedError extends Error {
  override readonly name = "SkippedError";
}

/** Codes by which the enclave says that the browser, not the enclave, is what lacks something. */
const BROWSER_CODES: ReadonlySet<string> = new Set(["unsupported", "storage.blocked", "storage.unavailable"]);

export async function runCheck({ id, title, run }: Check, world: World): Promise<CheckResult> {
  const startedMs = performance.now();
  const result = (outcome: Outcome, note: string): CheckResult => {
    return { id, title, outcome, note, durationMs: Math.round(performance.now() - startedMs) };
  };
  try {
    return result("pass", await withinMs(world.deadlineMs, run(world)));
  } catch (thrown) {
    return result(outcomeOf(thrown), noteOf(thrown));
  }
}

/** Rejects unless `call` is refused with exactly that code; resolves to the refusal. */
export async function expectRefusal(code: KMSError["code"], call: Promise<unknown>): Promise<KMSError> {
  const refusal = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (refusal === null) throw new Error(`was granted, and should have been refused with ${code}`);
  if (!(refusal instanceof KMSError)) throw new Error(`was refused with ${String(refusal)}, not with ${code}`);
  if (refusal.code !== code) throw new Error(`was refused with ${refusal.code}, not with ${code}`);
  return refusal;
}

function outcomeOf(thrown: unknown): Outcome {
  if (thrown instanceof SkippedError) return "skipped";
  const isBrowser = thrown instanceof KMSError && BROWSER_CODES.has(thrown.code);
  return isBrowser || thrown instanceof UnsupportedError ? "unsupported" : "fail";
}

function noteOf(thrown: unknown): string {
  if (thrown instanceof KMSError) return `${thrown.code}: ${thrown.message}`;
  return thrown instanceof Error ? thrown.message : String(thrown);
}

async function withinMs(deadlineMs: number, work: Promise<string>): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not settle within ${deadlineMs / 1_000} s`)), deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
