/** Tasks (library API 8.1). */
import { cronFault } from "../cron.ts";
import { type Check, filledText, flag, nameText, text } from "./checks.ts";
import { cliText } from "./command-line.ts";
import type { FeatureKind, Times } from "./kind.ts";

export interface Task {
  name: string;
  url: string;
  folder: string;
  preset: string;
  /** A cron expression of five fields; empty: none. */
  timer: string;
  template: string;
  cli: string;
  auto_start: boolean;
  handler_enabled: boolean;
  enabled: boolean;
}

/** Whether a host is private is asked when the task runs. */
const url: Check<string> = async (value, place) => {
  const page = await filledText("URL")(value, place);
  if (page === undefined) return undefined;
  const fault = (reason: string) => place.fail(`Invalid URL format: ${reason}`);
  if (!/^https?:/i.test(page)) return fault("Invalid scheme usage. Only HTTP or HTTPS allowed.");
  return URL.canParse(page) ? page : fault("Invalid hostname.");
};

const timer: Check<string> = async (value, place) => {
  const expression = (await text("Timer")(value, place))?.trim();
  if (expression === undefined || expression === "") return expression;
  const fault = cronFault(expression);
  return fault === null ? expression : place.fail(`Invalid timer format: ${fault}`);
};

/** `2026-12-01 10:00:00.389000+00:00`, as Python prints a time: the clock of the edge has milliseconds. */
function pythonTime(millis: number): string {
  return new Date(millis).toISOString().replace("T", " ").replace("Z", "000+00:00");
}

export function timesView({ created, updated }: Times) {
  return { created_at: pythonTime(created), updated_at: pythonTime(updated) };
}

export const TASKS: FeatureKind<Task> = {
  feature: "tasks",
  what: "task",
  title: "Task",
  taken: { create: "conflict", change: "conflict" },
  notFound: () => "Task not found",
  notFoundOnDelete: (id) => `"Task '${id}' not found."`,
  fields: {
    name: { check: nameText() },
    url: { check: url },
    folder: { check: text("Folder"), initial: "" },
    preset: { check: text("Preset"), initial: "" },
    timer: { check: timer, initial: "" },
    template: { check: text("Template"), initial: "" },
    cli: { check: cliText, initial: "" },
    auto_start: { check: flag("Auto start"), initial: true },
    handler_enabled: { check: flag("Handler enabled"), initial: true },
    enabled: { check: flag("Enabled"), initial: true },
  },
  rank: () => 0,
  sealed: ["cli"],
  view: (id, task, times) => ({
    ...{ id, name: task.name, url: task.url, folder: task.folder, preset: task.preset, timer: task.timer },
    ...{ template: task.template, cli: task.cli, cookies: "", config: {}, auto_start: task.auto_start },
    ...{ handler_enabled: task.handler_enabled, enabled: task.enabled, ...timesView(times) },
  }),
};
