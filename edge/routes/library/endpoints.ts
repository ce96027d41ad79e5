/** Every endpoint of the library API. */
import type { Endpoint } from "../endpoint.ts";
import { FEATURE_ENDPOINTS } from "./features/endpoints.ts";
import { HISTORY_ENDPOINTS } from "./history/endpoints.ts";
import { ping } from "./ping.ts";

export const LIBRARY_ENDPOINTS: readonly Endpoint[] = [ping, ...HISTORY_ENDPOINTS, ...FEATURE_ENDPOINTS];
