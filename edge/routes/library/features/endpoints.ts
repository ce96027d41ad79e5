/** The routes of the library API's features (sections 7 and 8.1, 8.4 there). */
import type { Endpoint } from "../../endpoint.ts";
import { PRESET_ENDPOINTS } from "./presets.ts";

export const FEATURE_ENDPOINTS: readonly Endpoint[] = [...PRESET_ENDPOINTS];
