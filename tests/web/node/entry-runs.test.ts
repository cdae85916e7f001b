/** Of entries that follow each other the last is remembered, of others each. */

import { expect, test } from "vitest";
import type { AuditEntry } from "../../../web/protocol/contract.gen";
import { EntryRuns } from "../../../web/sdk/log/entry-runs";

/** The fields that say what follows what. */
function chain(numbers: readonly number[], fork = ""): readonly AuditEntry[] {
  return numbers.map((n) => entry(n, `hash ${n}${fork}`, `hash ${n - 1}${fork}`));
}

function entry(seqNum: number, chainHash: string, previousHash: string): AuditEntry {
  return { seqNum, chainHash, previousHash } as AuditEntry;
}

function range(from: number, to: number, step = 1): readonly number[] {
  return Array.from({ length: Math.ceil((to - from) / step) }, (_, at) => from + at * step);
}

function runsOf(entries: readonly AuditEntry[]): EntryRuns {
  const runs = new EntryRuns("log");
  for (const each of entries) runs.add(each);
  return runs;
}

function numbersOf(entries: readonly { readonly seqNum: number }[]): readonly number[] {
  return entries.map(({ seqNum }) => seqNum);
}

test("a run of entries is its last, and is written once", () => {
  const runs = runsOf(chain(range(5, 1005)));
  expect(numbersOf(runs.ends)).toEqual([1004]);
  const changes = runs.takeChanges();
  expect(numbersOf(changes?.puts ?? [])).toEqual([1004]);
  expect(changes?.deletes).toEqual([]);
  expect(runs.takeChanges()).toBeNull();
});

test("a written entry that another one supersedes is deleted", () => {
  const runs = runsOf(chain([1]));
  runs.takeChanges();
  for (const each of chain([2])) runs.add(each);
  const changes = runs.takeChanges();
  expect([numbersOf(changes?.puts ?? []), numbersOf(changes?.deletes ?? [])]).toEqual([[2], [1]]);
});

test("entries with others between are kept each", () => {
  expect(numbersOf(runsOf(chain([1, 3, 4, 7])).ends)).toEqual([1, 4, 7]);
});

test("entries out of order are kept each", () => {
  expect(numbersOf(runsOf(chain([2, 1])).ends)).toEqual([2, 1]);
});

test("entries of a fork are both kept", () => {
  expect(numbersOf(runsOf([...chain([1, 2]), ...chain([2], "'")]).ends)).toEqual([2, 2]);
});

test("what only claims to follow is kept apart", () => {
  expect(numbersOf(runsOf([...chain([1]), entry(9, "x", "hash 1")]).ends)).toEqual([1, 9]);
});

test("an entry after proved ones begins a run", () => {
  const runs = runsOf(chain([1, 2]));
  runs.settle(runs.ends);
  for (const each of chain([3])) runs.add(each);
  expect(numbersOf(runs.ends)).toEqual([3]);
  expect(numbersOf(runs.takeChanges()?.puts ?? [])).toEqual([3]);
});

test("there are 64 runs at most", () => {
  expect(numbersOf(runsOf(chain(range(0, 200, 2))).ends)).toEqual(range(72, 200, 2));
});
