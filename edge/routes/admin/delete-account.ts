import { accountNotFound } from "./account-access.ts";
import { adminEndpoint } from "./admin-guard.ts";
import { closeAccount, emptyAccount, logRemovalFailure } from "./remove-account.ts";

/**
 * The account is closed when this answers: no key, file URL or node of its works any more. Its jobs are cancelled and its
 * managed files removed as far as one request may go; the sweep does the rest, and only the sweep ends the row, so that
 * a request which was under way is swept up too.
 */
export const deleteAccount = adminEndpoint(
  "delete-account",
  "DELETE",
  "/admin/accounts/:id",
  "Remove an account: its keys stop, its jobs are cancelled, its managed files go",
  async (context) => {
    const { env } = context;
    const id = context.req.param("id") ?? "";
    const now = Date.now();
    const begun = await closeAccount(env, id, now);
    if (begun === null) throw accountNotFound();
    await emptyAccount(env, id, begun.partition, now).catch((error: unknown) => logRemovalFailure(env, id, error));
    return context.json({ id, deleted: true });
  },
);
