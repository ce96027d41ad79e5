import { createTasks } from "../../../library/features/create-tasks.ts";
import { TASKS } from "../../../library/features/tasks.ts";
import type { AppContext } from "../../http.ts";
import { readLibraryJson } from "../library-body.ts";
import { depsOf } from "./feature-call.ts";
import { featureEndpoints } from "./feature-endpoints.ts";

/** `/api/tasks` (library API 8.1). */
export const TASK_ENDPOINTS = featureEndpoints(TASKS, { path: "/api/tasks", name: "task", create });

/** One object, or a list of them. */
async function create(context: AppContext): Promise<Response> {
  const made = await createTasks(depsOf(context), await readLibraryJson(context));
  return context.json(made.length === 1 ? made[0] : made);
}
