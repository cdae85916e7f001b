/** How the worker starts, is refused, crashes and comes back. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { recentCrashes, restartDelayMs } from "../../../web/frame/restarts";
import { type EnclaveState, Supervisor } from "../../../web/frame/supervisor";
import type { RunningMessage } from "../../../web/protocol/enclave";
import type { KMSError } from "../../../web/protocol/errors";
import { StartError } from "../../../worker/start/stage";

const BUILD = { version: "9.9.9", manifestHash: "m", codeHash: "c", capabilities: [] };
const SILENCE_MS = 150_000;

class ScriptedWorker extends EventTarget {
  readonly posted: string[] = [];
  isTerminated = false;

  postMessage(text: string): void {
    this.posted.push(text);
  }

  terminate(): void {
    this.isTerminated = true;
  }

  say(message: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  ready(): void {
    this.say({ type: "kms:ready", ...BUILD });
  }

  progress(stage = "python"): void {
    this.say({ type: "kms:progress", stage, ratio: 0.5 });
  }

  refuse(code: string): void {
    this.say({ type: "kms:refused", error: { code, message: "The start was refused", details: { stage: "entry" } } });
  }

  crash(failure = "error"): void {
    this.dispatchEvent(new Event(failure));
  }
}

let workers: ScriptedWorker[];
let states: EnclaveState[];
let messages: RunningMessage[];
let crashes: number;
let launch: () => Promise<Worker>;
let supervisor: Supervisor;

beforeEach(() => {
  vi.useFakeTimers();
  workers = [];
  states = [];
  messages = [];
  crashes = 0;
  launch = launchScripted;
  supervisor = new Supervisor(() => launch(), {
    onMessage: (message) => messages.push(message),
    onState: (state) => states.push(state),
    onCrash: () => {
      crashes += 1;
    },
  });
  return () => vi.useRealTimers();
});

async function launchScripted(): Promise<Worker> {
  const worker = new ScriptedWorker();
  workers.push(worker);
  return worker as unknown as Worker;
}

/** The newest one, once it is launched. */
async function nextWorker(): Promise<ScriptedWorker> {
  await vi.advanceTimersByTimeAsync(1);
  const worker = workers.at(-1);
  if (!worker || worker.isTerminated) throw new Error("no worker was launched");
  return worker;
}

async function startReady(): Promise<ScriptedWorker> {
  await supervisor.start();
  const worker = await nextWorker();
  worker.ready();
  return worker;
}

function refusal(): KMSError {
  const { state } = supervisor;
  if (state.name !== "refused") throw new Error(`it is ${state.name}`);
  return state.error;
}

test("it is ready with the build that the worker names", async () => {
  await supervisor.start();
  (await nextWorker()).progress();
  expect(supervisor.state).toMatchObject({ name: "starting", progress: { stage: "python", ratio: 0.5 } });
  expect(supervisor.answers).toBe(false);
  workers[0]?.ready();
  expect(supervisor.state).toEqual({ name: "ready", build: BUILD });
  expect(supervisor.answers).toBe(true);
});

test("what is no message of the worker changes nothing", async () => {
  const worker = await startReady();
  const before = states.length;
  for (const data of [{ id: 1, result: "not text" }, "not json", "[1]", null]) {
    worker.dispatchEvent(new MessageEvent("message", { data }));
  }
  worker.say({ id: 1, result: "after" });
  expect(states).toHaveLength(before);
  expect(messages).toEqual([{ type: "reply", reply: { id: 1, result: "after" } }]);
});

test("progress of a worker that is ready changes nothing", async () => {
  (await startReady()).progress();
  expect(supervisor.state.name).toBe("ready");
});

describe("a crash ends the worker, and another one starts at once", () => {
  test.each(["error", "messageerror"])("%s", async (failure) => {
    const worker = await startReady();
    worker.crash(failure);
    expect([worker.isTerminated, crashes, supervisor.state.name]).toEqual([true, 1, "starting"]);
    (await nextWorker()).ready();
    expect([workers.length, supervisor.state.name]).toEqual([2, "ready"]);
  });
});

test("what a worker says after its end is not heard", async () => {
  const gone = await startReady();
  gone.crash();
  await nextWorker();
  gone.ready();
  gone.say({ id: 1, result: "late" });
  gone.crash();
  expect([supervisor.state.name, messages, crashes]).toEqual(["starting", [], 1]);
});

test("a worker that is given up is ended, and another one starts", async () => {
  const worker = await startReady();
  supervisor.giveUp();
  expect([worker.isTerminated, crashes]).toEqual([true, 1]);
  (await nextWorker()).ready();
  expect(supervisor.answers).toBe(true);
});

test("one that still starts is not given up for a call", async () => {
  await supervisor.start();
  const worker = await nextWorker();
  supervisor.giveUp();
  expect([worker.isTerminated, crashes]).toEqual([false, 0]);
});

test("what is posted reaches the worker that runs", async () => {
  const first = await startReady();
  first.crash();
  const second = await nextWorker();
  supervisor.post("text");
  expect([first.posted, second.posted]).toEqual([[], ["text"]]);
});

test("a worker that crashes in three starts is refused, with the stage that it came to", async () => {
  await supervisor.start();
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await vi.advanceTimersByTimeAsync(5_000);
    const worker = await nextWorker();
    worker.progress();
    worker.crash();
  }
  expect([refusal().code, refusal().details]).toEqual(["channel.closed", { stage: "python" }]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(workers).toHaveLength(3);
});

test("silence while it starts is a crash, and every sign of progress gives it the whole time again", async () => {
  await supervisor.start();
  const worker = await nextWorker();
  await vi.advanceTimersByTimeAsync(SILENCE_MS / 2);
  worker.progress();
  await vi.advanceTimersByTimeAsync(SILENCE_MS - 1);
  expect(crashes).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect([crashes, worker.isTerminated]).toEqual([1, true]);
});

test("a worker that is ready may be silent", async () => {
  await startReady();
  await vi.advanceTimersByTimeAsync(10 * SILENCE_MS);
  expect([crashes, supervisor.state.name]).toEqual([0, "ready"]);
});

test("a launch that takes longer than its silence brings in no second worker", async () => {
  let release: (worker: Worker) => void = () => undefined;
  launch = () => new Promise((resolve) => (release = resolve));
  void supervisor.start();
  launch = launchScripted;
  await vi.advanceTimersByTimeAsync(SILENCE_MS);
  const second = await nextWorker();
  const late = new ScriptedWorker();
  release(late as unknown as Worker);
  await vi.advanceTimersByTimeAsync(0);
  expect([late.isTerminated, second.isTerminated]).toEqual([true, false]);
});

test("a start that the worker refuses is final, with its reason", async () => {
  await supervisor.start();
  const worker = await nextWorker();
  worker.refuse("storage.blocked");
  expect(refusal()).toMatchObject({ code: "storage.blocked", message: "The start was refused" });
  expect(refusal().details).toEqual({ stage: "entry" });
  expect([worker.isTerminated, supervisor.answers, supervisor.isLocked]).toEqual([true, false, false]);
});

test("a locked worker stays and answers, and starts anew when it is told to", async () => {
  await supervisor.start();
  const worker = await nextWorker();
  worker.refuse("attestation.failed");
  expect([worker.isTerminated, supervisor.answers, supervisor.isLocked]).toEqual([false, true, true]);
  const restarted = supervisor.restart();
  expect([worker.isTerminated, supervisor.state.name]).toEqual([true, "starting"]);
  (await nextWorker()).ready();
  await restarted;
  expect(supervisor.state.name).toBe("ready");
});

test("a first launch that fails is final", async () => {
  launch = () => Promise.reject(new TypeError("no network"));
  await supervisor.start();
  expect(refusal().code).toBe("internal");
});

test("a launch after a crash that fails is tried again", async () => {
  const worker = await startReady();
  launch = () => Promise.reject(new TypeError("no network"));
  worker.crash();
  await vi.advanceTimersByTimeAsync(0);
  expect(supervisor.state.name).toBe("starting");
  launch = launchScripted;
  await vi.advanceTimersByTimeAsync(1_000);
  (await nextWorker()).ready();
  expect(supervisor.state.name).toBe("ready");
});

test("a file that is not the one that was built is final, also after a crash", async () => {
  const worker = await startReady();
  launch = () => Promise.reject(new StartError("lists", "integrity.failed", "another file"));
  worker.crash();
  await vi.advanceTimersByTimeAsync(0);
  expect(refusal().code).toBe("integrity.failed");
});

test("a crash loop becomes slow, and old crashes count no more", () => {
  expect(restartDelayMs([0], 0)).toBe(0);
  expect(restartDelayMs([0, 10], 10)).toBe(1_000);
  expect(restartDelayMs([0, 10, 20], 20)).toBe(5_000);
  expect(restartDelayMs([0, 10, 20, 30], 30)).toBe(30_000);
  expect(restartDelayMs([0, 10, 60_000], 60_000)).toBe(1_000);
  expect(recentCrashes([0, 1, 60_000], 60_000)).toEqual([1, 60_000]);
});
