/** Calls under way in the worker: one that is not answered in its time ends, and the worker with it. */

import { beforeEach, expect, test, vi } from "vitest";
import { Calls } from "../../../web/frame/calls";
import { KMSError } from "../../../web/protocol/errors";

/** Of getPublicKey: a second before the SDK's. */
const FRAME_DEADLINE_MS = 9_000;
const ORIGIN = "https://app.example";

let channel: { answers: boolean; posted: string[]; post(text: string): void; giveUp(): void };
let gaveUp: number;
let told: number[];
let calls: Calls;

beforeEach(() => {
  vi.useFakeTimers();
  gaveUp = 0;
  told = [];
  channel = {
    answers: true,
    posted: [],
    post: (text) => channel.posted.push(text),
    giveUp: () => {
      gaveUp += 1;
    },
  };
  calls = new Calls(channel, { onWithdrawn: (id) => told.push(id) });
  return () => vi.useRealTimers();
});

/** Its outcome: the result, or the error's code. */
function call(withdrawn: AbortSignal = new AbortController().signal): { outcome: unknown } {
  const seen: { outcome: unknown } = { outcome: "open" };
  calls.call("getPublicKey", "{}", ORIGIN, withdrawn).then(
    (result) => {
      seen.outcome = result;
    },
    (error: KMSError) => {
      seen.outcome = error.code;
    },
  );
  return seen;
}

function idsOf(posted: readonly string[]): readonly number[] {
  return posted.map((text) => (JSON.parse(text) as { readonly id: number }).id);
}

/** Until promises that are settled have told so. */
const turn = () => vi.advanceTimersByTimeAsync(0);

test("IDs are the frame's own, and a reply settles its call once", async () => {
  const [first, second] = [call(), call()];
  expect(idsOf(channel.posted)).toEqual([0, 1]);
  calls.settle({ id: 1, result: "second" });
  calls.settle({ id: 1, result: "again" });
  calls.settle({ id: 5, result: "nobody's" });
  await turn();
  expect([first.outcome, second.outcome]).toEqual(["open", "second"]);
});

test("a call that is not answered ends before the page's own deadline, and the worker is given up", async () => {
  const overdue = call();
  await vi.advanceTimersByTimeAsync(FRAME_DEADLINE_MS - 1);
  expect([overdue.outcome, gaveUp]).toEqual(["open", 0]);
  await vi.advanceTimersByTimeAsync(1);
  expect([overdue.outcome, gaveUp]).toEqual(["channel.timeout", 1]);
});

test("the timeout names method and time", async () => {
  const overdue = calls.call("getPublicKey", "{}", ORIGIN, new AbortController().signal);
  const expected = expect(overdue).rejects.toMatchObject({
    message: "Request timeout: getPublicKey (9000ms)",
    details: { method: "getPublicKey", stage: "method", timeoutMs: FRAME_DEADLINE_MS },
  });
  await vi.advanceTimersByTimeAsync(FRAME_DEADLINE_MS);
  await expected;
});

test("a reply in time leaves the worker alone", async () => {
  const answered = call();
  await vi.advanceTimersByTimeAsync(FRAME_DEADLINE_MS - 1);
  calls.settle({ id: 0, result: "in time" });
  await vi.advanceTimersByTimeAsync(FRAME_DEADLINE_MS);
  expect([answered.outcome, gaveUp]).toEqual(["in time", 0]);
});

test("a worker that waits for the user is not given up", async () => {
  const asking = call();
  await vi.advanceTimersByTimeAsync(FRAME_DEADLINE_MS - 1_000);
  calls.holdDeadlines(true);
  const meanwhile = call();
  await vi.advanceTimersByTimeAsync(10 * FRAME_DEADLINE_MS);
  expect([asking.outcome, meanwhile.outcome, gaveUp]).toEqual(["open", "open", 0]);
  calls.holdDeadlines(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([asking.outcome, gaveUp]).toEqual(["channel.timeout", 1]);
});

test("calls wait for a worker that answers, in order, each with its whole time from then on", async () => {
  channel.answers = false;
  const [first, second] = [call(), call()];
  await vi.advanceTimersByTimeAsync(FRAME_DEADLINE_MS - 1);
  expect(channel.posted).toEqual([]);
  channel.answers = true;
  calls.flush();
  expect(idsOf(channel.posted)).toEqual([0, 1]);
  await vi.advanceTimersByTimeAsync(FRAME_DEADLINE_MS - 1);
  expect([first.outcome, second.outcome]).toEqual(["open", "open"]);
  await vi.advanceTimersByTimeAsync(1);
  expect(first.outcome).toBe("channel.timeout");
});

test("a call that no worker has seen in its time is dropped, and no worker given up for it", async () => {
  channel.answers = false;
  const waiting = call();
  await vi.advanceTimersByTimeAsync(FRAME_DEADLINE_MS);
  expect([waiting.outcome, gaveUp]).toEqual(["channel.timeout", 0]);
  channel.answers = true;
  calls.flush();
  expect(channel.posted).toEqual([]);
});

test("of a worker that is gone what was sent is rejected and never sent again, what waits is kept", async () => {
  const sent = call();
  channel.answers = false;
  const waiting = call();
  calls.rejectSent(new KMSError("channel.closed"));
  await turn();
  expect([sent.outcome, waiting.outcome]).toEqual(["channel.closed", "open"]);
  channel.answers = true;
  calls.flush();
  expect(idsOf(channel.posted)).toEqual([0, 1]);
  await vi.advanceTimersByTimeAsync(FRAME_DEADLINE_MS - 1);
  expect([waiting.outcome, gaveUp]).toEqual(["open", 0]);
});

test("a withdrawn call that no worker has seen is never done", async () => {
  channel.answers = false;
  const page = new AbortController();
  const waiting = call(page.signal);
  page.abort();
  await turn();
  expect(waiting.outcome).toBe("unlock.cancelled");
  channel.answers = true;
  calls.flush();
  expect([channel.posted, told]).toEqual([[], []]);
});

test("a withdrawn call that a worker has goes on, but nobody waits for what it asks", async () => {
  const page = new AbortController();
  const sent = call(page.signal);
  expect(calls.isAwaited(0)).toBe(true);
  page.abort();
  expect([calls.isAwaited(0), told]).toEqual([false, [0]]);
  calls.settle({ id: 0, result: "done" });
  await turn();
  expect(sent.outcome).toBe("done");
});

test("nobody waits for what no call asks", () => {
  expect(calls.isAwaited(0)).toBe(false);
});
