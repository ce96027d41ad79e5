/** The routes of the library API's features (sections 7, 8.1 and 8.4 there). */
import { DL_FIELDS } from "../../../library/features/dl-fields.ts";
import type { Endpoint } from "../../endpoint.ts";
import { featureEndpoints } from "./feature-endpoints.ts";
import { NOTIFICATION_ENDPOINTS } from "./notifications.ts";
import { PRESET_ENDPOINTS } from "./presets.ts";
import { TASK_ENDPOINTS } from "./tasks.ts";

export const FEATURE_ENDPOINTS: readonly Endpoint[] = [
  ...PRESET_ENDPOINTS,
  ...featureEndpoints(DL_FIELDS, { path: "/api/dl_fields", name: "dl-field" }),
  ...NOTIFICATION_ENDPOINTS,
  ...TASK_ENDPOINTS,
];
