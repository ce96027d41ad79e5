/** The task object's `status`, by the table of the page. */
import { describe, expect, it } from "vitest";
import { STATES, type State } from "../../../edge/partition/states.ts";
import { downloadStatus } from "../../../edge/routes/downloads/download-status.ts";
import type { Step } from "../../../shared/contract/fleet.ts";

const STATUSES: Record<Exclude<State, "running">, string> = {
  held: "pending",
  queued: "pending",
  offered: "pending",
  delayed: "pending",
  waiting: "pending",
  finishing: "processing",
  parent: "processing",
  completed: "completed",
  failed: "error",
  warning: "error",
  skipped: "error",
  cancelled: "cancelled",
};

describe("status", () => {
  it.each(STATES.filter((state) => state !== "running"))("%s", (state) => {
    expect(downloadStatus({ state, step: null })).toBe(STATUSES[state]);
  });

  it.each<[Step | null, string]>([
    [null, "downloading"],
    ["extract", "downloading"],
    ["download", "downloading"],
    ["mux", "processing"],
    ["upload", "processing"],
  ])("running, step %s: %s", (step, status) => {
    expect(downloadStatus({ state: "running", step })).toBe(status);
  });
});
