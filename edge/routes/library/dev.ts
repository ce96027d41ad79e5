import { AppError } from "../../app-error.ts";
import type { Endpoint } from "../endpoint.ts";

/** `GET /api/dev/loop`, `/api/dev/pip`: of another server's development, which clients know to be refused (10.6). */
function devOnly(name: "loop" | "pip"): Endpoint {
  return {
    operationId: `dev-${name}`,
    method: "GET",
    path: `/api/dev/${name}`,
    summary: "Refused outside of development",
    scope: "jobs:read",
    async handler() {
      throw new AppError("forbidden", "This endpoint is only available in development mode.");
    },
  };
}

export const DEV_ENDPOINTS: readonly Endpoint[] = [devOnly("loop"), devOnly("pip")];
