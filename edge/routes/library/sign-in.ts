import { AppError } from "../../app-error.ts";
import type { Scope } from "../../auth/api-keys.ts";
import { authenticateKey, type Caller } from "../../auth/authenticate.ts";
import { downloadsCredential } from "../../auth/downloads-credentials.ts";
import type { AppContext } from "../http.ts";

const CHALLENGE = { "WWW-Authenticate": 'Basic realm="Authorization Required."' };

/**
 * Who asks, on this surface (library API 1.2).
 *
 * @throws AppError 401, 403
 */
export async function signInLibrary(context: AppContext, scope: Scope): Promise<Caller> {
  const { key } = downloadsCredential(context.req.raw);
  if (key === null) throw new AppError("unauthenticated", "Authorization Required.", { headers: CHALLENGE });
  return authenticateKey(context.env.DB, key, scope, Date.now()).catch((error: unknown) => {
    throw error instanceof AppError ? asLibrary(error, scope) : error;
  });
}

function asLibrary(error: AppError, scope: Scope): AppError {
  if (error.code === "unauthenticated") {
    return new AppError("unauthenticated", "Unauthorized (Invalid credentials).", { headers: CHALLENGE });
  }
  if (error.code === "forbidden") return new AppError("forbidden", `This credential lacks the scope '${scope}'.`);
  return error;
}
