import { listAccounts as readAccounts } from "../../db/accounts.ts";
import { accountView } from "./account-access.ts";
import { adminEndpoint } from "./admin-guard.ts";

export const listAccounts = adminEndpoint(
  "list-accounts",
  "GET",
  "/admin/accounts",
  "List accounts",
  async (context) => {
    const accounts = await readAccounts(context.env.DB);
    return context.json({ accounts: accounts.map(accountView) });
  },
);
