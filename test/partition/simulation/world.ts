/** What all parts of one run share. */
import type { AccountFacts } from "../../../edge/partition/create.ts";
import type { ResolvedCore } from "../../../edge/partition/turn.ts";
import type { CoreApi } from "./core-api.ts";
import { Random } from "./random.ts";
import { Timeline } from "./timeline.ts";
import { VirtualCourier } from "./virtual-courier.ts";
import { VirtualD1 } from "./virtual-d1.ts";
import { VirtualStore } from "./virtual-store.ts";
import { CALM, drawWeather, type Weather } from "./weather.ts";

export const PARTITION = "p1:sim:0";
const NOTES_KEPT = 20_000;

/** The core broke a promise. The message begins with the rule's name. */
export class Violation extends Error {
  override name = "Violation";
}

/** @param rule what is held, in words: the message begins with it. */
export function demand(rule: string, kept: boolean, detail: () => string): void {
  if (!kept) throw new Violation(`${rule}: ${detail()}`);
}

export interface WorldOptions {
  seed: number;
  api: CoreApi;
  config: ResolvedCore;
  accounts: readonly AccountFacts[];
  start: number;
}

export class World {
  readonly seed: number;
  readonly api: CoreApi;
  readonly config: ResolvedCore;
  readonly accounts: readonly AccountFacts[];
  readonly random: Random;
  readonly timeline: Timeline;
  readonly d1: VirtualD1;
  readonly store: VirtualStore;
  readonly courier = new VirtualCourier();
  /** Flights to D1 that have taken off and not landed. A birth may find them landing at any moment. */
  readonly inAir = new Set<() => Promise<void>>();
  weather: Weather;
  /** False once the chaos is over: faults that are planned already do not strike any more. */
  chaos = true;
  steps = 0;
  readonly #notes: string[] = [];

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.api = options.api;
    this.config = options.config;
    this.accounts = options.accounts;
    this.random = new Random(options.seed);
    this.timeline = new Timeline(options.start);
    this.d1 = new VirtualD1(PARTITION, options.accounts);
    this.store = new VirtualStore(this.random.chance(0.7));
    this.weather = drawWeather(this.random);
  }

  get now(): number {
    return this.timeline.now;
  }

  calmDown(): void {
    this.chaos = false;
    this.weather = CALM;
  }

  /** Plans a fault at random moments with this mean distance, for as long as the chaos lasts. */
  strike(everyMs: number, fault: () => void): void {
    if (everyMs === 0) return;
    this.timeline.in(this.random.ms(0, 2 * everyMs), () => {
      if (!this.chaos) return;
      fault();
      this.strike(everyMs, fault);
    });
  }

  note(text: string): void {
    this.#notes.push(`${((this.now - 1_750_000_000_000) / 1000).toFixed(3)} ${text}`);
    if (this.#notes.length > NOTES_KEPT) this.#notes.shift();
  }

  /** The last notes that name a word, for the message of a failure. */
  notes(word = ""): string[] {
    return this.#notes.filter((note) => note.includes(word));
  }
}
