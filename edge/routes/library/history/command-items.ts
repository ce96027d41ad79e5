/** `POST /api/history/start`, `/pause`, `/cancel` (library API 4.6): several items at once, one flat map of what became of each. */
import { isUuid } from "../../../../shared/ids.ts";
import { AppError, unavailable } from "../../../app-error.ts";
import type { Partition } from "../../../partition/partition.ts";
import type { Endpoint } from "../../endpoint.ts";
import type { AppContext } from "../../http.ts";
import { askPartition } from "../../jobs/job-access.ts";
import { readLibraryObject } from "../library-body.ts";

const D1_RETRY_SECONDS = 5;

/** What every route says of an id that it does not find. */
export function unknownItem(id: string): string {
  return `key='${id}' or url=None not found.`;
}

/** @throws AppError 400 */
export function readIds(body: Record<string, unknown>): string[] {
  const { ids } = body;
  if (ids === undefined || ids === null || ids === "") throw new AppError("invalid", "ids array is required.");
  if (!Array.isArray(ids)) throw new AppError("invalid", "ids must be an array.");
  if (ids.length === 0) throw new AppError("invalid", "ids array is required.");
  return ids.map(String);
}

type Command = "startJobs" | "holdJobs" | "cancelJobs";
type Outcome = "done" | "runs" | "already" | "unknown" | "cancelled" | "refused";

/** What became of each id, in their order; `unknown` also for what cannot be one. */
export async function command(context: AppContext, name: Command, ids: readonly string[]): Promise<Outcome[]> {
  const account = context.var.caller.account.id;
  const known = ids.map((id) => id.toLowerCase()).filter(isUuid);
  const outcomes = await askPartition(
    context,
    async (stub: DurableObjectStub<Partition>): Promise<Outcome[] | "unavailable"> =>
      known.length === 0 ? [] : await stub[name](account, known),
  );
  if (outcomes === "unavailable") throw unavailable("The change could not be stored yet, try again.", D1_RETRY_SECONDS);
  const left = [...outcomes];
  return ids.map((id) => (isUuid(id.toLowerCase()) ? (left.shift() ?? "unknown") : "unknown"));
}

function commandItems(
  name: Command,
  operationId: string,
  path: string,
  summary: string,
  answer: (ids: string[], outcomes: Outcome[]) => Record<string, string>,
): Endpoint {
  return {
    operationId,
    method: "POST",
    path,
    summary,
    scope: "jobs:write",
    async handler(context) {
      const ids = readIds(await readLibraryObject(context, { empty: {} }));
      return context.json(answer(ids, await command(context, name, ids)));
    },
  };
}

function byId(words: Partial<Record<Outcome, string>>) {
  return (ids: string[], outcomes: Outcome[]): Record<string, string> => {
    const answers = ids.map((id, index) => [
      id,
      words[outcomes[index] ?? "unknown"] ?? `not found: "${unknownItem(id)}"`,
    ]);
    const failed = outcomes.some((outcome) => words[outcome] === undefined);
    return { ...Object.fromEntries(answers), status: failed ? "error" : "ok" };
  };
}

export const startItems = commandItems(
  "startJobs",
  "start-items",
  "/api/history/start",
  "Let held items go",
  byId({ done: "started", already: "already started" }),
);

export const pauseItems = commandItems(
  "holdJobs",
  "pause-items",
  "/api/history/pause",
  "Put items on hold",
  byId({ done: "paused", runs: "already started", already: "not started" }),
);

export const cancelItems = commandItems(
  "cancelJobs",
  "cancel-items",
  "/api/history/cancel",
  "Cancel items",
  cancelAnswer,
);

export function cancelAnswer(ids: string[], outcomes: Outcome[]): Record<string, string> {
  const answers = ids.map((id, index) => [id, outcomes[index] === "cancelled" ? "ok" : `"${unknownItem(id)}"`]);
  const failed = outcomes.some((outcome) => outcome !== "cancelled");
  return { ...Object.fromEntries(answers), ...(failed ? { status: "error" } : {}) };
}
