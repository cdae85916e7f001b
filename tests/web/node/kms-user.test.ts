/** KMSUser before there is an enclave: options, handlers, and which method its other names are. */

import { describe, expect, test, vi } from "vitest";
import { KMSError } from "../../../web/protocol/errors";
import type { KMSUserOptions } from "../../../web/sdk/channel/options";
import { KMSUser } from "../../../web/sdk/kms-user";
import { WatchedEnclave } from "../../../web/sdk/watched-enclave";

const kmsOrigin = "https://kms.example";
const PAGE_ORIGIN = "https://app.example";

/** The error that `attempt` throws; fails where it throws none, or another. */
function refusalOf(attempt: () => unknown): KMSError {
  try {
    attempt();
  } catch (thrown) {
    if (thrown instanceof KMSError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
}

describe("bad options are refused at once", () => {
  test.each<[string, unknown]>([
    ["no origin", {}],
    ["no url", { kmsOrigin: "kms.example" }],
    ["a path", { kmsOrigin: `${kmsOrigin}/path` }],
    ["another scheme", { kmsOrigin: "javascript:alert(1)" }],
    ["a path that leaves", { kmsOrigin, kmsPath: "//elsewhere.example/" }],
    ["a relative path", { kmsOrigin, kmsPath: "kms" }],
    ["a path that is no text", { kmsOrigin, kmsPath: 5 }],
    ["a timeout of nothing", { kmsOrigin, timeouts: { helloMs: 0 } }],
    ["a timeout that no timer takes", { kmsOrigin, timeouts: { helloMs: 2 ** 31 } }],
    ["a timeout that is no number", { kmsOrigin, timeouts: { helloMs: "soon" } }],
    ["a timeout that is a number's text", { kmsOrigin, timeouts: { helloMs: "5" } }],
    ["a timeout of another name", { kmsOrigin, timeouts: { helloMS: 5 } }],
    ["timeouts that are none", { kmsOrigin, timeouts: null }],
    ["a callback that is none", { kmsOrigin, onProgress: 5 }],
    ["a debug log that is none", { kmsOrigin, debug: "verbose" }],
    ["another way to ask", { kmsOrigin, promptMode: "silent" }],
    ["nothing", undefined],
    ["null", null],
  ])("%s", (_, options) => {
    expect(refusalOf(() => new KMSUser(options as KMSUserOptions)).code).toBe("request.invalid");
  });
});

describe("an origin that is none is told by its own fault", () => {
  test.each<[string, unknown, string]>([
    ["no text", 5, "must be text"],
    ["no URL", "http://kms.example:99999", "is not a URL"],
    ["a host alone", "kms.example", "is not a URL"],
    ["host and port", "localhost:8501", "must begin with https:// or http://"],
    ["another scheme", "ftp://kms.example", "must begin with https:// or http://"],
    ["user information", "https://a:b@kms.example", "user information"],
    ["a path", "https://kms.example/path", "belongs into kmsPath"],
    ["a query", "https://kms.example/?a", "without query"],
    ["a fragment", "https://kms.example/#a", "without query and fragment"],
    ["the page's own", PAGE_ORIGIN, "the page's own origin"],
  ])("%s", (_, origin, fault) => {
    vi.stubGlobal("location", new URL(PAGE_ORIGIN));
    const { code, message, details } = refusalOf(() => new KMSUser({ kmsOrigin: origin as string }));
    expect([code, details.field]).toEqual(["request.invalid", "kmsOrigin"]);
    expect(message).toContain(fault);
  });
});

test("before init() nothing is called, and nothing is known of the enclave", async () => {
  const kms = new KMSUser({ kmsOrigin });
  await expect(kms.getStatus()).rejects.toMatchObject({
    code: "channel.not.initialized",
    message: "KMS not initialized. Call init() first.",
  });
  await expect(kms.acceptNewLog()).rejects.toMatchObject({ code: "channel.not.initialized" });
  expect([kms.version, kms.manifestHash, kms.capabilities]).toEqual([null, null, []]);
});

test("without a document there is no enclave", async () => {
  await expect(new KMSUser({ kmsOrigin }).init()).rejects.toMatchObject({ code: "unsupported" });
});

describe("a handler that nothing would call is refused", () => {
  const handler = () => 1;
  test.each<[unknown, unknown, string]>([
    ["made.up", handler, "event"],
    ["constructor", handler, "event"],
    [undefined, handler, "event"],
    ["quota.alert", undefined, "handler"],
    ["quota.alert", null, "handler"],
    ["quota.alert", { handleEvent() {} }, "handler"],
  ])("%s, %s", (event, listener, field) => {
    const kms = new KMSUser({ kmsOrigin });
    const { code, details } = refusalOf(() => kms.on(event as never, listener as never));
    expect([code, details.field]).toEqual(["request.invalid", field]);
  });
});

/** A KMSUser whose calls resolve to what they are. */
function echoing(): KMSUser {
  vi.spyOn(WatchedEnclave.prototype, "call").mockImplementation(
    async (method, params) => ({ method, params }) as never,
  );
  return new KMSUser({ kmsOrigin });
}

describe("an alias is the flat method, also where it is taken from its object", () => {
  test.each([
    ["leases", "create", "createLease"],
    ["leases", "extend", "extendLease"],
    ["leases", "refresh", "refreshLease"],
    ["leases", "resume", "resumeLease"],
    ["leases", "revoke", "revokeLease"],
    ["leases", "revokeAll", "revokeAllLeases"],
    ["leases", "suspendPattern", "suspendPattern"],
    ["leases", "unsuspendPattern", "unsuspendPattern"],
    ["leases", "list", "getLeases"],
    ["leases", "verify", "verifyLease"],
    ["leases", "quota", "getQuota"],
    ["leases", "recordSends", "recordSends"],
    ["vapid", "generate", "generateVAPID"],
    ["vapid", "regenerate", "regenerateVAPID"],
    ["vapid", "sign", "signJWT"],
    ["vapid", "kid", "getVAPIDKid"],
    ["vapid", "publicKey", "getPublicKey"],
  ])("%s.%s", async (group, alias, method) => {
    const kms = echoing() as unknown as Record<string, Record<string, (params: object) => Promise<unknown>>>;
    const call = kms[group]?.[alias];
    expect(await call?.({ leaseId: "x" })).toMatchObject({ method });
  });
});

test("vapid.issue is issueVAPIDJWT", async () => {
  const issue = vi.spyOn(WatchedEnclave.prototype, "issue").mockResolvedValue("token" as never);
  const { issue: alias } = new KMSUser({ kmsOrigin }).vapid;
  const params = { leaseId: "x" } as never;
  expect(await alias(params)).toBe("token");
  expect(issue).toHaveBeenCalledWith(params);
});

test("a batch by its other name comes with the key that signed it", async () => {
  const tokens = ["one", "two"].map((jwt) => ({ jwt, vapidPublicKey: "its key" }));
  vi.spyOn(WatchedEnclave.prototype, "issueMany").mockResolvedValue(tokens as never);
  const kms = new KMSUser({ kmsOrigin });
  const params = { leaseId: "x" } as never;
  expect(await kms.issueVAPIDJWTs(params)).toEqual(tokens);
  expect(await kms.vapid.issueBatch(params)).toEqual({ tokens, vapidPublicKey: "its key" });
});

test("an empty batch is an error of the enclave", async () => {
  vi.spyOn(WatchedEnclave.prototype, "issueMany").mockResolvedValue([]);
  const batch = new KMSUser({ kmsOrigin }).vapid.issueBatch({ leaseId: "x" } as never);
  await expect(batch).rejects.toMatchObject({ code: "internal" });
});

test("a public key by its other name is text", async () => {
  vi.spyOn(WatchedEnclave.prototype, "call").mockResolvedValue({ kid: "k", publicKey: "text" } as never);
  const kms = new KMSUser({ kmsOrigin });
  expect(await kms.exportPublicKey("k")).toEqual({ kid: "k", publicKey: "text" });
  expect(await kms.vapid.exportPublicKey("k")).toBe("text");
});

describe("a lease may be named by its ID alone", () => {
  const methods = ["revokeLease", "verifyLease", "refreshLease", "resumeLease"] as const;
  test.each(methods)("%s", async (method) => {
    const kms = echoing();
    for (const lease of ["x", { leaseId: "x" }]) {
      expect(await kms[method](lease)).toEqual({ method, params: { leaseId: "x" } });
    }
  });
});

test("the whole log is read in pages, a part of it as one", async () => {
  const entry = (seqNum: number) => ({ seqNum });
  const read = vi.spyOn(WatchedEnclave.prototype, "call").mockImplementation(async (_, params) => {
    const { from } = params as { readonly from: number };
    return { entries: [entry(from), entry(from + 1)], next: from < 4 ? from + 2 : null } as never;
  });
  const kms = new KMSUser({ kmsOrigin });
  expect(await kms.getAuditLog()).toEqual({ entries: [0, 1, 2, 3, 4, 5].map(entry), next: null });
  expect(read).toHaveBeenCalledTimes(3);
  expect(await kms.getAuditLog({ from: 2 })).toEqual({ entries: [2, 3].map(entry), next: 4 });
});
