/** The routes of the library API's features (sections 7, 8.1 and 8.4 there). */
import { CONDITIONS } from "../../../library/features/conditions.ts";
import { DL_FIELDS } from "../../../library/features/dl-fields.ts";
import { TASK_DEFINITIONS } from "../../../library/features/task-definitions.ts";
import type { Endpoint } from "../../endpoint.ts";
import { featureEndpoints } from "./feature-endpoints.ts";
import { NOTIFICATION_ENDPOINTS } from "./notifications.ts";
import { PRESET_ENDPOINTS } from "./presets.ts";
import { TASK_ENDPOINTS } from "./tasks.ts";

export const FEATURE_ENDPOINTS: readonly Endpoint[] = [
  ...PRESET_ENDPOINTS,
  ...featureEndpoints(DL_FIELDS, { path: "/api/dl_fields", name: "dl-field" }),
  ...featureEndpoints(CONDITIONS, { path: "/api/conditions", name: "condition" }),
  ...NOTIFICATION_ENDPOINTS,
  ...TASK_ENDPOINTS,
  ...featureEndpoints(TASK_DEFINITIONS, {
    ...{ path: "/api/tasks/definitions", name: "task-definition", createdStatus: 201 },
  }),
];
