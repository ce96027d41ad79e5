/** Conditions (library API 7.4). */
import { FilterSyntaxError } from "../filter/errors.ts";
import { parseFilter } from "../filter/parse.ts";
import { type Check, count, dictionary, flag, nameText, text } from "./checks.ts";
import { cliText } from "./command-line.ts";
import type { FeatureKind } from "./kind.ts";

export interface Condition {
  name: string;
  filter: string;
  cli: string;
  extras: Record<string, unknown>;
  enabled: boolean;
  priority: number;
  description: string;
}

/** One that can be read; whether it can be answered is seen when it is asked. */
const filter: Check<string> = async (value, place) => {
  const expression = await text("Filter")(value, place);
  if (expression === undefined) return undefined;
  try {
    parseFilter(expression);
    return expression;
  } catch (error) {
    if (error instanceof FilterSyntaxError) return place.fail(`Invalid filter. '${error.message}'.`);
    throw error;
  }
};

export const CONDITIONS: FeatureKind<Condition> = {
  feature: "conditions",
  what: "condition",
  title: "Condition",
  taken: { create: "invalid", change: "conflict" },
  notFound: () => "Condition not found",
  notFoundOnDelete: (id) => `"Condition '${id}' not found."`,
  fields: {
    name: { check: nameText() },
    filter: { check: filter, initial: "" },
    cli: { check: cliText, initial: "" },
    extras: { check: dictionary("Extras"), initial: {} },
    enabled: { check: flag("Enabled"), initial: true },
    priority: { check: count("Priority"), initial: 0 },
    description: { check: text("Description"), initial: "" },
  },
  whole({ cli, extras }, place) {
    if (cli === "" && Object.keys(extras).length === 0) place.fail("Either cli or extras must be set.");
  },
  rank: ({ priority }) => 0 - priority,
  sealed: ["cli"],
  view: (id, { name, filter: expression, cli, extras, enabled, priority, description }) => ({
    ...{ id, name, filter: expression, cli, extras, enabled, priority, description },
  }),
};
