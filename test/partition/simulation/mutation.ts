/** A core that is broken on purpose, one promise: the simulation has to notice it. */
import { CORE, type CoreApi } from "./core-api.ts";

export interface Mutation {
  /** What the broken core does. */
  does: string;
  api: CoreApi;
  /** How the simulation names the broken promise; it may find another one first. */
  breaks: RegExp;
}

/** Replaces some of the core's functions. */
export function mutate(does: string, change: Partial<CoreApi>, breaks: RegExp): Mutation {
  return { does, api: { ...CORE, ...change }, breaks };
}
