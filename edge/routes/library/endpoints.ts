/** Every endpoint of the library API. */
import type { Endpoint } from "../endpoint.ts";
import { FEATURE_ENDPOINTS } from "./features/endpoints.ts";
import { ping } from "./ping.ts";

export const LIBRARY_ENDPOINTS: readonly Endpoint[] = [ping, ...FEATURE_ENDPOINTS];
