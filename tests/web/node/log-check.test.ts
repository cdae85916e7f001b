/** Which log the SDK takes for the one that it has seen, check by check. */

import { describe, expect, test } from "vitest";
import type { ProveAuditResult } from "../../../web/protocol/contract.gen";
import {
  LogMismatch,
  type PinnedEntry,
  verifyEntries,
  verifyGrowth,
  verifyStanding,
} from "../../../web/sdk/log/log-check";
import { readOracle } from "./oracle";

interface Case {
  /** The check that it must fail; null where all hold. */
  readonly fails: string | null;
  readonly shown: ProveAuditResult;
  readonly pinned: ProveAuditResult | null;
  readonly entries: readonly Pick<PinnedEntry, "seqNum" | "text">[];
}

type Cases = Readonly<Record<string, Case>>;

const LOGS = readOracle("logs") as Readonly<Record<"fit" | "doNotVerify" | "doNotFollow" | "lackAnEntry", Cases>>;
const EXPECTED = { expectedHost: "kms.example" };

/** Which check fails, null where none does; anything but a finding is thrown. */
async function finding({ shown, pinned, entries }: Case): Promise<string | null> {
  const pin = pinned && (await verifyStanding(pinned, EXPECTED));
  try {
    const found = await verifyStanding(shown, EXPECTED);
    if (pin) await verifyGrowth(found, pin, shown.consistency);
    await verifyEntries(found, entries, shown.inclusion);
    return null;
  } catch (thrown) {
    if (thrown instanceof LogMismatch) return thrown.check;
    throw thrown;
  }
}

describe.each([
  ["the log that was seen, grown, is accepted", LOGS.fit],
  ["a log that does not verify in itself is refused", LOGS.doNotVerify],
  ["a log that does not follow from the pinned one is refused", LOGS.doNotFollow],
  ["a log without an entry that was handed out is refused", LOGS.lackAnEntry],
])("%s", (_, cases) => {
  test.each(Object.entries(cases))("%s", async (_name, each) => {
    expect(await finding(each)).toBe(each.fails);
  });
});
