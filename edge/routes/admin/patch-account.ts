import type { z } from "zod";
import { PatchAccountBody } from "../../../shared/contract/admin.ts";
import { AppError } from "../../app-error.ts";
import { hashPassword } from "../../auth/passwords.ts";
import { type AccountChanges, factsOf, updateAccount } from "../../db/accounts.ts";
import { parseBody, readJsonObject } from "../http.ts";
import { accountDetailsView, accountOf } from "./account-access.ts";
import { adminEndpoint } from "./admin-guard.ts";
import { askOne } from "./ask-partitions.ts";
import { revokeEverywhere } from "./revoke-everywhere.ts";

/** Fields for which `null` means "none"; elsewhere it equals an omitted field (jobs API 1.1). */
const CLEARABLE = ["username", "password"];

/** `limits` takes the place of all former ones. What a running lease needs of it reaches the partition at once. */
export const patchAccount = adminEndpoint(
  "patch-account",
  "PATCH",
  "/admin/accounts/:id",
  "Change an account",
  async (context) => {
    const { env } = context;
    const raw = await readJsonObject(context.req.raw, { keepNulls: true });
    const given = Object.entries(raw).filter(([field, value]) => value !== null || CLEARABLE.includes(field));
    const body = parseBody(PatchAccountBody, Object.fromEntries(given));
    const { id, username } = await accountOf(context);
    const changes = await changesOf(body, username);
    const updated = await updateAccount(env.DB, id, changes);
    if (updated === null) {
      throw new AppError("conflict", "username is taken by another account", { field: "username" });
    }
    const account = await accountOf(context);
    if (changes.sign_in_id !== undefined) {
      await revokeEverywhere(env, id, account.partition, [updated.signInBefore]);
    }
    if (body.limits !== undefined || body.pool !== undefined) {
      const facts = factsOf(account);
      await askOne(env, account.partition, async (stub) => stub.adminSetAccount(facts));
    }
    return context.json(accountDetailsView(account));
  },
);

/** Sessions and streams of a name and password end with either of them (library API 1.2). */
async function changesOf(
  body: z.infer<typeof PatchAccountBody>,
  usernameBefore: string | null,
): Promise<AccountChanges> {
  const { name, limits, pool, username, password, console } = body;
  const isAnother = password !== undefined || (username !== undefined && username !== usernameBefore);
  return {
    ...(isAnother ? { sign_in_id: crypto.randomUUID() } : {}),
    ...(name === undefined ? {} : { name }),
    ...(limits === undefined ? {} : { limits: JSON.stringify(limits) }),
    ...(pool === undefined ? {} : { pool }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password_hash: password === null ? null : await hashPassword(password) }),
    ...(console === undefined ? {} : { console: console ? 1 : 0 }),
  };
}
