/** Task definitions (library API 8.4). */

import { type Check, count, flag, nameText, storable, text } from "./checks.ts";
import { type Definition, definition } from "./definition.ts";
import type { FeatureKind } from "./kind.ts";
import { patternFault } from "./pattern-fault.ts";
import { timesView } from "./tasks.ts";

export interface TaskDefinition {
  name: string;
  description: string;
  priority: number;
  /** `/regex/` from the start of a URL, or a shell glob over the whole of it. */
  match_url: string[];
  enabled: boolean;
  definition: Definition;
}

const matchUrl: Check<string[]> = (value, place) => {
  if (!Array.isArray(value)) return place.fail("match_url must be a list");
  if (value.length === 0) return place.refuse("too_short", "List should have at least 1 item after validation, not 0");
  if (!value.every((each) => typeof each === "string")) return place.fail("match_url items must be strings");
  const patterns = value.map((each: string) => storable(each).trim());
  if (patterns.includes("")) return place.fail("match_url items cannot be empty");
  for (const each of patterns) {
    const pattern = /^\/(.+)\/$/s.exec(each)?.[1];
    const fault = pattern === undefined ? null : patternFault(pattern);
    if (fault !== null) return place.fail(`Invalid regex pattern '${pattern}': ${fault}`);
  }
  return patterns;
};

export const TASK_DEFINITIONS: FeatureKind<TaskDefinition> = {
  feature: "tasks_definitions",
  what: "task definition",
  whatOfPatch: "task definition patch",
  title: "Task definition",
  taken: { create: "invalid", change: "invalid" },
  notFound: (id) => `Task definition '${id}' not found.`,
  notFoundOnDelete: (id) => `"Task definition '${id}' not found."`,
  fields: {
    name: { check: nameText() },
    description: { check: text("Description"), initial: "" },
    priority: { check: (value, place) => count("Priority")(value ?? 0, place), initial: 0 },
    match_url: { check: matchUrl },
    enabled: { check: flag("Enabled"), initial: true },
    definition: { check: definition },
  },
  rank: ({ priority }) => priority,
  // Its request may carry a password.
  sealed: ["definition"],
  long: ["definition"],
  view: (id, own, times) => ({
    ...{ id, name: own.name, description: own.description, priority: own.priority, match_url: own.match_url },
    ...{ enabled: own.enabled, ...timesView(times), definition: own.definition },
  }),
  texts: { notJson: "Invalid JSON in request body.", notObject: "Invalid request body; expected JSON object." },
};
