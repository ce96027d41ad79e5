/** Stages of progress webhooks (jobs API 8.1), in their order. */

export const STAGES = [
  { stage: "downloading", percent: 0 },
  { stage: "download_complete", percent: 33 },
  { stage: "muxing", percent: 33 },
  { stage: "mux_complete", percent: 66 },
  { stage: "uploading", percent: 66 },
  { stage: "completed", percent: 100 },
] as const;

export type Stage = (typeof STAGES)[number];

/** Step of the internal event `.job.stage` → the last stage that it proves. */
const REACHED_BY_STEP: Record<string, number> = { mux: 3, upload: 5 };

/**
 * All stages that an event proves, earlier ones included: a job that needs no mux still passes through its stages, and
 * a stage that was told before has the same id and is not sent again.
 *
 * @param step of `.job.stage`; null for every other event
 */
export function stagesReached(eventType: string, step: string | null): readonly Stage[] {
  if (eventType === "job.started") return STAGES.slice(0, 1);
  if (eventType === "job.completed") return STAGES;
  if (eventType === ".job.stage") return STAGES.slice(0, REACHED_BY_STEP[step ?? ""] ?? 0);
  return [];
}
