/** Presets (library API 7.2). */
import { featureNames } from "../../db/features.ts";
import { readSettings } from "../../db/settings.ts";
import { count, type FeatureDeps, nameText, text } from "./checks.ts";
import { cliText } from "./command-line.ts";
import type { FeatureKind } from "./kind.ts";
import { findByName } from "./read.ts";
import { SHIPPED_PRESETS, shippedPresets } from "./shipped-presets.ts";

export interface Preset {
  name: string;
  description: string;
  folder: string;
  template: string;
  cookies: string;
  cli: string;
  priority: number;
}

/** As presets are kept and looked up by: ` My  Preset ` is `my_preset`. */
export function presetName(name: string): string {
  return name.trim().toLowerCase().replace(/\s+/g, "_");
}

export const PRESETS: FeatureKind<Preset> = {
  feature: "presets",
  what: "preset",
  title: "Preset",
  taken: { create: "invalid", change: "conflict" },
  notFound: () => "Preset not found",
  fields: {
    name: { check: nameText(presetName) },
    description: { check: text("Description"), initial: "" },
    folder: { check: text("Folder"), initial: "" },
    template: { check: text("Template"), initial: "" },
    cookies: { check: text("Cookies"), initial: "" },
    cli: { check: cliText, initial: "" },
    priority: { check: count("Priority"), initial: 0 },
  },
  rank: ({ priority }) => 0 - priority,
  sealed: ["cookies", "cli"],
  view: (id, { name, description, folder, template, cookies, cli, priority }) => ({
    ...{ id, name, description, folder, template, cookies, cli },
    default: id <= SHIPPED_PRESETS,
    priority,
  }),
  shipped: {
    count: SHIPPED_PRESETS,
    all: async ({ env, account }) => shippedPresets((await readSettings(env.DB, account)).keep_archive),
    fixed: {
      change: "Default presets cannot be modified.",
      remove: "Default presets cannot be deleted.",
    },
  },
};

/**
 * The account's preset of this name, shipped or its own.
 *
 * @example await findPreset({ env, account: account.id }, "My  Preset") // the one that is listed as `my_preset`
 */
export function findPreset(deps: FeatureDeps, name: string): Promise<(Preset & { id: number }) | null> {
  return findByName(deps, PRESETS, presetName(name));
}

/** The names of all of them. */
export async function presetNames({ env, account }: FeatureDeps): Promise<Set<string>> {
  const own = await featureNames(env.DB, { account, kind: PRESETS.feature });
  return new Set([...shippedPresets(true).map(({ name }) => name), ...own]);
}
