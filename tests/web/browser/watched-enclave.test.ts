/** What is answered before a log was found to be the right one, and after another one was found. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KMSUser, RollbackError } from "../../../web/sdk/kms-user";
import { append, beginLog, type Log, lastOf, noteOf, prove, setUp } from "./log-double";
import { PlayedEnclave, type Request } from "./played-enclave";

const ROLLBACK = { code: "audit.rollback" };
const UNINITIALIZED = { code: "channel.not.initialized" };

let enclave: PlayedEnclave;
let log: Log;
let asked: string[];
let users: KMSUser[];
let kms: KMSUser;
/** What a proof waits for. */
let gate: Promise<unknown>;

beforeEach(async () => {
  enclave = new PlayedEnclave();
  enclave.answer = answer;
  log = await beginLog(enclave.host);
  asked = [];
  users = [];
  gate = Promise.resolve();
  kms = make();
});

afterEach(async () => {
  await Promise.all(users.map((each) => each.terminate()));
  enclave.end();
});

async function answer({ method, params }: Request): Promise<unknown> {
  asked.push(method);
  if (method === "proveAudit") {
    await gate;
    return prove(log, params);
  }
  if (method === "getAuditLog") return { entries: log.entries.slice(0, 1), next: null };
  if (method === "setupPassphrase") log = await setUp(log);
  if (method === "resetKMS") {
    const closing = await noteOf(append(log));
    log = await beginLog(enclave.host, { previousLog: { checkpoint: closing } });
    return { success: true, checkpoint: { checkpoint: closing } };
  }
  if (method !== "issueVAPIDJWT") return { method };
  log = append(log);
  return { jwt: "token", auditEntry: lastOf(log) };
}

function make(): KMSUser {
  const user = new KMSUser(enclave.options);
  users.push(user);
  return user;
}

/** How often the log's proof was asked for. */
function proofs(): number {
  return asked.filter((method) => method === "proveAudit").length;
}

/** Another log is in the place of the one that was seen, and the page was told. */
async function startWithAnotherLog(): Promise<void> {
  await kms.init();
  log = await beginLog(enclave.host);
  await expect(kms.init()).rejects.toMatchObject(ROLLBACK);
}

const USES_OF_KEYS: readonly [string, (kms: KMSUser) => Promise<unknown>][] = [
  ["getPublicKey", (kms) => kms.getPublicKey()],
  ["getVAPIDKid", (kms) => kms.getVAPIDKid()],
  ["issueVAPIDJWT", (kms) => kms.issueVAPIDJWT({} as never)],
  ["issueVAPIDJWTs", (kms) => kms.issueVAPIDJWTs({} as never)],
  ["createLease", (kms) => kms.createLease({} as never)],
  ["setup", (kms) => kms.setup()],
  ["setupPassphrase", (kms) => kms.setupPassphrase()],
  ["pruneAudit", (kms) => kms.pruneAudit({ keep: 1, checkpoint: "x" })],
  ["signJWT", (kms) => kms.signJWT("kid", {} as never)],
];

const EVIDENCE: readonly [string, (kms: KMSUser) => Promise<unknown>][] = [
  ["getStatus", (kms) => kms.getStatus()],
  ["getAuditLog", (kms) => kms.getAuditLog({})],
  ["verifyAuditChain", (kms) => kms.verifyAuditChain()],
  ["getAuditPublicKey", (kms) => kms.getAuditPublicKey()],
  ["getAuditCheckpoint", (kms) => kms.getAuditCheckpoint()],
  ["getInclusionProof", (kms) => kms.getInclusionProof({} as never)],
  ["getConsistencyProof", (kms) => kms.getConsistencyProof({} as never)],
];

describe("nothing that uses a key is asked for before the log is checked", () => {
  test.each(USES_OF_KEYS)("%s", async (method, use) => {
    let release: (value?: unknown) => void = () => undefined;
    gate = new Promise((resolve) => {
      release = resolve;
    });
    const started = kms.init();
    await expect.poll(proofs).toBe(1);
    await expect(use(kms)).rejects.toMatchObject(UNINITIALIZED);
    await kms.getStatus();
    expect(asked).not.toContain(method);
    release();
    await started;
  });
});

describe("nothing that uses a key is asked for of another log", () => {
  test.each(USES_OF_KEYS)("%s", async (method, use) => {
    await startWithAnotherLog();
    await expect(use(kms)).rejects.toMatchObject({ ...ROLLBACK, details: { check: "log" } });
    expect(asked).not.toContain(method);
  });
});

describe("the evidence of another log is readable", () => {
  test.each(EVIDENCE)("%s", async (method, read) => {
    await startWithAnotherLog();
    await read(kms);
    expect(asked).toContain(method);
  });
});

test("the error of init() has the ways to the evidence", async () => {
  await kms.init();
  log = await beginLog(enclave.host);
  const error = await kms.init().catch((thrown) => thrown);
  expect(error).toBeInstanceOf(RollbackError);
  expect(Object.keys(error.handle)).toEqual([
    "getStatus",
    "getAuditLog",
    "exportAudit",
    "resetKMS",
    "getAuditCheckpoint",
    "verifyAuditChain",
    "acceptNewLog",
  ]);
  expect(await error.handle.acceptNewLog()).toMatchObject({ log: log.name });
  await kms.getPublicKey();
});

test("a start asks for one proof", async () => {
  await kms.init();
  expect(proofs()).toBe(1);
  await kms.init();
  expect(proofs()).toBe(2);
});

test("what the enclave announces is looked at, and told to the page", async () => {
  await kms.init();
  const heard: unknown[] = [];
  kms.on("audit.checkpoint", (data) => heard.push(data));
  enclave.channel.tell("audit.checkpoint", { checkpoint: "", size: 1 });
  await expect.poll(proofs).toBe(2);
  expect(heard).toEqual([{ checkpoint: "", size: 1 }]);
  await kms.getPublicKey();
});

test("another log under a running enclave stops it, for every instance on the page", async () => {
  const other = make();
  await kms.init();
  await other.init();
  log = await beginLog(enclave.host);
  enclave.channel.tell("audit.checkpoint", {});
  await expect.poll(() => kms.getPublicKey().catch((error) => error.code)).toBe("audit.rollback");
  await expect(other.getPublicKey()).rejects.toMatchObject(ROLLBACK);
  await kms.getStatus();
  await expect(kms.init()).rejects.toMatchObject(ROLLBACK);
  expect(await kms.acceptNewLog()).toMatchObject({ log: log.name });
  await kms.getPublicKey();
});

test("an instance that has seen no log checked is not trusted for another one's acceptance", async () => {
  await startWithAnotherLog();
  const other = make();
  await expect(other.init()).rejects.toMatchObject(ROLLBACK);
  await other.acceptNewLog();
  await other.getVAPIDKid();
  const third = make();
  await expect(third.getVAPIDKid()).rejects.toMatchObject(UNINITIALIZED);
  await third.init();
  await third.getVAPIDKid();
});

test("a setup is proved at once: the user's key is pinned", async () => {
  await kms.init();
  await kms.setupPassphrase("correct horse battery");
  await expect.poll(proofs).toBe(2);
  log = { ...log, auditKey: null };
  await expect(kms.init()).rejects.toMatchObject({ details: { check: "auditKey" } });
});

test("a token's entry must be in the log from then on", async () => {
  await kms.init();
  const older = log;
  await kms.issueVAPIDJWT({} as never);
  log = older;
  await expect(kms.init()).rejects.toMatchObject({ details: { check: "entry", seqNum: older.entries.length } });
});

test("a page goes on after its own reset", async () => {
  await kms.init();
  await kms.resetKMS();
  expect((await kms.acceptNewLog()).previous).toBeNull();
  await kms.getPublicKey();
  await kms.init();
});

test("what is gone is told before a reset destroys the evidence", async () => {
  await kms.init();
  const older = log;
  await kms.issueVAPIDJWT({} as never);
  log = older;
  await expect(kms.resetKMS()).rejects.toMatchObject(ROLLBACK);
  expect(asked).not.toContain("resetKMS");
  await kms.resetKMS();
  expect(asked).toContain("resetKMS");
});

test("a reset that a page asks for in spite of an alarm is not accepted by itself", async () => {
  await startWithAnotherLog();
  await kms.resetKMS();
  await expect(kms.setupPassphrase()).rejects.toMatchObject(UNINITIALIZED);
  await expect(kms.init()).rejects.toMatchObject(ROLLBACK);
  await kms.acceptNewLog();
  await kms.setupPassphrase();
});

test("a log is accepted only by who has an enclave", async () => {
  await expect(kms.acceptNewLog()).rejects.toMatchObject(UNINITIALIZED);
});
