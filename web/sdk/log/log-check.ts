/**
 * Whether the enclave's log is the one that this page has seen, grown.
 *
 * Pure but for WebCrypto: what was pinned and what the enclave shows go in, what is to be
 * pinned from now on comes out. It rests on the page's own verification of signature and
 * proofs; the enclave's word counts for nothing here. Whoever holds the Instance Audit Key
 * can sign any log, but none that grew from the pinned one without holding it.
 */

import { decodeBase64url } from "../../protocol/base64url";
import { canonicalBytes } from "../../protocol/canonical-json";
import type { AuditDelegationCert, ProveAuditResult } from "../../protocol/contract.gen";
import { KMSError } from "../../protocol/errors";
import { formatHex, parseHex } from "../../protocol/hashes";
import { verifyEd25519 } from "./ed25519";
import { type Bytes, leafHash, verifyConsistency, verifyInclusion } from "./merkle";
import { type Checkpoint, verifyCheckpoint } from "./signed-note";

/** A log as it was last verified. */
export interface LogPin {
  /** First line of its checkpoints: the enclave's host and the instance. */
  readonly log: string;
  /** base64url; signs the checkpoints. */
  readonly instanceKey: string;
  /** base64url; null until a setup. */
  readonly auditKey: string | null;
  /** The signed note. */
  readonly checkpoint: string;
  readonly size: number;
  /** Hexadecimal. */
  readonly root: string;
}

/** An entry that was handed to the page: what the log must hold. */
export interface PinnedEntry {
  readonly log: string;
  readonly seqNum: number;
  readonly chainHash: string;
  /** RFC 8785. */
  readonly text: string;
}

/** In the order in which they are made; what is named is the first that failed. */
export type LogCheck =
  | "checkpoint"
  | "auditCertificate"
  | "log"
  | "instanceKey"
  | "auditKey"
  | "size"
  | "consistency"
  | "entry";

export class LogMismatch extends Error {
  override readonly name = "LogMismatch";
  readonly check: LogCheck;
  /** What is there instead, as far as it verifies in itself. */
  readonly found: LogPin | null;
  readonly seqNum: number | null;

  constructor(check: LogCheck, found: LogPin | null, seqNum: number | null = null) {
    super(check);
    this.check = check;
    this.found = found;
    this.seqNum = seqNum;
  }
}

/** Resolves to the log that the enclave shows, whichever it is. Rejects with LogMismatch, KMSError `unsupported`. */
export async function verifyStanding(
  shown: ProveAuditResult,
  { expectedHost }: { readonly expectedHost: string },
): Promise<LogPin> {
  const { checkpoint: note, instancePublicKey, auditPublicKey, instanceCert } = shown;
  const checkpoint = await verified(
    verifyCheckpoint(note, decodeKey(instancePublicKey)),
    () => new LogMismatch("checkpoint", null),
  );
  const { origin, size, root } = checkpoint;
  const host = origin.slice(0, origin.lastIndexOf("/"));
  if (host !== expectedHost) throw new LogMismatch("checkpoint", null);
  const found = Object.freeze({
    log: origin,
    instanceKey: instancePublicKey,
    auditKey: auditPublicKey,
    checkpoint: note,
    size,
    root: formatHex(root),
  });
  if (!(await isCertified(found, instanceCert))) throw new LogMismatch("auditCertificate", found);
  return found;
}

/** That `found` is the log of `pin`, not shorter, with everything that was in it. Rejects with LogMismatch. */
export async function verifyGrowth(found: LogPin, pin: LogPin, consistency: readonly string[] | null): Promise<void> {
  if (found.log !== pin.log) throw new LogMismatch("log", found);
  if (found.instanceKey !== pin.instanceKey) throw new LogMismatch("instanceKey", found);
  if (pin.auditKey !== null && found.auditKey !== pin.auditKey) throw new LogMismatch("auditKey", found);
  if (found.size < pin.size) throw new LogMismatch("size", found);
  const failed = () => new LogMismatch("consistency", found);
  if (consistency === null) throw failed();
  const expected = {
    expectedOldSize: pin.size,
    expectedOldRoot: parseHash(pin.root),
    expectedSize: found.size,
    expectedRoot: parseHash(found.root),
  };
  await verified(verifyConsistency(consistency.map(parseHash), expected), failed);
}

/** That every one of `entries` is in the log, byte for byte. Rejects with LogMismatch. */
export async function verifyEntries(
  found: LogPin,
  entries: readonly Pick<PinnedEntry, "seqNum" | "text">[],
  inclusion: ProveAuditResult["inclusion"],
): Promise<void> {
  for (const [index, { seqNum, text }] of entries.entries()) {
    const failed = () => new LogMismatch("entry", found, seqNum);
    const path = inclusion[index];
    if (!path) throw failed();
    const expected = {
      expectedLeaf: await leafHash(new TextEncoder().encode(text)),
      expectedIndex: seqNum,
      expectedSize: found.size,
      expectedRoot: parseHash(found.root),
    };
    await verified(verifyInclusion(path.map(parseHash), expected), failed);
  }
}

/** That a log of `pin` was ended where `note` says: the last checkpoint that its own key has signed. Rejects with LogMismatch. */
export async function verifyClosing(note: string, pin: LogPin): Promise<Checkpoint> {
  const failed = () => new LogMismatch("checkpoint", null);
  const closing = await verified(verifyCheckpoint(note, decodeKey(pin.instanceKey)), failed);
  if (closing.origin !== pin.log) throw failed();
  if (closing.size <= pin.size) throw new LogMismatch("size", null);
  return closing;
}

/** The User Audit Key's word for the Instance Audit Key; without a setup there is neither. */
async function isCertified(found: LogPin, certificate: AuditDelegationCert | null): Promise<boolean> {
  if (found.auditKey === null || certificate === null) return found.auditKey === null && certificate === null;
  const { sig, ...signed } = certificate;
  const isFor =
    signed.signerKind === "KIAK" &&
    signed.delegatePub === found.instanceKey &&
    `/${signed.instanceId}` === found.log.slice(found.log.lastIndexOf("/"));
  return isFor && verifyEd25519(decodeKey(found.auditKey), decodeKey(sig), canonicalBytes(signed));
}

/** What is wrong with a proof or a note is a finding; what the browser cannot do is none. */
async function verified<T>(checking: Promise<T>, mismatch: () => LogMismatch): Promise<T> {
  try {
    return await checking;
  } catch (thrown) {
    throw thrown instanceof KMSError ? thrown : mismatch();
  }
}

/** Empty where it is no base64url: no key, and no signature. */
function decodeKey(text: string): Bytes {
  try {
    return decodeBase64url(text);
  } catch {
    return new Uint8Array();
  }
}

/** Empty where it is no hash: no proof leads anywhere with it. */
function parseHash(text: string): Bytes {
  if (!/^[0-9a-f]{64}$/.test(text)) return new Uint8Array();
  return parseHex(text);
}
