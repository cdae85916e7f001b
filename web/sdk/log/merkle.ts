/**
 * Verifying proofs of a Merkle tree, as in RFC 9162 sections 2.1.3.2 and 2.1.4.2 (RFC 6962), with SHA-256.
 *
 * It shows that a leaf or a smaller tree is part of a tree with a certain root. That this
 * root is the log's is for a checkpoint to say.
 */

import { sha256 } from "../../protocol/hashes";

export type Bytes = Uint8Array<ArrayBuffer>;

const HASH_BYTES = 32;
const LEAF = 0;
const NODE = 1;

/** A proof does not prove what it should. */
export class ProofError extends Error {
  override readonly name = "ProofError";
}

export interface ExpectedInclusion {
  readonly expectedLeaf: Bytes;
  readonly expectedIndex: number;
  readonly expectedSize: number;
  readonly expectedRoot: Bytes;
}

export interface ExpectedConsistency {
  readonly expectedOldSize: number;
  readonly expectedOldRoot: Bytes;
  readonly expectedSize: number;
  readonly expectedRoot: Bytes;
}

export function leafHash(entry: Bytes): Promise<Bytes> {
  return hash(LEAF, entry);
}

/** Rejects with ProofError. */
export async function verifyInclusion(path: readonly Bytes[], expected: ExpectedInclusion): Promise<void> {
  const { expectedIndex, expectedSize } = expected;
  if (!isCount(expectedIndex) || !isCount(expectedSize) || expectedIndex >= expectedSize) {
    throw new ProofError("the leaf is outside the tree");
  }
  const walk = new Walk(expectedIndex, expectedSize - 1);
  let root = expected.expectedLeaf;
  for (const step of path) {
    root = walk.isRight() ? await nodeHash(step, root) : await nodeHash(root, step);
    walk.rise();
  }
  if (!walk.isAtTop()) throw new ProofError("the proof is too short");
  if (!isEqual(root, expected.expectedRoot)) throw new ProofError("the proof leads to another root");
}

/** Rejects with ProofError. */
export async function verifyConsistency(path: readonly Bytes[], expected: ExpectedConsistency): Promise<void> {
  const { expectedOldSize, expectedOldRoot, expectedSize, expectedRoot } = expected;
  if (!isCount(expectedOldSize) || !isCount(expectedSize) || expectedOldSize < 1 || expectedOldSize > expectedSize) {
    throw new ProofError("the older tree is empty, or larger");
  }
  if (expectedOldSize === expectedSize) {
    if (path.length > 0) throw new ProofError("the proof is too long");
    if (!isEqual(expectedOldRoot, expectedRoot)) throw new ProofError("trees of one size have different roots");
    return;
  }
  // A complete older tree is a subtree of the newer one, and not in the proof.
  const [first, ...steps] = isPowerOfTwo(expectedOldSize) ? [expectedOldRoot, ...path] : path;
  if (path.length === 0 || !first) throw new ProofError("the proof is too short");
  const walk = new Walk(expectedOldSize - 1, expectedSize - 1);
  walk.skipRight();
  let oldRoot = first;
  let root = first;
  for (const step of steps) {
    if (walk.isRight()) {
      oldRoot = await nodeHash(step, oldRoot);
      root = await nodeHash(step, root);
    } else root = await nodeHash(root, step);
    walk.rise();
  }
  if (!walk.isAtTop()) throw new ProofError("the proof is too short");
  if (!isEqual(oldRoot, expectedOldRoot)) throw new ProofError("the proof does not begin with the older root");
  if (!isEqual(root, expectedRoot)) throw new ProofError("the proof leads to another root");
}

/** From a leaf to the root: `fn` and `sn` of the RFC. By division: bit operations end at 32 bits. */
class Walk {
  #node: number;
  #last: number;

  constructor(node: number, last: number) {
    this.#node = node;
    this.#last = last;
  }

  /** Whether the next hash stands to the left. Throws ProofError where there is none to come. */
  isRight(): boolean {
    if (this.#last === 0) throw new ProofError("the proof is too long");
    return isOdd(this.#node) || this.#node === this.#last;
  }

  rise(): void {
    // A node without a right neighbour is its own parent until it has a left one.
    if (this.#node === this.#last) while (this.#node > 0 && !isOdd(this.#node)) this.#halve();
    this.#halve();
  }

  skipRight(): void {
    while (isOdd(this.#node)) this.#halve();
  }

  isAtTop(): boolean {
    return this.#last === 0;
  }

  #halve(): void {
    this.#node = Math.floor(this.#node / 2);
    this.#last = Math.floor(this.#last / 2);
  }
}

function nodeHash(left: Bytes, right: Bytes): Promise<Bytes> {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new ProofError("a hash has a wrong length");
  return hash(NODE, left, right);
}

async function hash(kind: number, ...parts: readonly Bytes[]): Promise<Bytes> {
  return sha256(concat(Uint8Array.of(kind), ...parts));
}

export function concat(...parts: readonly Bytes[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

export function isEqual(one: Bytes, other: Bytes): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function isPowerOfTwo(value: number): boolean {
  let rest = value;
  while (!isOdd(rest)) rest /= 2;
  return rest === 1;
}
