import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LIVE_STATES, STATES, TERMINAL_STATES, TRANSITIONS } from "../../edge/partition/states.ts";

const DRAWING = readFileSync(new URL("../../docs/state-machine.md", import.meta.url), "utf8");
const ARROW = /^ {2}(\S+) --> (\S+?)(?:: (.+))?$/gm;

function arrows(): { from: string; to: string; label: string | undefined }[] {
  return [...DRAWING.matchAll(ARROW)].map(([, from = "", to = "", label]) => ({ from, to, label }));
}

test("the drawing has every transition of the code, with its cause, and no other", () => {
  const drawn = arrows()
    .filter(({ from, to }) => from !== "[*]" && to !== "[*]")
    .map(({ from, to, label }) => `${from} → ${to}: ${label}`);
  const coded = Object.entries(TRANSITIONS).flatMap(([from, ways]) =>
    Object.entries(ways).map(([to, cause]) => `${from} → ${to}: ${cause}`),
  );
  expect(drawn.toSorted()).toEqual(coded.toSorted());
});

test("the drawing ends in the terminal states and nowhere else", () => {
  const ends = arrows()
    .filter(({ to }) => to === "[*]")
    .map(({ from }) => from);
  expect(ends.toSorted()).toEqual([...TERMINAL_STATES].toSorted());
});

test("every state is described under the drawing", () => {
  const described = [...DRAWING.matchAll(/^\| (`.+?) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, state = ""]) => state),
  );
  expect(described.toSorted()).toEqual([...STATES].toSorted());
});

test("every live state can reach a terminal one", () => {
  const terminal = new Set<string>(TERMINAL_STATES);
  for (const start of LIVE_STATES) {
    const seen = new Set<string>();
    const open: string[] = [start];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (seen.has(state)) continue;
      seen.add(state);
      open.push(...Object.keys(TRANSITIONS[state as keyof typeof TRANSITIONS]));
    }
    expect(
      [...seen].some((state) => terminal.has(state)),
      start,
    ).toBe(true);
  }
});
