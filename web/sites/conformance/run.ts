/** One run: first what changes nothing, then, on an enclave that is nobody's, all the rest. */

import { type Check, type CheckResult, runCheck } from "./check";
import { ALL_CHECKS, BROWSER_CHECKS, START_CHECK, USE_CHECKS } from "./checks/index";
import { clearLeftovers } from "./leftovers";
import type { CheckTable } from "./table";
import type { World } from "./world";

export interface RunResult {
  readonly checks: readonly CheckResult[];
  readonly isOccupied: boolean;
}

/** `mayDelete`: the user has agreed; the enclave asks for its own confirmation all the same. */
export async function runChecks(world: World, table: CheckTable, mayDelete: boolean): Promise<RunResult> {
  const started = await runAll([START_CHECK], world, table);
  if (started.some(({ outcome }) => outcome !== "pass")) {
    const skipped = skipAll(ALL_CHECKS.slice(started.length), "the enclave did not start", table);
    return { checks: [...started, ...skipped], isOccupied: false };
  }
  const found = await runAll(BROWSER_CHECKS, world, table);
  let isFree = await clearLeftovers(world);
  if (!isFree && mayDelete) {
    await world.kms.resetKMS();
    isFree = true;
  }
  const used = isFree ? await runAll(USE_CHECKS, world, table) : skipAll(USE_CHECKS, "the enclave is in use", table);
  return { checks: [...started, ...found, ...used], isOccupied: !isFree };
}

async function runAll(checks: readonly Check[], world: World, table: CheckTable): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) {
    table.begin(check);
    const result = await runCheck(check, world);
    table.finish(result);
    results.push(result);
  }
  return results;
}

function skipAll(checks: readonly Check[], note: string, table: CheckTable): readonly CheckResult[] {
  return checks.map(({ id, title }) => {
    const result: CheckResult = { id, title, outcome: "skipped", note, durationMs: 0 };
    table.finish(result);
    return result;
  });
}
