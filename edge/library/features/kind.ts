/** What the kinds of features (library API, sections 7 and 8) have of their own; everything else they share. */
import type { FeatureName } from "../../db/features.ts";
import type { FeatureDeps, Fields, Place } from "./checks.ts";

export interface Named {
  name: string;
}

/** When a row was made and last changed, epoch milliseconds. */
export interface Times {
  created: number;
  updated: number;
}

export type View = Record<string, unknown>;

export interface FeatureKind<Body extends Named> {
  /** The kind of its rows, and what `config_update` calls it. */
  feature: FeatureName;
  /** `Failed to validate <what>.` */
  what: string;
  /** … of a PATCH. Defaults to `what`. */
  whatOfPatch?: string;
  /** `<title> with name '<n>' already exists.` */
  title: string;
  /** Status of that: of POST, and of PATCH and PUT. */
  taken: { create: "invalid" | "conflict"; change: "invalid" | "conflict" };
  notFound(id: string): string;
  /** … on DELETE, where it differs. */
  notFoundOnDelete?(id: string): string;
  /** In the order of answers. */
  fields: Fields<Body>;
  /** Rules over the whole, once its fields are good. */
  whole?(body: Body, place: Place): void;
  /** What a PATCH means where a field is more than replaced. */
  merge?(sent: Record<string, unknown>, base: Body): Record<string, unknown>;
  /** Low first in lists, then by name. */
  rank(body: Body): number;
  /** Fields that are sealed at rest. */
  sealed: readonly (keyof Body & string)[];
  view(id: number, body: Body, times: Times): View;
  /** Fields that lists leave out unless `include` names them. */
  long?: readonly (keyof Body & string)[];
  /** What every account has, by name, under ids from 1. */
  shipped?: Shipped<Body>;
  texts?: { notObject?: string; notJson?: string };
}

export interface Shipped<Body> {
  /** How many: own rows have the ids after these. */
  count: number;
  /** Of rank 0. */
  all(deps: FeatureDeps): Promise<readonly (Body & { id: number })[]>;
  fixed: { change: string; remove: string };
}
