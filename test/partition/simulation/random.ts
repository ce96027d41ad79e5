/** All chance of a run comes from one seed (sfc32): the same seed is the same run, step by step. */
import { uuidv7 } from "../../../shared/ids.ts";

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    this.#c = 0x9e3779b9;
    for (let round = 0; round < 15; round++) this.#step();
  }

  #step(): number {
    const result = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = (this.#b ^ (this.#b >>> 9)) >>> 0;
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = ((((this.#c << 21) | (this.#c >>> 11)) >>> 0) + result) >>> 0;
    return result;
  }

  /** Uniform in [0, 1). */
  readonly unit = (): number => this.#step() / 2 ** 32;

  /** Uniform in [from, to), not rounded. */
  range(from: number, to: number): number {
    return from + this.unit() * (to - from);
  }

  /** A whole number of milliseconds in [from, to). */
  ms(from: number, to: number): number {
    return Math.floor(this.range(from, to));
  }

  /** 0 … count − 1. */
  below(count: number): number {
    return Math.floor(this.unit() * count);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(list: readonly T[]): T {
    const one = list[this.below(list.length)];
    if (one === undefined) throw new Error("nothing to pick from");
    return one;
  }

  uuid(now: number): string {
    return uuidv7(
      now,
      Uint8Array.from({ length: 10 }, () => this.below(256)),
    );
  }
}
