import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { atTime } from "../../../edge/events/at-time.ts";

const DAY_MS = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: 1_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

it.each([10, 40 * DAY_MS])("runs the work after %i ms, and not before", (ms) => {
  const work = vi.fn();
  atTime(Date.now() + ms, work);
  vi.advanceTimersByTime(ms - 1);
  expect(work).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(work).toHaveBeenCalledTimes(1);
});

it("runs what is past already in the next moment", () => {
  const work = vi.fn();
  atTime(0, work);
  expect(work).not.toHaveBeenCalled();
  vi.advanceTimersByTime(0);
  expect(work).toHaveBeenCalledTimes(1);
});

it.each([null, 41 * DAY_MS])("never runs it without a time, or once it is cancelled", (time) => {
  const work = vi.fn();
  const cancel = atTime(time, work);
  vi.advanceTimersByTime(39 * DAY_MS);
  cancel();
  vi.advanceTimersByTime(90 * DAY_MS);
  expect([work.mock.calls.length, vi.getTimerCount()]).toEqual([0, 0]);
});
