/**
 * A log as an enclave keeps it, written for the tests from RFC 6962 and the C2SP notes.
 *
 * It shows whatever it is told to, also what no honest enclave would: whoever has the keys of a log can sign any. A
 * `Log` is a value, so that keeping an older one is what a copy of the enclave's database is.
 */

import type {
  AuditDelegationCert,
  AuditEntry,
  ProveAuditParams,
  ProveAuditResult,
} from "../../../web/protocol/contract.gen";

type Bytes = Uint8Array<ArrayBuffer>;

interface Key {
  readonly pair: CryptoKeyPair;
  readonly raw: Bytes;
}

export interface Log {
  /** First line of its checkpoints. */
  readonly name: string;
  readonly instanceId: string;
  readonly key: Key;
  /** The user's; null until a setup. */
  readonly auditKey: Key | null;
  readonly entries: readonly AuditEntry[];
}

/** A log of one entry, with `details`. */
export async function beginLog(host: string, details: AuditEntry["details"] = {}): Promise<Log> {
  const instanceId = crypto.randomUUID();
  const log = { name: `${host}/${instanceId}`, instanceId, key: await makeKey(), auditKey: null, entries: [] };
  return append(log, 1, { details });
}

/** `mark` tells entries of a fork from those in whose place they stand. */
export function append(log: Log, count = 1, { mark = "", details = {} as AuditEntry["details"] } = {}): Log {
  const entries = [...log.entries];
  for (let n = 0; n < count; n += 1) {
    const seqNum = entries.length;
    const previousHash = entries.at(-1)?.chainHash ?? "";
    // Its fields in the order of RFC 8785.
    const entry = { chainHash: `${seqNum}${mark}`, details, op: "vapid.issue", previousHash, seqNum };
    entries.push(entry as unknown as AuditEntry);
  }
  return { ...log, entries };
}

export function lastOf(log: Log): AuditEntry {
  const entry = log.entries.at(-1);
  if (!entry) throw new Error("the log is empty");
  return entry;
}

export async function setUp(log: Log): Promise<Log> {
  return append({ ...log, auditKey: await makeKey() });
}

/** What `proveAudit` answers. */
export async function prove(log: Log, { from = null, entries = [] }: ProveAuditParams): Promise<ProveAuditResult> {
  const leaves = await leavesOf(log);
  const isPart = from !== null && from <= leaves.length;
  const paths = entries.map(async (seqNum) => (seqNum < leaves.length ? hexOf(await pathOf(seqNum, leaves)) : null));
  return {
    checkpoint: await noteOf(log),
    auditPublicKey: log.auditKey && base64url(log.auditKey.raw),
    instancePublicKey: base64url(log.key.raw),
    instanceCert: await certificateOf(log),
    consistency: isPart ? hexOf(await subproof(from, leaves, true)) : null,
    inclusion: await Promise.all(paths),
  };
}

/** The signed note (https://c2sp.org/tlog-checkpoint) over all of it. */
export async function noteOf(log: Log): Promise<string> {
  const { name, key, entries } = log;
  const text = utf8(`${name}\n${entries.length}\n${base64(await rootOf(await leavesOf(log)))}\n`);
  const keyId = (await sha256(utf8(`${name}\n`), Uint8Array.of(1), key.raw)).slice(0, 4);
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", key.pair.privateKey, text));
  return `${new TextDecoder().decode(text)}\n\u2014 ${name} ${base64(joined(keyId, signature))}\n`;
}

async function certificateOf({ auditKey, key, instanceId }: Log): Promise<AuditDelegationCert | null> {
  if (!auditKey) return null;
  // Its fields in the order of RFC 8785.
  const certificate = {
    codeHash: "c",
    delegatePub: base64url(key.raw),
    instanceId,
    kmsVersion: "1",
    manifestHash: "m",
    notAfter: null,
    notBefore: 1_700_000_000_000,
    scope: ["instance.start"],
    signerKind: "KIAK",
    type: "audit-delegation",
    version: 1,
  };
  const text = utf8(JSON.stringify(certificate));
  const sig = base64url(new Uint8Array(await crypto.subtle.sign("Ed25519", auditKey.pair.privateKey, text)));
  return { ...certificate, sig } as AuditDelegationCert;
}

async function makeKey(): Promise<Key> {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  return { pair, raw: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)) };
}

function leavesOf({ entries }: Log): Promise<Bytes[]> {
  return Promise.all(entries.map((entry) => sha256(Uint8Array.of(0), utf8(JSON.stringify(entry)))));
}

/** MTH of RFC 6962 section 2.1. */
async function rootOf(leaves: readonly Bytes[]): Promise<Bytes> {
  const [first] = leaves;
  if (leaves.length <= 1 || !first) return first ?? sha256();
  const middle = split(leaves.length);
  return sha256(Uint8Array.of(1), await rootOf(leaves.slice(0, middle)), await rootOf(leaves.slice(middle)));
}

/** PATH of section 2.1.1. */
async function pathOf(index: number, leaves: readonly Bytes[]): Promise<Bytes[]> {
  if (leaves.length === 1) return [];
  const middle = split(leaves.length);
  const [left, right] = [leaves.slice(0, middle), leaves.slice(middle)];
  if (index < middle) return [...(await pathOf(index, left)), await rootOf(right)];
  return [...(await pathOf(index - middle, right)), await rootOf(left)];
}

/** SUBPROOF of section 2.1.2. */
async function subproof(oldSize: number, leaves: readonly Bytes[], isComplete: boolean): Promise<Bytes[]> {
  if (oldSize === leaves.length) return isComplete ? [] : [await rootOf(leaves)];
  const middle = split(leaves.length);
  const [left, right] = [leaves.slice(0, middle), leaves.slice(middle)];
  if (oldSize <= middle) return [...(await subproof(oldSize, left, isComplete)), await rootOf(right)];
  return [...(await subproof(oldSize - middle, right, false)), await rootOf(left)];
}

/** The largest power of two below `count`. */
function split(count: number): number {
  return 2 ** (Math.ceil(Math.log2(count)) - 1);
}

async function sha256(...parts: readonly Bytes[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
}

function joined(...parts: readonly Bytes[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function hexOf(hashes: readonly Bytes[]): readonly string[] {
  return hashes.map((hash) => Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join(""));
}

function base64(bytes: Bytes): string {
  return btoa(String.fromCharCode(...bytes));
}

function base64url(bytes: Bytes): string {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
