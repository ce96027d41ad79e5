import type { z } from "zod";
import { PatchAccountBody } from "../../../shared/contract/admin.ts";
import { AppError } from "../../app-error.ts";
import { hashPassword } from "../../auth/passwords.ts";
import { type AccountChanges, factsOf, updateAccount } from "../../db/accounts.ts";
import { parseBody, readJsonObject } from "../http.ts";
import { accountDetailsView, accountOf } from "./account-access.ts";
import { adminEndpoint } from "./admin-guard.ts";
import { askOne } from "./ask-partitions.ts";

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
    const { id } = await accountOf(context);
    if (!(await updateAccount(env.DB, id, await changesOf(body)))) {
      throw new AppError("conflict", "username is taken by another account", { field: "username" });
    }
    const account = await accountOf(context);
    if (body.limits !== undefined || body.pool !== undefined) {
      const facts = factsOf(account);
      await askOne(env, account.partition, async (stub) => stub.adminSetAccount(facts));
    }
    return context.json(accountDetailsView(account));
  },
);

async function changesOf(body: z.infer<typeof PatchAccountBody>): Promise<AccountChanges> {
  const { name, limits, pool, username, password, console } = body;
  return {
    ...(name === undefined ? {} : { name }),
    ...(limits === undefined ? {} : { limits: JSON.stringify(limits) }),
    ...(pool === undefined ? {} : { pool }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password_hash: password === null ? null : await hashPassword(password) }),
    ...(console === undefined ? {} : { console: console ? 1 : 0 }),
  };
}
