/** Calls over a network that drops, doubles, delays, and loses answers. */
import type { World } from "./world.ts";

/** A caller gives up after this; a slow request may still arrive later. */
const CALL_TIMEOUT_MS = 10_000;

export type Reply<T> = (answer: T | null) => void;

/**
 * Sends a request and calls `done` exactly once: with the answer, or with null when none came in time. `serve` runs once
 * per copy that arrives; it replies null for an edge that refuses the connection.
 */
export function call<T>(world: World, serve: (reply: Reply<T>) => void, done: Reply<T>): void {
  const { random, timeline } = world;
  let open = true;
  const settle = (answer: T | null) => {
    if (!open) return;
    open = false;
    done(answer);
  };
  timeline.in(CALL_TIMEOUT_MS, () => settle(null));
  const copies = random.chance(world.weather.duplicate) ? 2 : 1;
  for (let copy = 0; copy < copies; copy++) {
    if (random.chance(world.weather.dropRequest)) continue;
    timeline.in(transit(world), () =>
      serve((answer) => {
        if (random.chance(world.weather.dropAnswer)) return;
        timeline.in(transit(world), () => settle(answer));
      }),
    );
  }
}

/** One frame over a socket: it arrives or not. */
export function frame(world: World, arrive: () => void): void {
  if (world.random.chance(world.weather.dropFrame)) return;
  world.timeline.in(transit(world), arrive);
}

function transit(world: World): number {
  const { random, weather } = world;
  return random.chance(weather.slow) ? random.ms(0, weather.slowMaxMs) : random.ms(1, 60);
}
