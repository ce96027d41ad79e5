/** Pauses of an account: nothing of it begins, what runs goes on (library API 10.2). */
import { describe, expect, it } from "vitest";
import { setPaused } from "../../edge/partition/pause.ts";
import { releaseAttempt } from "../../edge/partition/sessions.ts";
import { readStats } from "../../edge/partition/stats.ts";
import { account, id, identity } from "./fixtures.ts";
import { Generations } from "./generations.ts";
import { Harness } from "./harness.ts";

const ANN = account("ann");
const pause = (harness: Harness, paused = true, who = ANN) => harness.run((turn) => setPaused(turn, who, paused));

describe("a paused account", () => {
  it("is handed nothing, others are, and it is again once it is resumed", () => {
    const harness = new Harness();
    harness.create(id(1), { priority: 5 });
    harness.create(id(2), {}, account("bob"));
    expect(pause(harness)).not.toBeNull();
    expect(harness.lease(identity("n1"), 4)).toEqual([id(2)]);
    expect(harness.lease(identity("own", { account: "ann" }), 4)).toEqual([]);
    harness.create(id(3));
    expect(harness.lease(identity("n1"), 4)).toEqual([]);
    pause(harness, false);
    expect(harness.effects.ring).toBe(true);
    expect(harness.lease(identity("n1"), 4)).toEqual([id(1), id(3)]);
  });

  it("keeps what runs, also through its end, and takes back what was offered", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.create(id(2));
    harness.start(id(1));
    expect(harness.lease()).toEqual([id(2)]);
    const token = harness.token(id(2));
    pause(harness);
    expect(harness.effects.kills).toEqual([{ node: "n1", job: id(2), token }]);
    expect(harness.job(id(2)).state).toBe("queued");
    expect(harness.claim(id(2), token).kind).not.toBe("holder");
    harness.extracted(id(1));
    harness.complete(id(1));
    expect(harness.committed(id(1))?.state).toBe("completed");
  });

  it("does not begin again what failed for a while", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.start(id(1));
    pause(harness);
    harness.fail(id(1), "network");
    expect(harness.job(id(1)).state).toBe("delayed");
    harness.sql.run("UPDATE jobs SET state = 'delayed', not_before = ?", harness.now);
    expect(harness.lease()).toEqual([]);
  });

  it("is paused but once, and resumed but once", () => {
    const harness = new Harness();
    expect(pause(harness, false)).toBeNull();
    expect(pause(harness)).toBe(harness.events().at(-1)?.id);
    expect(pause(harness)).toBeNull();
    expect(pause(harness, false)).not.toBeNull();
    expect(pause(harness, false)).toBeNull();
    // Streams and webhooks hear nothing of it.
    expect(harness.events().map(({ type, data, job_id }) => [type, data, job_id])).toEqual([
      [".account.changed", null, null],
      [".account.changed", null, null],
    ]);
  });

  it("rings no node and wants no slots for what waits, in figures that are kept and in ones that are read anew", () => {
    const harness = new Harness();
    for (let n = 1; n <= 4; n++) harness.create(id(n), { options: { live_recording: n === 4 } });
    harness.create(id(9), {}, account("bob"));
    harness.start(id(1));
    pause(harness);
    const figures = () => {
      const { wanted } = readStats(harness.core, harness.now);
      return { ...wanted, ready: harness.core.figures.ready, startable: harness.core.figures.startable };
    };
    const same = (expected: ReturnType<typeof figures>) => {
      expect(figures()).toEqual(expected);
      harness.core.figures.forget();
      expect(figures()).toEqual(expected);
    };
    same({ download: 2, live: 0, ready: 4, startable: 1 });
    harness.create(id(5));
    same({ download: 2, live: 0, ready: 5, startable: 1 });
    // What ran comes back to the queue, by its node's own wish.
    harness.run((turn) => releaseAttempt(turn, harness.job(id(1))));
    expect(harness.job(id(1)).state).toBe("queued");
    same({ download: 1, live: 0, ready: 6, startable: 1 });
    pause(harness, false);
    same({ download: 5, live: 1, ready: 6, startable: 6 });
  });

  it("is paused after the object has started anew, and after it has lost its storage", async () => {
    const world = new Generations([ANN]);
    const first = await world.birth();
    first.create(id(1));
    pause(first);
    first.reload();
    expect(first.lease()).toEqual([]);
    await world.drain(first);
    const second = await world.lose();
    expect(second.lease()).toEqual([]);
    expect(pause(second, false)).not.toBeNull();
    await world.drain(second);
    expect((await world.lose()).lease()).toEqual([id(1)]);
  });

  it("is known to D1 by its own flight, also while other events wait behind it", async () => {
    const world = new Generations([ANN]);
    const first = await world.birth();
    pause(first);
    first.create(id(1));
    await world.drain(first, 1);
    expect(world.d1.usage()).toEqual([]);
    expect((await world.lose()).sql.get("SELECT paused FROM accounts")).toEqual({ paused: 1 });
  });
});
