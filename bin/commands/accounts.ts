import { Command, Option } from "commander";
import { z } from "zod";
import { apiClient } from "../api-client.ts";
import { resolveConnection } from "../connection.ts";
import { printable } from "../format.ts";
import { print, printTable } from "../print.ts";

const AccountSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  pool: z.string(),
  limits: z.record(z.string(), z.unknown()),
  created_at: z.number(),
});
const AccountsSchema = z.looseObject({ accounts: z.array(AccountSchema) });

/** `trawl accounts`: the tenants. */
export function accountsCommand(): Command {
  const list = new Command("list")
    .description("list the accounts (what `trawl accounts` alone does)")
    .option("--json", "the list as JSON")
    .action(listAccounts);
  const create = new Command("create")
    .description("create an account")
    .argument("<name>", "its name")
    .addOption(new Option("--pool <pool>", "whose nodes serve it").choices(["own", "own_first", "shared"]))
    .option("--json", "the account as JSON")
    .action(createAccount);
  return new Command("accounts")
    .description("list or create accounts")
    .addCommand(list, { isDefault: true })
    .addCommand(create);
}

async function listAccounts(flags: { json?: boolean }): Promise<void> {
  const client = apiClient(await resolveConnection());
  const answer = await client.json(AccountsSchema, "/admin/accounts", { as: "admin" });
  const rows = answer.accounts.map((account) => [
    account.id,
    account.pool,
    new Date(account.created_at).toISOString().slice(0, 19),
    printable(account.name),
    Object.entries(account.limits)
      .map(([name, value]) => `${name}=${value}`)
      .join(" "),
  ]);
  printTable(flags.json, answer, ["ID", "POOL", "CREATED", "NAME", "LIMITS"], rows, "no accounts");
}

async function createAccount(name: string, flags: { pool?: string; json?: boolean }): Promise<void> {
  const client = apiClient(await resolveConnection());
  const account = await client.json(AccountSchema, "/admin/accounts", {
    method: "POST",
    as: "admin",
    body: { name, pool: flags.pool },
  });
  print(flags.json, account, account.id);
  if (!flags.json) process.stderr.write(`give it a key with: trawl keys create ${account.id}\n`);
}
