import { PRESETS } from "../../../library/features/presets.ts";
import { listAll } from "../../../library/features/read.ts";
import type { AppContext } from "../../http.ts";
import { depsOf } from "./feature-call.ts";
import { answerPage, featureEndpoints } from "./feature-endpoints.ts";

/** `/api/presets` (library API 7.2). */
export const PRESET_ENDPOINTS = featureEndpoints(PRESETS, { path: "/api/presets", name: "preset", list });

/** With `?filter=name,id` a bare array of all of them, cut down to these keys. */
async function list(context: AppContext): Promise<Response> {
  const keys = (context.req.query("filter") ?? "").split(",").map((key) => key.trim());
  if (keys.every((key) => key === "")) return answerPage(context, PRESETS);
  const presets = await listAll(depsOf(context), PRESETS);
  return context.json(
    presets.map((preset) => Object.fromEntries(Object.entries(preset).filter(([key]) => keys.includes(key)))),
  );
}
