/** How bad it gets. Each seed draws its own mix: a fault that is always on hides the others. */
import type { Random } from "./random.ts";

const MINUTE = 60_000;

/** Probabilities (0–1), and mean times between faults in ms (0: never). */
export interface Weather {
  dropRequest: number;
  dropAnswer: number;
  duplicate: number;
  slow: number;
  slowMaxMs: number;
  dropFrame: number;

  nodeCrashEveryMs: number;
  nodeFreezeEveryMs: number;
  nodeDrainEveryMs: number;
  /** A node speaks of what is another's. */
  nodePriesEveryMs: number;
  operatorDrainsEveryMs: number;
  attemptFails: number;
  attemptHangs: number;
  attemptReleases: number;

  evictEveryMs: number;
  awayEveryMs: number;
  freezeEveryMs: number;
  sleepEveryMs: number;
  wipeEveryMs: number;
  rebirthFails: number;
  alarmLate: number;
  alarmTwice: number;

  d1Fails: number;
  d1AnswerLost: number;
  d1MaxMs: number;
  /** A flight takes only the first of the events that wait. */
  d1CutsShort: number;

  courierFails: number;
  courierAnswerLost: number;
  courierMaxMs: number;

  storeUnavailable: number;
  storeAnswerLost: number;
  storeRefuses: number;
  foreignEveryMs: number;
}

export const CALM: Weather = {
  dropRequest: 0,
  dropAnswer: 0,
  duplicate: 0,
  slow: 0,
  slowMaxMs: 0,
  dropFrame: 0,
  nodeCrashEveryMs: 0,
  nodeFreezeEveryMs: 0,
  nodeDrainEveryMs: 0,
  nodePriesEveryMs: 0,
  operatorDrainsEveryMs: 0,
  attemptFails: 0,
  attemptHangs: 0,
  attemptReleases: 0,
  evictEveryMs: 0,
  awayEveryMs: 0,
  freezeEveryMs: 0,
  sleepEveryMs: 0,
  wipeEveryMs: 0,
  rebirthFails: 0,
  alarmLate: 0,
  alarmTwice: 0,
  d1Fails: 0,
  d1AnswerLost: 0,
  d1MaxMs: 50,
  d1CutsShort: 0,
  courierFails: 0,
  courierAnswerLost: 0,
  courierMaxMs: 50,
  storeUnavailable: 0,
  storeAnswerLost: 0,
  storeRefuses: 0,
  foreignEveryMs: 0,
};

export function drawWeather(random: Random): Weather {
  const maybe = (share: number, from: number, to: number) => (random.chance(share) ? random.range(from, to) : 0);
  return {
    dropRequest: maybe(0.6, 0.01, 0.25),
    dropAnswer: maybe(0.6, 0.01, 0.25),
    duplicate: maybe(0.5, 0.02, 0.3),
    slow: maybe(0.5, 0.01, 0.1),
    slowMaxMs: random.range(5_000, 3 * MINUTE),
    dropFrame: random.range(0, 0.5),
    nodeCrashEveryMs: maybe(0.6, MINUTE, 10 * MINUTE),
    nodeFreezeEveryMs: maybe(0.5, MINUTE, 10 * MINUTE),
    nodeDrainEveryMs: maybe(0.4, 2 * MINUTE, 15 * MINUTE),
    nodePriesEveryMs: maybe(0.5, 30_000, 3 * MINUTE),
    operatorDrainsEveryMs: maybe(0.4, 2 * MINUTE, 10 * MINUTE),
    attemptFails: maybe(0.8, 0.05, 0.5),
    attemptHangs: maybe(0.3, 0.01, 0.1),
    attemptReleases: maybe(0.4, 0.01, 0.15),
    evictEveryMs: maybe(0.6, 10_000, 5 * MINUTE),
    awayEveryMs: maybe(0.4, 2 * MINUTE, 10 * MINUTE),
    freezeEveryMs: maybe(0.3, 2 * MINUTE, 10 * MINUTE),
    sleepEveryMs: maybe(0.2, 4 * MINUTE, 15 * MINUTE),
    wipeEveryMs: maybe(0.4, 3 * MINUTE, 15 * MINUTE),
    rebirthFails: maybe(0.5, 0.1, 0.7),
    alarmLate: maybe(0.4, 0.05, 0.3),
    alarmTwice: maybe(0.4, 0.05, 0.5),
    d1Fails: maybe(0.5, 0.02, 0.4),
    d1AnswerLost: maybe(0.5, 0.02, 0.3),
    d1MaxMs: random.chance(0.3) ? 8_000 : 300,
    d1CutsShort: maybe(0.5, 0.1, 0.9),
    courierFails: maybe(0.4, 0.02, 0.6),
    courierAnswerLost: maybe(0.5, 0.02, 0.3),
    courierMaxMs: random.chance(0.3) ? 60_000 : 300,
    storeUnavailable: maybe(0.5, 0.02, 0.4),
    storeAnswerLost: maybe(0.5, 0.02, 0.3),
    storeRefuses: maybe(0.4, 0.02, 0.2),
    foreignEveryMs: maybe(0.5, 30_000, 5 * MINUTE),
  };
}
