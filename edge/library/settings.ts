/** Settings of an account (library API, section 13): what there is, what each may be, and what it is at first. */
import { z } from "zod";
import { AppError } from "../app-error.ts";
import { cronFault, isTimeZone } from "./cron.ts";

const MAX_TEXT = 1_000;
const MAX_WORKERS = 1_000;
const MAX_EXTRACTORS = 200;
const MAX_PICTURES = 100;
const MAX_SECONDS = 604_800;
const MAX_DAYS = 36_500;

interface Rule<Value> {
  schema: z.ZodType<Value>;
  initial: Value;
  /** As a refusal words it. */
  allowed: string;
}

function rule<Value>(initial: Value, allowed: string, schema: z.ZodType<Value>): Rule<Value> {
  return { initial, allowed, schema };
}

const boolean = (initial: boolean) => rule(initial, "true or false", z.boolean());

const integer = (initial: number, least: number, most: number) =>
  rule(initial, `an integer from ${least} to ${most}`, z.int().min(least).max(most));

const text = (initial: string) =>
  rule(
    initial,
    `a text of 1 to ${MAX_TEXT} characters`,
    z
      .string()
      .min(1)
      .max(MAX_TEXT)
      .regex(/^\P{Cc}*$/u),
  );

/** It becomes the value of an option of ffmpeg. */
const codec = (initial: string, pattern: RegExp, allowed: string) =>
  rule(initial, allowed, z.string().max(50).regex(pattern));

/** Every setting, in the order of section 13. */
const RULES = {
  download_path_depth: integer(2, 0, 20),
  output_template: text("%(title)s.%(ext)s"),
  output_template_chapter: text("%(title)s - %(section_number)s %(section_title)s.%(ext)s"),
  default_preset: text("default"),
  keep_archive: boolean(true),
  browser_control_enabled: boolean(false),
  remove_files: boolean(false),
  max_workers: integer(20, 1, MAX_WORKERS),
  max_workers_per_extractor: integer(2, 1, MAX_WORKERS),
  max_workers_for: rule<Record<string, number>>(
    {},
    `an object of up to ${MAX_EXTRACTORS} extractors with integers from 1 to ${MAX_WORKERS}`,
    z
      .record(z.string().regex(/^[\w:.+-]{1,100}$/), z.int().min(1).max(MAX_WORKERS))
      .refine((caps) => Object.keys(caps).length <= MAX_EXTRACTORS),
  ),
  extract_info_timeout: integer(70, 5, 300),
  extract_info_concurrency: integer(4, 1, 100),
  download_info_expires: integer(10_800, 0, MAX_SECONDS),
  default_pagination: integer(50, 1, 1_000),
  ignore_archived_items: boolean(false),
  /** 0: never. */
  auto_clear_history_days: integer(0, 0, MAX_DAYS),
  prevent_live_premiere: boolean(true),
  /** Minutes. */
  live_premiere_buffer: integer(5, 0, 1_440),
  tasks_handler_timer: rule(
    "15 */1 * * *",
    "a cron expression of five fields",
    z
      .string()
      .max(MAX_TEXT)
      .refine((expression) => cronFault(expression) === null),
  ),
  /** Seconds. */
  task_handler_random_delay: integer(60, 1, 3_600),
  timezone: rule("UTC", "the IANA name of a time zone", z.string().max(100).refine(isTimeZone)),
  pictures_backends: rule<string[]>(
    [],
    `a list of up to ${MAX_PICTURES} http or https URLs`,
    z.array(z.url({ protocol: /^https?$/ }).max(2_000)).max(MAX_PICTURES),
  ),
  instance_title: rule<string | null>(null, `a text of 1 to ${MAX_TEXT} characters, or null`, text("").schema),
  ui_update_title: boolean(true),
  simple_mode: boolean(false),
  /** Empty: libx264. */
  streamer_vcodec: codec("", /^[a-z0-9_]*$/, "the name of an ffmpeg encoder, or an empty text"),
  streamer_acodec: codec("aac", /^[a-z0-9_]+$/, "the name of an ffmpeg encoder"),
};

export type SettingName = keyof typeof RULES;
export type Settings = { [Name in SettingName]: (typeof RULES)[Name]["initial"] };

const NAMES = Object.keys(RULES) as SettingName[];

function isSetting(name: string): name is SettingName {
  return Object.hasOwn(RULES, name);
}

/** All settings, from what an account has changed of them. */
export function withDefaults(stored: Partial<Settings>): Settings {
  const pairs = NAMES.map((name) => [name, stored[name] ?? RULES[name].initial]);
  return Object.fromEntries(pairs) as Settings;
}

/** A change of some settings: `null` puts the default back. */
export type SettingChanges = { [Name in SettingName]?: Settings[Name] | null };

/**
 * Reads a change.
 *
 * @throws AppError 400 that names the first bad one and says what it may be.
 */
export function parseSettingChanges(body: Record<string, unknown>): SettingChanges {
  for (const [name, value] of Object.entries(body)) {
    if (!isSetting(name)) throw new AppError("invalid", `${name}: no such setting; there are ${NAMES.join(", ")}`);
    if (value === null || RULES[name].schema.safeParse(value).success) continue;
    throw new AppError("invalid", `${name}: ${RULES[name].allowed}`);
  }
  return body;
}
