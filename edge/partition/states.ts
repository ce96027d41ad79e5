/**
 * The state machine of a job: the only places it may be and the only ways between them. `docs/state-machine.md` draws
 * it, and a test holds the drawing against this table. Meaning: DESIGN section 3.
 */
import type { Step } from "../../shared/contract/fleet.ts";

export const LIVE_STATES = [
  "held",
  "queued",
  "offered",
  "delayed",
  "waiting",
  "running",
  "finishing",
  "parent",
] as const;
export const TERMINAL_STATES = ["completed", "failed", "warning", "skipped", "cancelled"] as const;
export const STATES = [...LIVE_STATES, ...TERMINAL_STATES] as const;

export type TerminalState = (typeof TERMINAL_STATES)[number];
export type State = (typeof STATES)[number];

/** from → to → what causes it. */
export const TRANSITIONS: Record<State, Partial<Record<State, string>>> = {
  held: { queued: "start", skipped: "nothing to download", cancelled: "cancel" },
  queued: {
    offered: "lease",
    held: "pause",
    cancelled: "cancel",
    failed: "no other node in time",
    warning: "no other node in time",
    skipped: "nothing to download",
  },
  offered: { running: "confirm", queued: "offer ended, fenced, released", held: "pause", cancelled: "cancel" },
  delayed: { queued: "time", held: "pause", cancelled: "cancel" },
  waiting: { queued: "time", cancelled: "cancel", warning: "24 h over" },
  running: {
    finishing: "complete",
    queued: "released",
    delayed: "failure to be repeated",
    waiting: "stream not begun",
    parent: "became a list",
    failed: "failure",
    warning: "failure",
    skipped: "failure",
    cancelled: "forced cancel",
  },
  finishing: { completed: "committed", delayed: "failure of class storage", failed: "failure of class storage" },
  parent: {
    completed: "batch completed",
    warning: "batch finished",
    failed: "batch finished",
    cancelled: "forced cancel",
  },
  completed: {},
  failed: {},
  warning: {},
  skipped: {},
  cancelled: {},
};

/** A node holds the job: it counts against what may run at once. */
export const HOLDS_NODE: readonly State[] = ["offered", "running"];

export function isTerminal(state: State): state is TerminalState {
  return (TERMINAL_STATES as readonly string[]).includes(state);
}

/** The jobs API's status (section 3.5 there). */
export type ApiStatus = "Pending" | "Processing" | "Completed" | "Failed" | "Warning" | "Skipped";
export type ApiStep = "Queued" | "Downloading" | "Muxing" | "Uploading" | "Finished" | "Cancelled";

const API_STATUS: Record<State, ApiStatus> = {
  held: "Pending",
  queued: "Pending",
  offered: "Pending",
  delayed: "Pending",
  waiting: "Pending",
  running: "Processing",
  finishing: "Processing",
  parent: "Processing",
  completed: "Completed",
  failed: "Failed",
  warning: "Warning",
  skipped: "Skipped",
  cancelled: "Failed",
};

const RUNNING_STEP: Record<Step, ApiStep> = {
  extract: "Downloading",
  download: "Downloading",
  mux: "Muxing",
  upload: "Uploading",
};

export function apiStatus(state: State): ApiStatus {
  return API_STATUS[state];
}

export function apiStep(state: State, step: Step | null): ApiStep {
  if (state === "running") return RUNNING_STEP[step ?? "extract"];
  if (state === "finishing") return "Uploading";
  if (state === "parent") return "Downloading";
  if (state === "cancelled") return "Cancelled";
  return isTerminal(state) ? "Finished" : "Queued";
}

const STEP_FLOOR: Record<Step, number> = { extract: 0, download: 0, mux: 33, upload: 66 };
const STEP_SPAN: Record<Step, number> = { extract: 0, download: 33, mux: 33, upload: 33.9 };
/** Of a job's progress the download is the first third. */
export const DOWNLOAD_SHARE = STEP_SPAN.download;

/** 0–99.9, one decimal: download fills 0–33, mux 33–66, upload 66–100 (jobs API 3.5). */
export function stepProgress(step: Step, fraction: number): number {
  return Math.round((STEP_FLOOR[step] + STEP_SPAN[step] * fraction) * 10) / 10;
}
