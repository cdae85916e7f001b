/** A deadline that stands still while the user is asked. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Deadline } from "../../../web/protocol/deadline";

const expired = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  expired.mockReset();
});
afterEach(() => vi.useRealTimers());

test("one that runs expires after its duration, once", () => {
  new Deadline(1_000, expired).run();
  vi.advanceTimersByTime(999);
  expect(expired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(5_000);
  expect(expired).toHaveBeenCalledTimes(1);
});

test("one that is held goes on from where it stood", () => {
  const deadline = new Deadline(1_000, expired);
  deadline.run();
  for (let times = 0; times < 2; times += 1) {
    vi.advanceTimersByTime(300);
    deadline.hold();
    vi.advanceTimersByTime(5_000);
    expect(expired).not.toHaveBeenCalled();
    deadline.run();
  }
  vi.advanceTimersByTime(399);
  expect(expired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(expired).toHaveBeenCalledTimes(1);
});

test("one that runs or stands still already does so as before", () => {
  const deadline = new Deadline(1_000, expired);
  deadline.hold();
  deadline.run();
  vi.advanceTimersByTime(500);
  deadline.run();
  vi.advanceTimersByTime(500);
  expect(expired).toHaveBeenCalledTimes(1);
});

test("one that begins anew has its whole duration", () => {
  const deadline = new Deadline(1_000, expired);
  deadline.run();
  vi.advanceTimersByTime(900);
  deadline.restart();
  vi.advanceTimersByTime(999);
  expect(expired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(expired).toHaveBeenCalledTimes(1);
});

test("one that was stopped never expires", () => {
  const deadline = new Deadline(1_000, expired);
  deadline.run();
  deadline.stop();
  vi.advanceTimersByTime(5_000);
  expect(expired).not.toHaveBeenCalled();
});
