/** A node whose host sleeps: what it had begun goes on afterwards, and no timer takes the sleep for slowness. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AwakeClock } from "../../../worker-node/session/awake.ts";
import { endless, fakeYtDlp, startEdge, startNode } from "./harness.ts";

const HOUR = 3_600_000;

describe("the awake clock", () => {
  let now = 0;
  let clock: AwakeClock;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
    now = 0;
    clock = new AwakeClock(() => now);
  });
  afterEach(() => {
    clock.stop();
    vi.useRealTimers();
  });
  /** Time passes while the process runs. */
  const pass = (ms: number) => {
    for (let done = 0; done < ms; done += 500) {
      now += 500;
      vi.advanceTimersByTime(500);
    }
  };

  it("counts as other clocks do while nothing happens", () => {
    pass(120_000);
    expect(clock.ms()).toBe(120_000);
  });

  it("counts an hour of sleep as the few seconds by which a busy machine is late", () => {
    pass(10_000);
    now += HOUR;
    expect(clock.ms()).toBeLessThanOrEqual(16_000);
    expect(clock.ms()).toBeGreaterThanOrEqual(10_000);
  });

  it("calls after time awake, not at the timer that fires as soon as the sleep is over", () => {
    const run = vi.fn();
    clock.after(60_000, run);
    pass(50_000);
    now += HOUR;
    vi.advanceTimersByTime(10_000);
    expect(run).not.toHaveBeenCalled();
    pass(10_000);
    expect(run).toHaveBeenCalledOnce();
  });

  it("is called off, also after it was armed anew", () => {
    const run = vi.fn();
    const callOff = clock.after(1_000, run);
    vi.advanceTimersByTime(2_000);
    callOff();
    pass(10_000);
    expect(run).not.toHaveBeenCalled();
  });

  it("may be asked for more than a timer can count", () => {
    const run = vi.fn();
    const callOff = clock.after(2 ** 40, run);
    vi.advanceTimersByTime(10);
    expect(run).not.toHaveBeenCalled();
    callOff();
  });
});

describe("an attempt whose deadline passes while its node is asleep", () => {
  it("goes on when the node is awake, and ends by what it has really taken", async () => {
    const edge = await startEdge();
    const began = performance.now();
    // The timers go on, and to the node's clock no time passes: as after a sleep that it does not count.
    let stopped = true;
    const now = () => (stopped ? began : performance.now());
    const { node, events } = await startNode(edge, { ytdlp: fakeYtDlp(endless) }, { now });
    edge.offer({ deadline_ms: 40 });
    await edge.nth("confirm");
    const beats = edge.named("heartbeat").length;
    // Some heartbeats at 30 ms: the timer of 40 ms has fired by then.
    await edge.nth("heartbeat", beats + 6);
    expect(node.busy).toBe(1);
    expect(edge.named("fail")).toEqual([]);
    stopped = false;
    expect((await edge.nth("fail")).body).toMatchObject({ class: "timeout" });
    expect(events.filter(({ event }) => event === "attempt.failed")).toHaveLength(1);
  });
});
