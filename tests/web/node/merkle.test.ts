/** The page's own verification of proofs: others' vectors, and what others' code makes. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { leafHash, ProofError, verifyConsistency, verifyInclusion } from "../../../web/sdk/log/merkle";
import { bytesOf, readOracle } from "./oracle";

interface Inclusion {
  readonly path: readonly string[];
  readonly entry: string;
  readonly index: number;
  readonly size: number;
  readonly root: string;
}

interface Consistency {
  readonly path: readonly string[];
  readonly oldSize: number;
  readonly oldRoot: string;
  readonly size: number;
  readonly root: string;
}

interface Proofs {
  readonly inclusions: readonly Inclusion[];
  readonly consistencies: readonly Consistency[];
  readonly alteredInclusions: readonly Inclusion[];
  readonly alteredConsistencies: readonly Consistency[];
  readonly inclusionsOfOtherSizes: readonly (Inclusion & { readonly holds: boolean })[];
  readonly beyond32Bits: Inclusion;
}

interface Vectors {
  readonly entries: readonly string[];
  readonly roots: Readonly<Record<string, string>>;
  readonly inclusion: readonly Omit<Inclusion, "entry" | "root">[];
  readonly consistency: readonly Omit<Consistency, "oldRoot" | "root">[];
}

const PROOFS = readOracle("proofs") as Proofs;
const VECTORS = JSON.parse(readFileSync("tests/vectors/merkle.json", "utf-8")) as Vectors;

async function includes({ path, entry, index, size, root }: Inclusion): Promise<boolean> {
  const expectedLeaf = await leafHash(bytesOf(entry));
  const expected = { expectedLeaf, expectedIndex: index, expectedSize: size, expectedRoot: bytesOf(root) };
  return holds(verifyInclusion(path.map(bytesOf), expected));
}

function isConsistent({ path, oldSize, oldRoot, size, root }: Consistency): Promise<boolean> {
  const expected = { expectedOldSize: oldSize, expectedSize: size, expectedRoot: bytesOf(root) };
  return holds(verifyConsistency(path.map(bytesOf), { ...expected, expectedOldRoot: bytesOf(oldRoot) }));
}

/** Anything but a finding is thrown. */
async function holds(checking: Promise<void>): Promise<boolean> {
  try {
    await checking;
    return true;
  } catch (thrown) {
    if (thrown instanceof ProofError) return false;
    throw thrown;
  }
}

/** Those of `cases` that are not judged as they should be. */
async function misjudged<Case>(
  cases: readonly Case[],
  judge: (each: Case) => Promise<boolean>,
  expected: (each: Case) => boolean,
): Promise<readonly Case[]> {
  expect(cases.length).toBeGreaterThan(0);
  const verdicts = await Promise.all(cases.map(judge));
  return cases.filter((each, at) => verdicts[at] !== expected(each));
}

const yes = () => true;
const no = () => false;
const root = (size: number) => VECTORS.roots[size] ?? "";

test("others' vectors of inclusion hold", async () => {
  const cases = VECTORS.inclusion.map((each) => ({
    ...each,
    entry: VECTORS.entries[each.index] ?? "",
    root: root(each.size),
  }));
  expect(await misjudged(cases, includes, yes)).toEqual([]);
});

test("others' vectors of consistency hold", async () => {
  const cases = VECTORS.consistency.map((each) => ({ ...each, oldRoot: root(each.oldSize), root: root(each.size) }));
  expect(await misjudged(cases, isConsistent, yes)).toEqual([]);
});

test("every leaf of every tree is found", async () => {
  expect(await misjudged(PROOFS.inclusions, includes, yes)).toEqual([]);
});

test("every tree is found to begin with every smaller one", async () => {
  expect(await misjudged(PROOFS.consistencies, isConsistent, yes)).toEqual([]);
});

test("no altered proof of inclusion holds", async () => {
  expect(await misjudged(PROOFS.alteredInclusions, includes, no)).toEqual([]);
});

test("no altered proof of consistency holds", async () => {
  expect(await misjudged(PROOFS.alteredConsistencies, isConsistent, no)).toEqual([]);
});

test("a proof of another size proves what it proves by the RFC", async () => {
  expect(await misjudged(PROOFS.inclusionsOfOtherSizes, includes, ({ holds }) => holds)).toEqual([]);
});

test("a tree of a size beyond 32 bits is walked exactly", async () => {
  const { beyond32Bits } = PROOFS;
  expect(await includes(beyond32Bits)).toBe(true);
  expect(await includes({ ...beyond32Bits, index: beyond32Bits.index - 1 })).toBe(false);
});
