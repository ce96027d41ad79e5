/** The preset that a request is about (library API 3.4). */
import { AppError } from "../../../app-error.ts";
import { readSettings } from "../../../db/settings.ts";
import { findPreset, type Preset } from "../../../library/features/presets.ts";
import type { AppContext } from "../../http.ts";
import { depsOf } from "../features/feature-call.ts";

/** What the setting `default_preset` falls back to; every account has it. */
const FALLBACK = "default";

/** As {@link chosenPreset}, for several submissions of one request: each name is looked up once. */
export function presetChooser(context: AppContext): (name: unknown) => Promise<Preset> {
  const chosen = new Map<unknown, Promise<Preset>>();
  return (name) => {
    const preset = chosen.get(name) ?? chosenPreset(context, name);
    chosen.set(name, preset);
    return preset;
  };
}

/**
 * The named one, else the account's default.
 *
 * @throws AppError 400 for a name that there is none of.
 */
export async function chosenPreset(context: AppContext, name: unknown): Promise<Preset> {
  const deps = depsOf(context);
  if (typeof name === "string" && name.trim() !== "") {
    const named = await findPreset(deps, name);
    if (named === null) throw new AppError("invalid", `Preset '${name}' does not exist.`);
    return named;
  }
  const { default_preset: chosen } = await readSettings(deps.env.DB, deps.account);
  const preset = (await findPreset(deps, chosen)) ?? (await findPreset(deps, FALLBACK));
  if (preset === null) throw new Error(`there is no preset '${FALLBACK}'`);
  return preset;
}
