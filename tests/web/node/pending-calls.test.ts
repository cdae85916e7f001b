/** Calls that wait in the page: a window of them is sent, and every one settles. */

import { beforeEach, expect, test, vi } from "vitest";
import { KMSError } from "../../../web/protocol/errors";
import { MAX_CALLS_IN_FLIGHT, MAX_CALLS_OF_PAGE } from "../../../web/protocol/limits";
import { PendingCalls } from "../../../web/protocol/pending-calls";
import { DEFAULT_TIMEOUTS, methodTimeoutMs } from "../../../web/sdk/channel/timeouts";

const CLOSED = new KMSError("channel.closed");
const OWNER = {};

let sent: number[];
let withdrawn: number[];
let calls: PendingCalls<object>;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  withdrawn = [];
  calls = new PendingCalls({
    hasRoom: (count) => count < MAX_CALLS_OF_PAGE,
    isQueueTimed: false,
    onUnanswered: (id) => withdrawn.push(id),
  });
  return () => vi.useRealTimers();
});

function add(timeoutMs = 1_000, owner: object = OWNER): Promise<unknown> {
  const call = calls.add(owner, "getStatus", timeoutMs, (id) => sent.push(id));
  call.catch(() => undefined); // A test looks at it later.
  return call;
}

function addMany(count: number, timeoutMs?: number): readonly Promise<unknown>[] {
  return Array.from({ length: count }, () => add(timeoutMs));
}

/** The result or the error's code of each promise that has settled by now, and "open" of the others. */
async function statesOf(promises: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  const states: unknown[] = promises.map(() => "open");
  for (const [at, promise] of promises.entries()) {
    const tell = (state: unknown) => {
      states[at] = state;
    };
    promise.then(tell, ({ code }: KMSError) => tell(code));
  }
  await vi.advanceTimersByTimeAsync(0);
  return states;
}

test("more calls than the frame takes at once wait for their turn, and each gets its own reply", async () => {
  const count = 3 * MAX_CALLS_IN_FLIGHT;
  const all = addMany(count);
  expect(sent.length).toBeLessThan(MAX_CALLS_IN_FLIGHT);
  for (let at = 0; at < count; at += 1) calls.settle({ id: sent[at] ?? -1, result: sent[at] });
  expect(await Promise.all(all)).toEqual(Array.from({ length: count }, (_, at) => at));
  expect(sent).toEqual(Array.from({ length: count }, (_, at) => at));
});

test("a reply to nobody, or a second one, changes nothing", async () => {
  const call = add();
  calls.settle({ id: 77, result: "another's" });
  calls.settle({ id: 0, result: "first" });
  calls.settle({ id: 0, result: "second" });
  expect(await call).toBe("first");
});

test("every method has a deadline, which is told to the frame", async () => {
  const call = add(300);
  await vi.advanceTimersByTimeAsync(299);
  expect(await statesOf([call])).toEqual(["open"]);
  await vi.advanceTimersByTimeAsync(1);
  await expect(call).rejects.toMatchObject({
    code: "channel.timeout",
    message: "Request timeout: getStatus (300ms)",
    details: { method: "getStatus", stage: "method", timeoutMs: 300 },
  });
  expect(withdrawn).toEqual([0]);
});

test("a deadline begins when its call is sent", async () => {
  const count = MAX_CALLS_IN_FLIGHT;
  const all = addMany(count, 300);
  const waiting = all.slice(sent.length);
  await vi.advanceTimersByTimeAsync(200);
  for (const id of [...sent]) calls.settle({ id, result: null });
  await vi.advanceTimersByTimeAsync(200);
  expect(new Set(await statesOf(waiting))).toEqual(new Set(["open"]));
  await vi.advanceTimersByTimeAsync(100);
  expect(new Set(await statesOf(waiting))).toEqual(new Set(["channel.timeout"]));
});

test("no deadline runs while the user is being asked, of earlier and of later calls", async () => {
  const earlier = add(300);
  await vi.advanceTimersByTimeAsync(200);
  calls.holdDeadlines(true);
  const later = add(300);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await statesOf([earlier, later])).toEqual(["open", "open"]);
  calls.holdDeadlines(false);
  await vi.advanceTimersByTimeAsync(100);
  expect(await statesOf([earlier, later])).toEqual(["channel.timeout", "open"]);
  await vi.advanceTimersByTimeAsync(200);
  expect(await statesOf([later])).toEqual(["channel.timeout"]);
});

test("what waits ends with the channel, also what was not sent yet, and nothing more is sent", async () => {
  const all = addMany(2 * MAX_CALLS_IN_FLIGHT);
  const before = sent.length;
  calls.rejectAll(CLOSED);
  expect(new Set(await statesOf(all))).toEqual(new Set(["channel.closed"]));
  expect(sent).toHaveLength(before);
  expect(withdrawn).toEqual(sent);
});

test("an owner's end is not that of the others' calls", async () => {
  const [mine, others] = [add(1_000, {}), add()];
  const owner = {};
  const third = add(1_000, owner);
  calls.rejectAll(CLOSED, owner);
  expect(await statesOf([mine, others, third])).toEqual(["open", "open", "channel.closed"]);
  expect(withdrawn).toEqual([2]);
});

test("a timeout of the page's own is every method's", () => {
  expect(methodTimeoutMs("getPublicKey", DEFAULT_TIMEOUTS)).toBe(10_000);
  expect(methodTimeoutMs("verifyAuditChain", DEFAULT_TIMEOUTS)).toBe(300_000);
  expect(methodTimeoutMs("verifyAuditChain", { ...DEFAULT_TIMEOUTS, methodMs: 5 })).toBe(5);
});
