import { listAccounts as readAccounts } from "../../db/accounts.ts";
import { adminEndpoint } from "./admin-guard.ts";

export const listAccounts = adminEndpoint(
  "list-accounts",
  "GET",
  "/admin/accounts",
  "List accounts",
  async (context) => {
    const accounts = await readAccounts(context.env.DB);
    return context.json({
      accounts: accounts.map(({ id, name, limits, pool, created_at }) => ({
        id,
        name,
        limits: JSON.parse(limits) as unknown,
        pool,
        created_at,
      })),
    });
  },
);
