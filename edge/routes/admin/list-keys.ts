import { listKeys as readKeys } from "../../db/api-keys.ts";
import { accountOf } from "./account-access.ts";
import { adminEndpoint } from "./admin-guard.ts";

export const listKeys = adminEndpoint(
  "list-keys",
  "GET",
  "/admin/accounts/:id/keys",
  "List an account's API keys, revoked ones too; never the keys themselves",
  async (context) => {
    const account = await accountOf(context);
    const keys = await readKeys(context.env.DB, account.id);
    return context.json({
      keys: keys.map(({ scopes, limits, ...key }) => ({
        ...key,
        scopes: JSON.parse(scopes) as string[],
        limits: JSON.parse(limits) as unknown,
      })),
    });
  },
);
