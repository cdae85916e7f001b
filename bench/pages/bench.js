/** What is measured from a page, through the SDK: each function gives durations in milliseconds. */

import { makeBaseline } from "/baseline.js";
import { KMSUser } from "/sdk/kms-user.js";

const PASSPHRASE = "a passphrase of the benchmarks";
const CREDENTIALS = { method: "passphrase", passphrase: PASSPHRASE };
const ENDPOINT = {
  url: "https://fcm.googleapis.com/fcm/send/benchmark",
  aud: "https://fcm.googleapis.com",
  eid: "benchmark",
};
const UNLIMITED = 1_000_000;
const LEASE = {
  userId: "benchmark",
  subs: [ENDPOINT],
  ttlHours: 12,
  quotas: {
    tokensPerHour: UNLIMITED,
    sendsPerMinute: UNLIMITED,
    burstSends: UNLIMITED,
    sendsPerMinutePerEid: UNLIMITED,
  },
  credentials: CREDENTIALS,
};

let kms;
let issueParams;

async function timed(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** One after the other; the first `warmUp` do not count. */
async function repeated(count, work, warmUp = 0) {
  const durations = [];
  for (let run = -warmUp; run < count; run += 1) {
    const duration = await timed(work);
    if (run >= 0) durations.push(duration);
  }
  return durations;
}

export async function open(kmsOrigin) {
  kms = new KMSUser({ kmsOrigin });
  return timed(() => kms.init());
}

export async function measureSetup(count) {
  const durations = [];
  for (let run = 0; run < count; run += 1) {
    durations.push(await timed(() => kms.setupPassphrase(PASSPHRASE)));
    if (run < count - 1) await kms.resetKMS(CREDENTIALS);
  }
  return durations;
}

export async function measureCreateLease(count) {
  const durations = await repeated(count, () => kms.createLease(LEASE), 1);
  const { leaseId } = await kms.createLease(LEASE);
  issueParams = { leaseId, endpoint: ENDPOINT };
  return durations;
}

/** What PBKDF2 alone costs with the iterations that the enclave has calibrated. */
export async function measurePbkdf2(count, iterations) {
  const bytes = new TextEncoder().encode(PASSPHRASE);
  const key = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt: new Uint8Array(16), iterations };
  return repeated(count, () => crypto.subtle.deriveBits(algorithm, key, 256), 1);
}

export const measureIssue = (count) => repeated(count, () => kms.issueVAPIDJWT(issueParams), 20);

export const measureBatch = (count) => repeated(count, () => kms.issueVAPIDJWTs({ ...issueParams, count: 10 }), 5);

export const measureQuota = (count) => {
  const { leaseId } = issueParams;
  return repeated(count, () => kms.getQuota({ leaseId, eid: ENDPOINT.eid }), 20);
};

export const measureLease = (count) => {
  const { leaseId } = issueParams;
  return repeated(count, () => kms.verifyLease({ leaseId }), 20);
};

export async function measureSignJWT(count) {
  const kid = (await kms.getVAPIDKid()).kid;
  const sign = () => {
    const payload = {
      aud: ENDPOINT.aud,
      sub: "mailto:bench@example.com",
      exp: Math.floor(Date.now() / 1000) + 900,
      jti: crypto.randomUUID(),
    };
    return kms.signJWT(kid, payload, CREDENTIALS);
  };
  return repeated(count, sign, 1);
}

export const measureStatus = (count) => repeated(count, () => kms.getStatus(), 20);

/** Tokens until the log has `entries` entries. */
export async function fillLog(entries) {
  const { auditEntries } = await kms.getStatus();
  for (let missing = entries - auditEntries; missing > 0; missing -= 100) {
    const calls = Array.from({ length: Math.min(missing, 100) }, () => kms.issueVAPIDJWT(issueParams));
    await Promise.all(calls);
  }
  return (await kms.getStatus()).auditEntries;
}

/** Durations of rounds in each of which `calls` calls are under way at once. */
export const measureParallel = (rounds, calls) =>
  repeated(rounds, () => Promise.all(Array.from({ length: calls }, () => kms.issueVAPIDJWT(issueParams))), 1);

export async function measureVerify(rounds) {
  let verdict;
  const durations = await repeated(rounds, async () => {
    verdict = await kms.verifyAuditChain();
  });
  const { entries, valid } = verdict;
  if (!valid) throw new Error("the log of the benchmark does not verify");
  return { durations, entries };
}

/** Gives the file to the browser as a download; how long it took until it was whole. */
export async function measureExport() {
  let exported;
  const duration = await timed(async () => {
    exported = await kms.exportAudit();
  });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(exported.file);
  link.download = "log.jsonl";
  link.click();
  return duration;
}

export const auditPublicKey = async () => (await kms.getAuditPublicKey()).publicKey;

export async function measureBaseline(count) {
  const issue = await makeBaseline();
  return repeated(count, issue, 20);
}

Object.assign(window, {
  open,
  measureSetup,
  measureCreateLease,
  measurePbkdf2,
  measureIssue,
  measureBatch,
  measureQuota,
  measureLease,
  measureSignJWT,
  measureStatus,
  fillLog,
  measureParallel,
  measureVerify,
  measureExport,
  auditPublicKey,
  measureBaseline,
  isLoaded: true,
});
