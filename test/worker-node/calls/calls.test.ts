import { describe, expect, it } from "vitest";
import type { CallAnswer } from "../../../shared/contract/calls.ts";
import { type CallFrame, Calls, type CallsOptions } from "../../../worker-node/calls/calls.ts";

const ID = (at: number) => `01a2310c-0100-726b-b2a7-${String(at).padStart(12, "0")}`;
const OK: CallAnswer = { ok: true, result: { kind: "expand", title: null, entries: [], truncated: false } };

function frame(at: number, deadlineMs = 60_000): CallFrame {
  return { type: "call", call: ID(at), deadline_ms: deadlineMs, request: { kind: "look", url: "http://a.example/" } };
}

/** Calls whose work begins and ends when the test says so. */
function desk(options: Partial<CallsOptions> = {}) {
  const begun = new Map<string, { finish(answer?: CallAnswer): void; ended: boolean }>();
  const waiters = new Map<string, () => void>();
  const answers = new Map<string, CallAnswer>();
  const events: string[] = [];
  const eventWaiters: { count: number; wake(): void }[] = [];
  const calls = new Calls({
    work: (asked, signal) => {
      const { promise, resolve } = Promise.withResolvers<CallAnswer>();
      const work = { finish: (answer = OK) => resolve(answer), ended: false };
      begun.set(asked.call, work);
      waiters.get(asked.call)?.();
      signal.addEventListener("abort", () => resolve({ ok: false, class: "timeout", message: "late" }));
      return promise.finally(() => {
        work.ended = true;
      });
    },
    log: (_level, event, fields) => {
      events.push(`${event} ${fields?.call} ${fields?.outcome ?? ""}`.trim());
      for (const { count, wake } of eventWaiters) if (events.length >= count) wake();
    },
    ...options,
  });
  const answered = new Map<string, PromiseWithResolvers<CallAnswer>>();
  const answerOf = (at: number) => {
    const known = answered.get(ID(at)) ?? Promise.withResolvers<CallAnswer>();
    answered.set(ID(at), known);
    return known.promise;
  };
  return {
    calls,
    answers,
    events,
    untilEvents: (count: number) =>
      events.length >= count
        ? Promise.resolve()
        : new Promise<void>((resolve) => eventWaiters.push({ count, wake: resolve })),
    begun: (at: number) => begun.get(ID(at)),
    untilBegun: (at: number) =>
      begun.has(ID(at)) ? Promise.resolve() : new Promise<void>((resolve) => waiters.set(ID(at), resolve)),
    take: (at: number, deadlineMs?: number) =>
      calls.take(frame(at, deadlineMs), async (call, answer) => {
        answers.set(call, answer);
        void answerOf(at);
        answered.get(call)?.resolve(answer);
      }),
    answerOf,
  };
}

describe("calls", () => {
  it("run two at once; the third waits for a place", async () => {
    const { take, begun, untilBegun, answerOf, calls } = desk();
    for (const at of [1, 2, 3]) take(at);
    await Promise.all([untilBegun(1), untilBegun(2)]);
    expect(begun(3)).toBeUndefined();
    begun(2)?.finish();
    await untilBegun(3);
    begun(1)?.finish();
    begun(3)?.finish();
    expect(await Promise.all([answerOf(1), answerOf(2), answerOf(3)])).toEqual([OK, OK, OK]);
    await calls.drain();
  });

  it("beyond the line are refused at once, as a failure of this node that another one may make good", async () => {
    const { take, answerOf, begun, untilBegun, calls } = desk({ slots: 1, maxWaiting: 1 });
    for (const at of [1, 2, 3]) take(at);
    expect(await answerOf(3)).toEqual({ ok: false, class: "lost", message: "The worker node is busy" });
    begun(1)?.finish();
    await untilBegun(2);
    begun(2)?.finish();
    await calls.drain();
  });

  it("with the same id are one call, also after it was answered", async () => {
    const { take, begun, answerOf, answers, untilBegun, calls } = desk();
    take(1);
    take(1);
    await untilBegun(1);
    begun(1)?.finish();
    await answerOf(1);
    answers.clear();
    take(1);
    await calls.drain();
    expect(answers.size).toBe(0);
  });

  it("end at their deadline unanswered, in a slot or in the line, and free both", async () => {
    const { take, calls, answers, begun, untilEvents, untilBegun, answerOf } = desk({ slots: 1, maxWaiting: 1 });
    take(1, 20);
    take(2, 10);
    await untilBegun(1);
    take(3);
    expect(await answerOf(3)).toMatchObject({ ok: false, class: "lost" });
    // The answer to the third, the ends of the first two.
    await untilEvents(3);
    take(4);
    take(5);
    await untilBegun(4);
    begun(4)?.finish();
    await untilBegun(5);
    begun(5)?.finish();
    await calls.drain();
    expect(begun(2)).toBeUndefined();
    expect([...answers.keys()].toSorted()).toEqual([ID(3), ID(4), ID(5)]);
  });

  it("that are open when the node stops end unanswered, and later ones are not heard", async () => {
    const { take, calls, answers, begun, untilBegun } = desk({ slots: 1 });
    take(1);
    take(2);
    await untilBegun(1);
    await calls.stop();
    expect(begun(1)?.ended).toBe(true);
    take(3);
    await calls.drain();
    expect(answers.size).toBe(0);
    expect(begun(2) ?? begun(3)).toBeUndefined();
  });

  it("that come while the node drains are sent away, and those that run are waited for", async () => {
    const { take, calls, begun, answerOf, untilBegun } = desk();
    take(1);
    await untilBegun(1);
    const drained = calls.drain();
    take(2);
    expect(await answerOf(2)).toMatchObject({ class: "lost", message: "The worker node is shutting down" });
    begun(1)?.finish();
    await drained;
    expect(await answerOf(1)).toEqual(OK);
  });

  it("whose answer nobody takes end in the log, not in an error", async () => {
    const { calls, untilBegun, begun, events } = desk();
    calls.take(frame(1), () => Promise.reject(new Error("call_over")));
    await untilBegun(1);
    begun(1)?.finish();
    await calls.drain();
    expect(events).toEqual([`call.dropped ${ID(1)}`]);
  });
});
