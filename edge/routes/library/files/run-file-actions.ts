import { AppError } from "../../../app-error.ts";
import { readSettings } from "../../../db/settings.ts";
import type { TreeChange } from "../../../library/tree/change-tree.ts";
import { openTree } from "../../../library/tree/open-tree.ts";
import { makeLog } from "../../../log.ts";
import type { Endpoint } from "../../endpoint.ts";
import { accountFacts, askPartition } from "../../jobs/job-access.ts";
import { isObject, readLibraryJson } from "../library-body.ts";
import { type ActionResult, type FileAction, runFileAction } from "./file-action.ts";

const ACTIONS = ["rename", "delete", "move", "directory"] as const;
/** What each needs besides a path, and what is said without it. */
const NEEDED = {
  rename: ["new_name", "New name is required for rename action."],
  move: ["new_path", "New path is required for move action."],
  directory: ["new_dir", "New directory name is required for directory action."],
} as const;

/** `POST /api/file/actions` (library API 9.5): all are looked at before the first is done; then each fails for itself. */
export const runFileActions: Endpoint = {
  operationId: "run-file-actions",
  method: "POST",
  path: "/api/file/actions",
  summary: "Rename, move, delete files; make folders",
  scope: "jobs:write",
  unmetered: true,
  async handler(context) {
    const { account, partition } = context.var.caller;
    const { browser_control_enabled } = await readSettings(context.env.DB, account.id);
    if (!browser_control_enabled) throw new AppError("forbidden", "File browser actions is disabled.");
    const actions = parseActions(await readLibraryJson(context));
    // A job that ended just now reaches D1 with the drain.
    await askPartition(context, (stub) => stub.listBarrier(accountFacts(context)));
    const tree = openTree(context.env, account);
    const change: TreeChange = { env: context.env, log: makeLog(context.env), tree, partition };
    const results: ActionResult[] = [];
    // One after another: each sees what those before it have done.
    for (const action of actions) results.push(...(await runFileAction(change, action)));
    return context.json(results);
  },
};

/** @throws AppError 400 */
function parseActions(body: unknown): FileAction[] {
  if (!Array.isArray(body) || !body.every(isObject)) {
    throw new AppError("invalid", "Invalid parameters expecting list of dicts.");
  }
  return body.map((item) => {
    const action = ACTIONS.find((each) => each === item.action);
    if (action === undefined) {
      const named = typeof item.action === "string" ? `'${item.action}'` : "''";
      throw new AppError("invalid", `Invalid action ${named}. Must be one of ${ACTIONS.join(", ")}.`);
    }
    const path = typeof item.path === "string" ? item.path : "";
    if (action === "delete") return { action, path, value: "", item };
    const [field, missing] = NEEDED[action];
    const value = item[field];
    if (typeof value !== "string" || value.trim() === "") throw new AppError("invalid", missing);
    return { action, path, value, item };
  });
}
