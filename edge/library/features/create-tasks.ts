/** One task, or a list of them that takes after its first (library API 8.1). */
import { AppError } from "../../app-error.ts";
import { featureNames } from "../../db/features.ts";
import { isObject } from "../../routes/library/library-body.ts";
import { createFeatures, readNew } from "./change.ts";
import { type FeatureDeps, Place, readFields } from "./checks.ts";
import type { View } from "./kind.ts";
import { scope } from "./records.ts";
import { nameTaken } from "./refusals.ts";
import { TASKS, type Task } from "./tasks.ts";

/** Later tasks of a list run so long after one another. */
const MINUTES_APART = 5;

/**
 * @returns those that were made: never none
 * @throws AppError 400, 409, 413
 */
export async function createTasks(deps: FeatureDeps, sent: unknown): Promise<View[]> {
  const entries: unknown[] = Array.isArray(sent) ? sent : [sent];
  if (entries.length === 0 || (!Array.isArray(sent) && !isObject(sent))) {
    throw new AppError("invalid", "Invalid request body. Expecting dict or list of dicts.");
  }
  const first = await readFirst(deps, entries[0]);
  const taken = await featureNames(deps.env.DB, scope(deps, TASKS));
  if (taken.has(first.name)) throw nameTaken(TASKS, "create", first.name);
  taken.add(first.name);
  const tasks = [first];
  for (const [index, entry] of entries.entries()) {
    const task = index === 0 ? undefined : await readLater(deps, entry, index, first);
    if (task === undefined) continue;
    const name = freeName(task.name, taken);
    taken.add(name);
    tasks.push({ ...task, name });
  }
  const made = await createFeatures(deps, TASKS, tasks);
  if (made.length > 0) return made;
  throw tasks.length === 1
    ? nameTaken(TASKS, "create", first.name)
    : new AppError("invalid", "Failed to create any tasks.");
}

async function readFirst(deps: FeatureDeps, entry: unknown): Promise<Task> {
  for (const field of ["url", "name"]) {
    const value = isObject(entry) ? entry[field] : undefined;
    if (value === undefined || value === null || value === "") {
      throw new AppError("invalid", `First item requires '${field}' field.`);
    }
  }
  return readNew(deps, TASKS, entry as Record<string, unknown>, "first task");
}

/** Undefined: it is skipped. */
async function readLater(deps: FeatureDeps, entry: unknown, index: number, first: Task): Promise<Task | undefined> {
  if (!isObject(entry)) return undefined;
  const given = Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null));
  if (given.name === undefined || given.name === "") given.name = `task-${index}`;
  if (given.timer === undefined || given.timer === "") given.timer = laterTimer(first.timer, index);
  // Everything but these is the first one's where it is missing.
  return given.url === undefined ? undefined : readFields(TASKS.fields, given, first, new Place(deps));
}

/** `name`, or else `name-1`, `name-2` … */
function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let number = 1;
  while (taken.has(`${name}-${number}`)) number += 1;
  return `${name}-${number}`;
}

/** A minute that is no number stays; past 59 the hour moves on, if it is one. */
function laterTimer(timer: string, position: number): string {
  const [minute = "", hour = "", ...days] = timer.split(/\s+/);
  if (!/^\d+$/.test(minute)) return timer;
  const minutes = Number(minute) + MINUTES_APART * position;
  const moved = /^\d+$/.test(hour) ? String((Number(hour) + Math.floor(minutes / 60)) % 24) : hour;
  return [minutes % 60, moved, ...days].join(" ");
}
