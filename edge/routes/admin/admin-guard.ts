import { AppError } from "../../app-error.ts";
import { sameSecret } from "../../auth/api-keys.ts";
import { bearerToken } from "../../auth/authenticate.ts";
import type { Endpoint } from "../endpoint.ts";
import type { AppContext } from "../http.ts";

/** The admin API: its own token, never an API key (operator's manual). */
async function requireAdmin(context: AppContext): Promise<void> {
  const expected = context.env.TRAWL_ADMIN_TOKEN ?? "";
  const given = bearerToken(context.req.raw.headers);
  if (given === null) throw new AppError("unauthenticated", "Missing admin token (Authorization: Bearer …)");
  if (expected === "" || !(await sameSecret(given, expected)))
    throw new AppError("unauthenticated", "Invalid admin token");
}

export function adminEndpoint(
  operationId: string,
  method: Endpoint["method"],
  path: string,
  summary: string,
  handler: Endpoint["handler"],
): Endpoint {
  return {
    operationId,
    method,
    path,
    summary,
    scope: null,
    async handler(context) {
      await requireAdmin(context);
      return handler(context);
    },
  };
}
