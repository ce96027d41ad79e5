import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { SCOPES } from "../../shared/contract/admin.ts";
import { apiClient } from "../api-client.ts";
import { collect } from "../arguments.ts";
import { resolveConnection } from "../connection.ts";
import { print } from "../print.ts";

const KeySchema = z.looseObject({ id: z.string(), key: z.string(), scopes: z.array(z.string()) });
const RevokedSchema = z.looseObject({ id: z.string() });

type CreateFlags = { scope?: string[]; name?: string; json?: boolean };

/** `trawl keys`: API keys of an account. */
export function keysCommand(): Command {
  const create = new Command("create")
    .description("create an API key; it is shown this once")
    .argument("<account>", "account id")
    .option("--scope <scope>", `${SCOPES.join(", ")}; repeatable (default: all but admin)`, scope)
    .option("--name <name>", "what the key is for")
    .option("--json", "the key as JSON")
    .action(createKey);
  const revoke = new Command("revoke")
    .description("revoke an API key and end its streams")
    .argument("<id>", "id of the key")
    .option("--json", "the answer as JSON")
    .action(revokeKey);
  return new Command("keys").description("create or revoke API keys").addCommand(create).addCommand(revoke);
}

async function createKey(account: string, flags: CreateFlags): Promise<void> {
  const client = apiClient(await resolveConnection());
  const answer = await client.json(KeySchema, `/admin/accounts/${encodeURIComponent(account)}/keys`, {
    method: "POST",
    as: "admin",
    body: { scopes: flags.scope, name: flags.name },
  });
  print(flags.json, answer, answer.key);
  // Apart from the key, so that a script takes stdout as it is.
  if (!flags.json) process.stderr.write(`shown this once; id ${answer.id}, may ${answer.scopes.join(" ")}\n`);
}

async function revokeKey(id: string, flags: { json?: boolean }): Promise<void> {
  const client = apiClient(await resolveConnection());
  const path = `/admin/keys/${encodeURIComponent(id)}`;
  const answer = await client.json(RevokedSchema, path, { method: "DELETE", as: "admin" });
  print(flags.json, answer, `${answer.id} is revoked`);
}

function scope(text: string, before: readonly string[] | undefined): string[] {
  if (!SCOPES.some((known) => known === text)) {
    throw new InvalidArgumentError(`Allowed choices are ${SCOPES.join(", ")}.`);
  }
  return collect(text, before);
}
