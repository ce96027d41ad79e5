import type { Scope } from "../../../shared/contract/admin.ts";
import { authenticateKey, type Caller } from "../../auth/authenticate.ts";
import { downloadsCredential, refuseCrossOrigin } from "../../auth/downloads-credentials.ts";
import type { AppContext } from "../http.ts";
import { publicOrigin, requestOrigin } from "../origin.ts";

/**
 * Who asks, on this surface.
 *
 * @throws AppError 401, 403
 */
export async function signInDownloads(context: AppContext, scope: Scope): Promise<Caller> {
  const { raw } = context.req;
  const { key, basic } = downloadsCredential(raw);
  const caller = await authenticateKey(context.env.DB, key, scope, Date.now());
  const requested = requestOrigin(raw, context.env);
  if (basic) refuseCrossOrigin(raw, [requested, publicOrigin(context.env, requested)]);
  return caller;
}
