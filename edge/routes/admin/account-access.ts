import { AppError } from "../../app-error.ts";
import { type AccountDetails, type AccountRow, findAccount } from "../../db/accounts.ts";
import type { AppContext } from "../http.ts";

/** The account that the path names; 404 for one that is being removed, too. */
export async function accountOf(context: AppContext): Promise<AccountDetails> {
  const account = await findAccount(context.env.DB, context.req.param("id") ?? "");
  if (account === null) throw accountNotFound();
  return account;
}

export function accountNotFound(): AppError {
  return new AppError("not_found", "Account not found");
}

export function accountView({ id, name, limits, pool, created_at }: AccountRow) {
  return { id, name, limits: JSON.parse(limits) as unknown, pool, created_at };
}

/** With how its user signs in; a password is never shown again. */
export function accountDetailsView(account: AccountDetails) {
  return { ...accountView(account), username: account.username, console: account.console === 1 };
}
