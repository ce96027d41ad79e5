/**
 * What a field of a feature may be (library API, sections 1.3, 7 and 8), and what is said of one that is not. A check
 * gives the field as it is kept, or tells its place what is wrong; all bad fields are told of.
 */
import { countCodePoints } from "../../../shared/code-points.ts";
import { AppError } from "../../app-error.ts";
import type { Env } from "../../env.ts";
import { isObject } from "../../routes/library/library-body.ts";
import { type ValidationDetail, valueError } from "../../routes/library/library-error.ts";

/** On whose behalf, for what is looked up. */
export interface FeatureDeps {
  env: Env;
  account: string;
}

type Path = (string | number)[];

/** What was found wrong so far. */
interface Found {
  details: ValidationDetail[];
  /** Said of the whole instead of details, where there are none. */
  outright: AppError | null;
}

/** Where in the object a check looks. */
export class Place {
  readonly path: Path;
  readonly deps: FeatureDeps;
  readonly found: Found;

  constructor(deps: FeatureDeps, path: Path = [], found: Found = { details: [], outright: null }) {
    this.deps = deps;
    this.path = path;
    this.found = found;
  }

  at(...keys: Path): Place {
    return new Place(this.deps, [...this.path, ...keys], this.found);
  }

  /** `Value error, <text>`. */
  fail(text: string): undefined {
    this.found.details.push(valueError(this.path, text));
  }

  /** Of another type than `value_error`. */
  refuse(type: Exclude<ValidationDetail["type"], "value_error">, msg: string): undefined {
    this.found.details.push({ loc: this.path, msg, type });
  }

  /** A refusal with a text of its own. */
  refuseOutright(text: string): void {
    this.found.outright ??= new AppError("invalid", text);
  }
}

export type Check<T> = (value: unknown, place: Place) => T | undefined | Promise<T | undefined>;

/** One field: what it may be, and what it is when a new object does not say. */
export interface Field<T> {
  check: Check<T>;
  /** Absent: a new object has to have the field. */
  initial?: T;
}

export type Fields<Body> = { [Key in keyof Body]: Field<Body[Key]> };

const MAX_NAME = 255;
/** The database reads no JSON of more than a thousand. */
const MAX_LEVELS = 100;

/** The text as the database keeps it: a NUL would end it there, and half a surrogate pair has no UTF-8. */
export function storable(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

/** Any text; null is the empty one. */
export function text(label: string): Check<string> {
  return (value, place) => {
    if (value === null) return "";
    return typeof value === "string" ? storable(value) : place.fail(`${label} must be a string.`);
  };
}

/** A text that is not empty, trimmed. */
export function filledText(label: string, most?: number): Check<string> {
  return (value, place) => {
    if (typeof value !== "string") return place.fail(`${label} must be a string.`);
    const kept = storable(value).trim();
    if (kept === "") return place.fail(`${label} cannot be empty.`);
    if (most === undefined || countCodePoints(kept) <= most) return kept;
    return place.fail(`${label} must be at most ${most} characters.`);
  };
}

/** @param normalise what else is done to a name than to trim it. */
export function nameText(normalise: (name: string) => string = (name) => name): Check<string> {
  const check = filledText("Name", MAX_NAME);
  return async (value, place) => {
    const name = await check(value, place);
    return name === undefined ? undefined : normalise(name);
  };
}

/** From 0; a text of digits is taken too, as clients' forms send it. */
export function count(label: string): Check<number> {
  return (value, place) => {
    const number = typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value;
    if (typeof number !== "number" || !Number.isSafeInteger(number)) return place.fail(`${label} must be an integer.`);
    return number < 0 ? place.fail(`${label} must be >= 0.`) : number;
  };
}

export function flag(label: string): Check<boolean> {
  return (value, place) => (typeof value === "boolean" ? value : place.fail(`${label} must be a boolean.`));
}

export function dictionary(label: string): Check<Record<string, unknown>> {
  return (value, place) => {
    if (!isObject(value)) return place.fail(`${label} must be a dictionary.`);
    return nestsDeeper(value, MAX_LEVELS) ? place.fail(`${label} must nest at most ${MAX_LEVELS} levels.`) : value;
  };
}

function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => nestsDeeper(each, levels - 1));
}

/** An object with these fields, all of which it has afterwards; others of it are ignored. */
export function objectOf<Body extends object>(label: string, fields: Fields<Body>): Check<Body> {
  return (value, place) => {
    return isObject(value) ? readFields(fields, value, null, place) : place.fail(`${label} must be a dictionary.`);
  };
}

export function orNull<T>(check: Check<T>): Check<T | null> {
  return (value, place) => (value === null ? null : check(value, place));
}

/** @param type `enum` or `literal_error`: which of the two a field's refusal is. */
export function oneOf<T extends string>(type: "enum" | "literal_error", values: readonly T[]): Check<T> {
  const quoted = values.map((value) => `'${value}'`);
  const told = [quoted.slice(0, -1).join(", "), quoted.at(-1)].filter((part) => part !== "").join(" or ");
  return (value, place) => values.find((each) => each === value) ?? place.refuse(type, `Input should be ${told}`);
}

/**
 * The fields of an object, in their order.
 *
 * @param base what fields that are not sent are; null: a new object, whose fields have their initial values.
 * @returns undefined when any of them is bad
 */
export async function readFields<Body extends object>(
  fields: Fields<Body>,
  sent: Record<string, unknown>,
  base: Body | null,
  place: Place,
): Promise<Body | undefined> {
  const before = place.found.details.length;
  const body: Partial<Body> = {};
  for (const key of Object.keys(fields) as (keyof Body & string)[]) {
    const { check, initial } = fields[key];
    if (Object.hasOwn(sent, key)) body[key] = await check(sent[key], place.at(key));
    else if (base !== null) body[key] = base[key];
    else if (initial !== undefined) body[key] = initial;
    else place.at(key).refuse("missing", "Field required");
  }
  return place.found.details.length === before ? (body as Body) : undefined;
}
