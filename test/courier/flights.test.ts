import { expect, test } from "vitest";
import { Flights, SLOW_TRIES_AT_ONCE, TRIES_AT_ONCE, TRIES_AT_ONCE_PER_TARGET } from "../../edge/courier/flights.ts";

/** Starts tries for a target until no more may start; gives how many did. */
function fill(flights: Flights, target: string): number {
  let started = 0;
  for (; flights.mayStart(target); started++) flights.start(`${target}-${started}`, target);
  return started;
}

test("one target has only its share of the tries at once", () => {
  const flights = new Flights();
  expect(fill(flights, "a")).toBe(TRIES_AT_ONCE_PER_TARGET);
  expect(fill(flights, "b")).toBe(TRIES_AT_ONCE_PER_TARGET);
  flights.end("a-0", false);
  expect(fill(flights, "a")).toBe(1);
});

test("all targets together have no more than the limit", () => {
  const flights = new Flights();
  const started = Array.from({ length: 20 }, (_, index) => fill(flights, `t${index}`));
  expect(started.reduce((sum, each) => sum + each, 0)).toBe(TRIES_AT_ONCE);
  expect(flights.full).toBe(true);
});

test("targets that were slow share a few tries, until they are quick again", () => {
  const flights = new Flights();
  const slow = Array.from({ length: 20 }, (_, index) => `slow${index}`);
  for (const target of slow) {
    flights.start(target, target);
    flights.end(target, true);
  }
  expect(slow.filter((target) => fill(flights, target) > 0)).toHaveLength(1);
  expect(flights.size).toBe(SLOW_TRIES_AT_ONCE);
  expect(fill(flights, "quick")).toBe(TRIES_AT_ONCE_PER_TARGET);
  for (const id of flights.ids) flights.end(id, false);
  expect(fill(flights, "slow1")).toBe(TRIES_AT_ONCE_PER_TARGET);
});
