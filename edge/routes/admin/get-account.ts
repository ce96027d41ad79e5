import { accountDetailsView, accountOf } from "./account-access.ts";
import { adminEndpoint } from "./admin-guard.ts";

export const getAccount = adminEndpoint(
  "get-account",
  "GET",
  "/admin/accounts/:id",
  "Read an account",
  async (context) => context.json(accountDetailsView(await accountOf(context))),
);
