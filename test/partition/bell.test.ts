import { describe, expect, it } from "vitest";
import { Bell } from "../../edge/partition/bell.ts";
import { identity } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

function bell(nodes: number, ready: number) {
  const rung: string[] = [];
  const timers: (() => void)[] = [];
  const state = { ready, deaf: new Set<string>() };
  const deps = {
    ready: () => state.ready,
    send: (node: string) => {
      if (state.deaf.has(node)) return false;
      rung.push(node);
      return true;
    },
    later: (work: () => void) => void timers.push(work),
  };
  const later = () => {
    for (const each of timers.splice(0)) each();
  };
  const names = Array.from({ length: nodes }, (_, index) => `n${index}`);
  return { it: new Bell(deps, names), rung, state, names, later };
}

describe("the bell", () => {
  it("rings a small fleet at once", () => {
    const { it: one, rung } = bell(8, 1);
    one.ring();
    expect(rung).toHaveLength(8);
  });

  it("rings a large one some at a time, everyone once, for as long as work is left", () => {
    const { it: one, rung, names, later } = bell(2_000, 500);
    one.ring();
    expect(rung).toEqual(names.slice(0, 64));
    for (let window = 0; window < 100; window++) later();
    expect(rung).toEqual(names);
  });

  it("stops once the work is gone, and begins with those that it has not rung", () => {
    const { it: one, rung, names, state, later } = bell(100, 1);
    one.ring();
    state.ready = 0;
    later();
    expect(rung).toEqual(names.slice(0, 8));
    state.ready = 1;
    one.ring();
    expect(rung.slice(8)).toEqual(names.slice(8, 16));
  });

  it("does not ring without work, nor a node without room, nor one without a socket again and again", () => {
    const { it: one, rung, state } = bell(3, 0);
    one.ring();
    one.welcome("n9");
    expect(rung).toEqual([]);
    state.ready = 1;
    one.note("n0", false);
    state.deaf.add("n1");
    one.ring();
    expect(rung.splice(0)).toEqual(["n2", "n9"]);
    state.deaf.clear();
    one.ring();
    expect(rung.splice(0)).toEqual(["n2", "n9"]);
    one.note("n1", true);
    one.ring();
    expect(rung).toEqual(["n2", "n9", "n1"]);
  });

  it("tells a node that connects, and nobody else", () => {
    const { it: one, rung } = bell(1_000, 5);
    one.welcome("n1000");
    expect(rung).toEqual(["n1000"]);
  });

  it("begins with the sessions that take work", () => {
    const harness = new Harness();
    for (const node of ["a", "b", "c"]) harness.lease(identity(node));
    harness.sql.run("UPDATE sessions SET state = 'quiet' WHERE node_id = 'b'");
    expect(Bell.nodesOf(harness.sql, harness.now)).toEqual(["a", "c"]);
    expect(Bell.nodesOf(harness.sql, harness.now + 2 * MINUTE)).toEqual([]);
  });
});
