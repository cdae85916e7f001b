/**
 * Which log a page goes on with, what it remembers of it, and in which order it learns of another one.
 *
 * Longer than 400 lines: every rule is about one page and one log that grow step by step, and the functions above the
 * tests hold both.
 */

import { beforeEach, describe, expect, test, vi } from "vitest";
import type { GetAuditLogParams, ProveAuditParams } from "../../../web/protocol/contract.gen";
import type { KMSError } from "../../../web/protocol/errors";
import type { LogPin, PinnedEntry } from "../../../web/sdk/log/log-check";
import { PinStore } from "../../../web/sdk/log/pin-store";
import { type Call, PinnedLog } from "../../../web/sdk/log/pinned-log";
import { append, beginLog, type Log, lastOf, noteOf, prove, setUp } from "./log-double";

/** An origin for every test, so that none finds another one's pins. */
let enclave: string;
let host: string;
/** What the enclave has now. */
let log: Log;
let asked: string[];
let page: PinnedLog;

beforeEach(async () => {
  host = `${crypto.randomUUID()}.example:8501`;
  enclave = `https://${host}`;
  log = await beginLog(host);
  asked = [];
  page = new PinnedLog(enclave);
  return () => vi.useRealTimers();
});

const call = (async (method: string, params: object) => {
  asked.push(method);
  if (method === "proveAudit") return prove(log, params as ProveAuditParams);
  const { from = 0, limit = 1 } = params as GetAuditLogParams;
  return { entries: log.entries.slice(from ?? 0, (from ?? 0) + (limit ?? 1)), next: null };
}) as Call;

/** Loaded anew: nothing is known but what storage has. */
function reload(): PinnedLog {
  page = new PinnedLog(enclave);
  return page;
}

function stored(): Promise<{ readonly pin: LogPin | null; readonly entries: readonly PinnedEntry[] }> {
  return new PinStore(enclave).read();
}

/** The numbers of the entries that storage has. */
async function seen(): Promise<readonly number[]> {
  return (await stored()).entries.map(({ seqNum }) => seqNum);
}

/** Grows the log by entries that are handed to a page. */
function issue(times = 1, to = page): void {
  for (let n = 0; n < times; n += 1) {
    log = append(log);
    to.note(lastOf(log), call);
  }
}

async function refusalOf(checking: Promise<unknown>): Promise<KMSError["details"]> {
  const thrown: KMSError = await checking.then(
    () => Promise.reject(new Error("nothing was refused")),
    (error) => error,
  );
  expect(thrown.code).toBe("audit.rollback");
  return thrown.details;
}

describe("what is no rollback", () => {
  test("a log that grows over restarts", async () => {
    for (const times of [1, 3, 20]) {
      await reload().check(call);
      issue(times);
      await expect.poll(seen).toEqual([log.entries.length - 1]);
    }
    await reload().check(call);
    expect(await stored()).toMatchObject({ pin: { size: log.entries.length, log: log.name }, entries: [] });
  });

  test("entries that others write", async () => {
    await page.check(call);
    issue();
    log = append(log, 20, { mark: "another's" });
    await reload().check(call);
  });

  test("two tabs that issue in turns", async () => {
    const other = new PinnedLog(enclave);
    await page.check(call);
    await other.check(call);
    for (let n = 0; n < 10; n += 1) {
      issue(1, page);
      issue(1, other);
    }
    await other.check(call);
    await page.check(call);
    expect((await stored()).pin?.size).toBe(log.entries.length);
    await reload().check(call);
    await expect.poll(seen).toEqual([]);
  });

  test("a check again while it runs", async () => {
    await page.check(call);
    issue();
    await Promise.all([page.check(call), page.check(call)]);
    expect(page.fault).toBeNull();
  });

  test("a setup, whose key is pinned then", async () => {
    await page.check(call);
    expect((await stored()).pin?.auditKey).toBeNull();
    log = await setUp(log);
    await page.moveOn(call);
    expect((await stored()).pin?.auditKey).toBe((await prove(log, {})).auditPublicKey);
    await reload().check(call);
  });

  test("a pin that another tab has moved on", async () => {
    await page.check(call);
    const other = new PinnedLog(enclave);
    log = append(log, 5);
    await other.check(call);
    await page.check(call);
    expect((await stored()).pin?.size).toBe(log.entries.length);
  });
});

/** Everything as it was some entries ago, and the page has seen more. */
async function putBack(): Promise<Log> {
  await page.check(call);
  issue();
  const older = log;
  issue(3);
  await reload().check(call);
  const newer = log;
  log = older;
  reload();
  return newer;
}

describe("what is a rollback", () => {
  test("an older copy of the log", async () => {
    const newer = await putBack();
    expect(await refusalOf(page.check(call))).toEqual({
      check: "size",
      pinnedLog: newer.name,
      pinnedSize: newer.entries.length,
      foundLog: newer.name,
      foundSize: newer.entries.length - 3,
      seqNum: null,
      endedAt: null,
      abandoned: null,
    });
  });

  test("an older copy that has grown since", async () => {
    const newer = await putBack();
    log = append(log, 10, { mark: "fork" });
    expect(await refusalOf(page.check(call))).toMatchObject({
      check: "consistency",
      pinnedSize: newer.entries.length,
      foundSize: newer.entries.length + 7,
    });
  });

  test("an entry that is gone though no checkpoint covered it", async () => {
    await page.check(call);
    const older = log;
    issue();
    const { seqNum } = lastOf(log);
    await expect.poll(seen).toEqual([seqNum]);
    log = older;
    expect(await refusalOf(reload().check(call))).toMatchObject({ check: "entry", seqNum });
  });

  test("an entry whose place another one took", async () => {
    await page.check(call);
    const older = log;
    issue(2);
    const { seqNum } = lastOf(log);
    await expect.poll(seen).toEqual([seqNum]);
    log = append(older, 5, { mark: "fork" });
    expect(await refusalOf(reload().check(call))).toMatchObject({ check: "entry", seqNum });
  });

  test("an entry that is gone under a running page", async () => {
    await page.check(call);
    const older = log;
    issue();
    log = older;
    expect(await refusalOf(page.check(call))).toMatchObject({ check: "entry" });
  });

  test("another log in its place", async () => {
    await page.check(call);
    const pinned = log;
    log = await beginLog(host);
    const details = await refusalOf(reload().check(call));
    expect(details).toMatchObject({ check: "log", pinnedLog: pinned.name, foundLog: log.name, endedAt: null });
  });

  test("the log of another enclave", async () => {
    log = await beginLog("other.example");
    expect(await refusalOf(page.check(call))).toMatchObject({ check: "checkpoint", foundLog: null });
  });

  test("two pins of two logs, one in memory and one in storage", async () => {
    await page.check(call);
    log = await beginLog(host);
    await new PinStore(enclave).renew({ ...((await stored()).pin as LogPin), log: "elsewhere" });
    expect(await refusalOf(page.check(call))).toMatchObject({ check: "log" });
  });
});

test("it is told until it is accepted, and then the log goes on", async () => {
  const newer = await putBack();
  const first = await refusalOf(page.check(call));
  expect(page.fault?.details).toEqual(first);
  expect(await refusalOf(page.check(call))).toEqual(first);
  expect(await refusalOf(reload().check(call))).toEqual(first);
  expect(await page.accept(call)).toEqual({
    log: log.name,
    size: log.entries.length,
    previous: { log: newer.name, size: newer.entries.length, endedAt: null },
  });
  expect(page.fault).toBeNull();
  issue();
  await page.check(call);
  await reload().check(call);
});

test("where nothing is wrong, accepting changes nothing", async () => {
  await page.check(call);
  expect(await page.accept(call)).toEqual({ log: log.name, size: 1, previous: null });
  expect((await stored()).pin?.size).toBe(1);
});

test("a refused log may grow before it is accepted", async () => {
  await putBack();
  await refusalOf(page.check(call));
  log = append(log, 2);
  expect(await page.accept(call)).toMatchObject({ size: log.entries.length });
});

test("a log that has changed since it was refused is not accepted before it was told too", async () => {
  await putBack();
  await refusalOf(page.check(call));
  log = await beginLog(host);
  expect(await refusalOf(page.accept(call))).toMatchObject({ check: "log" });
  expect(await page.accept(call)).toMatchObject({ log: log.name });
  await page.check(call);
});

test("the right log that is put back ends the alarm", async () => {
  const newer = await putBack();
  await refusalOf(page.check(call));
  log = newer;
  await page.check(call);
  expect(page.fault).toBeNull();
});

test("a fault that is dismissed is found again", async () => {
  await putBack();
  await refusalOf(page.check(call));
  page.dismiss();
  expect(page.fault).toBeNull();
  await refusalOf(page.check(call));
});

describe("after a reset", () => {
  /** Ends the log; the next one names its end as `checkpoint`. */
  async function reset(checkpoint?: string): Promise<string> {
    log = append(log);
    const closing = await noteOf(log);
    log = await beginLog(host, { previousLog: { checkpoint: checkpoint ?? closing } });
    return closing;
  }

  test("a page goes on that was given the end, also after a second reset and a restart", async () => {
    await page.check(call);
    for (let n = 0; n < 2; n += 1) {
      await page.adopt(await reset(), call);
      expect(page.fault).toBeNull();
      expect((await stored()).pin?.log).toBe(log.name);
      issue();
      await page.check(call);
    }
    await reload().check(call);
  });

  test("another page is told where its log has ended", async () => {
    await page.check(call);
    issue();
    const size = log.entries.length + 1;
    await reset();
    expect(await refusalOf(reload().check(call))).toMatchObject({ check: "log", endedAt: size });
    const { previous } = await page.accept(call);
    expect(previous?.endedAt).toBe(size);
  });

  test("a log that does not name the end that the page was given is not adopted", async () => {
    await page.check(call);
    const closing = await reset("another end");
    await page.adopt(closing, call);
    expect(page.fault?.details).toMatchObject({ check: "log", endedAt: null });
  });

  test("an end of an older copy does not end what was seen", async () => {
    await putBack();
    const closing = await reset();
    expect(await refusalOf(reload().check(call))).toMatchObject({ check: "log", endedAt: null });
    await page.adopt(closing, call);
    expect(page.fault).not.toBeNull();
  });

  test("a log that was given up as damaged says why", async () => {
    await page.check(call);
    log = await beginLog(host, { previousLog: { abandoned: "audit.broken" } });
    expect(await refusalOf(page.check(call))).toMatchObject({ abandoned: "audit.broken", endedAt: null });
  });

  test("a first entry that is not in the log says nothing", async () => {
    await page.check(call);
    await reset();
    const genuine = log;
    log = await beginLog(host);
    const lying = (async (method: string, params: object) =>
      method === "getAuditLog"
        ? { entries: genuine.entries, next: null }
        : call(method as never, params as never)) as Call;
    expect(await refusalOf(page.check(lying))).toMatchObject({ check: "log", endedAt: null });
  });
});

describe("what is remembered", () => {
  test("many entries of one page are remembered as one, and forgotten once they are proved", async () => {
    await page.check(call);
    issue(300);
    await expect.poll(seen).toEqual([300]);
    await reload().check(call);
    expect(await seen()).toEqual([]);
  });

  test("entries between those of others are proved before they are many", async () => {
    await page.check(call);
    const before = (await stored()).pin?.size ?? 0;
    for (let n = 0; n < 40; n += 1) {
      log = append(log, 1, { mark: "another's" });
      issue();
    }
    await expect.poll(async () => (await seen()).length).toBeLessThanOrEqual(32);
    expect((await stored()).pin?.size).toBeGreaterThan(before);
  });

  test("an entry is on its way to storage in the turn in which the page has it", async () => {
    await page.check(call);
    const keep = vi.spyOn(PinStore.prototype, "keep");
    issue();
    expect(keep).toHaveBeenCalledOnce();
  });

  test("what still gathers is written when the page goes", async () => {
    await page.check(call);
    const keep = vi.spyOn(PinStore.prototype, "keep");
    issue(10);
    expect(keep.mock.calls.flatMap(([puts]) => puts.map(({ seqNum }) => seqNum))).toEqual([1]);
    dispatchEvent(new PageTransitionEvent("pagehide"));
    expect(keep.mock.calls.flatMap(([puts]) => puts.map(({ seqNum }) => seqNum))).toEqual([1, 10]);
  });

  test("a page whose memory was cleared believes the first log again", async () => {
    await page.check(call);
    await clearMemory();
    log = await beginLog(host);
    await reload().check(call);
  });

  test("memory that is cleared under a running page is made anew", async () => {
    await page.check(call);
    await clearMemory();
    issue();
    await page.check(call);
    expect((await stored()).pin?.size).toBe(log.entries.length);
    await reload().check(call);
  });
});

describe("without storage a page works, and tells what it has seen itself", () => {
  async function expectToWork(): Promise<void> {
    await page.check(call);
    const older = log;
    issue();
    await page.check(call);
    log = older;
    expect(await refusalOf(page.check(call))).toMatchObject({ check: "size" });
  }

  test("where the browser denies it", async () => {
    vi.spyOn(IDBFactory.prototype, "open").mockImplementation(() => {
      throw new DOMException("denied", "SecurityError");
    });
    page = new PinnedLog(enclave);
    await expectToWork();
  });

  test("where the browser does not answer, which is waited for once", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    vi.spyOn(IDBFactory.prototype, "open").mockImplementation(() => new EventTarget() as IDBOpenDBRequest);
    page = new PinnedLog(enclave);
    const started = page.check(call);
    await vi.advanceTimersByTimeAsync(2_000);
    await started;
    await expectToWork();
  });
});

test("a page that cannot verify says so", async () => {
  const { subtle } = crypto;
  const importKey = subtle.importKey.bind(subtle);
  vi.spyOn(SubtleCrypto.prototype, "importKey").mockImplementation(((...parameters: Parameters<typeof importKey>) =>
    parameters[2] === "Ed25519"
      ? Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"))
      : importKey(...parameters)) as typeof importKey);
  await expect(page.check(call)).rejects.toMatchObject({ code: "unsupported", details: { capability: "Ed25519" } });
});

test("nothing but the log's proof is asked for where nothing is wrong", async () => {
  await page.check(call);
  issue();
  await page.check(call);
  expect(asked).toEqual(["proveAudit", "proveAudit"]);
});

function clearMemory(): Promise<void> {
  return new Promise((resolve) => {
    indexedDB.deleteDatabase("kms-user-pins").addEventListener("success", () => resolve());
  });
}
