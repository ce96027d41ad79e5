/** dl_fields (library API 7.3): they are kept, and clients turn them into `cli` text. */
import { type Check, count, dictionary, filledText, nameText, oneOf, text } from "./checks.ts";
import type { FeatureKind } from "./kind.ts";

const KINDS = ["string", "text", "bool"] as const;

interface DlField {
  name: string;
  description: string;
  field: string;
  kind: (typeof KINDS)[number];
  icon: string;
  order: number;
  value: string;
  extras: Record<string, unknown>;
}

const option: Check<string> = async (value, place) => {
  const field = await filledText("Field")(value, place);
  if (field === undefined) return undefined;
  if (!field.startsWith("--")) return place.fail("Field must start with '--'.");
  return /\s/.test(field) ? place.fail("Field must not contain spaces.") : field;
};

export const DL_FIELDS: FeatureKind<DlField> = {
  feature: "dl_fields",
  what: "dl field",
  title: "DL field",
  taken: { create: "invalid", change: "conflict" },
  notFound: () => "DL field not found",
  notFoundOnDelete: (id) => `"DL field '${id}' not found."`,
  fields: {
    name: { check: nameText() },
    description: { check: text("Description"), initial: "" },
    field: { check: option },
    kind: { check: oneOf("enum", KINDS), initial: "text" },
    icon: { check: text("Icon"), initial: "" },
    order: { check: count("Order"), initial: 0 },
    value: { check: text("Value"), initial: "" },
    extras: { check: dictionary("Extras"), initial: {} },
  },
  rank: ({ order }) => order,
  // What stands in a field at first may be a password's.
  sealed: ["value"],
  view: (id, { name, description, field, kind, icon, order, value, extras }) => ({
    ...{ id, name, description, field, kind, icon, order, value, extras },
  }),
};
