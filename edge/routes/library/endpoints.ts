/** Every endpoint of the library API. */
import type { Endpoint } from "../endpoint.ts";
import { ping } from "./ping.ts";

export const LIBRARY_ENDPOINTS: readonly Endpoint[] = [ping];
