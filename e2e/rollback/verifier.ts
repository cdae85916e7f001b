/** What the SDK verifies a log with, as functions of JSON: hashes and keys are hexadecimal. */

import { canonicalJson } from "../../web/sdk/canonical-json";
import { EntryRuns } from "../../web/sdk/entry-runs";
import { LogMismatch, verifyEntries, verifyGrowth, verifyStanding } from "../../web/sdk/log-check";
import { type Bytes, leafHash, ProofError, verifyConsistency, verifyInclusion } from "../../web/sdk/merkle";
import { NoteError, verifyCheckpoint } from "../../web/sdk/signed-note";

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

/** null where it holds; anything but a finding is thrown. */
async function findingOf(checking: Promise<unknown>): Promise<string | null> {
  try {
    await checking;
    return null;
  } catch (thrown) {
    const isFinding = thrown instanceof ProofError || thrown instanceof NoteError || thrown instanceof LogMismatch;
    if (isFinding) return thrown.message;
    throw thrown;
  }
}

async function ofInclusion({ path, entry, index, size, root }: Inclusion): Promise<string | null> {
  const expectedLeaf = await leafHash(bytes(entry));
  const expected = { expectedLeaf, expectedIndex: index, expectedSize: size, expectedRoot: bytes(root) };
  return findingOf(verifyInclusion(path.map(bytes), expected));
}

function ofConsistency({ path, oldSize, oldRoot, size, root }: Consistency): Promise<string | null> {
  const expected = { expectedOldSize: oldSize, expectedSize: size, expectedRoot: bytes(root) };
  return findingOf(verifyConsistency(path.map(bytes), { ...expected, expectedOldRoot: bytes(oldRoot) }));
}

function bytes(hex: string): Bytes {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

Object.assign(window, {
  findingsOfInclusion: (cases: readonly Inclusion[]) => Promise.all(cases.map(ofInclusion)),
  findingsOfConsistency: (cases: readonly Consistency[]) => Promise.all(cases.map(ofConsistency)),
  findingsOfNotes: (notes: readonly string[], key: string) =>
    Promise.all(notes.map((note) => findingOf(verifyCheckpoint(note, bytes(key))))),
  findingOf,
  canonicalJson,
  EntryRuns,
  verifyEntries,
  verifyGrowth,
  verifyStanding,
  isLoaded: true,
});
