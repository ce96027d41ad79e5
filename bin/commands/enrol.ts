import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { apiClient } from "../api-client.ts";
import { collect, durationSeconds, integerBetween } from "../arguments.ts";
import { resolveConnection } from "../connection.ts";

const EnrolmentSchema = z.looseObject({ id: z.string(), token: z.string(), expires_at: z.number() });

type EnrolFlags = { uses: number; expires: number; account?: string; tag?: string[]; json?: boolean };

/** `trawl enrol`: a token with which nodes register. */
export function enrolCommand(): Command {
  return new Command("enrol")
    .description("make an enrolment token for worker nodes")
    .option("--uses <n>", "how many nodes may use it", integerBetween(1, 10_000), 1)
    .option("--expires <time>", "how long it is good: 15m, 1h, 7d", durationSeconds, 3_600)
    .option("--account <id>", "nodes that serve this account only")
    .option("--tag <key=value>", "tag of its nodes, repeatable", tag)
    .option("--json", "the answer as JSON")
    .action(async (flags: EnrolFlags) => {
      const client = apiClient(await resolveConnection());
      const answer = await client.json(EnrolmentSchema, "/admin/enrolments", {
        method: "POST",
        as: "admin",
        body: { uses: flags.uses, expires_in: flags.expires, tags: flags.tag, account_id: flags.account },
      });
      if (flags.json) return void process.stdout.write(`${JSON.stringify(answer)}\n`);
      const until = new Date(answer.expires_at).toISOString();
      process.stdout.write(`trawl node --edge ${client.edge} --token ${answer.token}\n`);
      process.stderr.write(`good for ${flags.uses} node${flags.uses === 1 ? "" : "s"} until ${until}\n`);
    });
}

function tag(text: string, before: readonly string[] | undefined): string[] {
  if (!/^[a-z0-9_.-]{1,64}=[a-z0-9_.-]{1,64}$/.test(text)) throw new InvalidArgumentError("Write it as key=value.");
  return collect(text, before);
}
