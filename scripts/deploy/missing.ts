/** What a deploy needs and does not make: a sign-in, the D1 database, the R2 bucket, the secrets. */
import { basename } from "node:path";
import type { WranglerAnswer } from "../build/wrangler.ts";
import type { Target } from "./target.ts";

export interface Missing {
  what: string;
  /** Commands, or a sentence, that put it right. */
  todo: string[];
}

export type AskWrangler = (args: readonly string[]) => Promise<WranglerAnswer>;

/** The id in the repository: none. */
const NO_ID = /^0{8}-|^$/;

/** A recipe for each; a key-encryption key has an id before its 32 bytes. */
const SECRETS: Readonly<Record<string, string>> = {
  TRAWL_ADMIN_TOKEN: `printf 'adm_%s' "$(openssl rand -hex 24)"`,
  TRAWL_SECRET: "openssl rand -base64 32",
  TRAWL_KEK: `printf 'k1:%s' "$(openssl rand -base64 32)"`,
};

const SIGN_IN: Missing = {
  what: "a sign-in at Cloudflare",
  todo: ["npx wrangler login", "or set CLOUDFLARE_API_TOKEN (Workers Scripts, D1, R2: edit) and CLOUDFLARE_ACCOUNT_ID"],
};

const NO_SUCH_WORKER = /^.*ERROR\] Worker "[^"]*" not found/m;

/** What can be seen without an account. */
export function missingInFiles({ config, database }: Target): Missing[] {
  if (!NO_ID.test(database.id)) return [];
  return [
    {
      what: `a D1 database: ${basename(config)} has no database_id`,
      todo: [
        `npx wrangler d1 create ${database.name}`,
        `then put the id that it prints into ${basename(config)} as database_id`,
      ],
    },
  ];
}

/** Everything that is missing, so that it can be put right in one go. Changes nothing. */
export async function findMissing(target: Target, ask: AskWrangler, hasToken: boolean): Promise<Missing[]> {
  // A token that may do all of this need not be one that may tell whose it is.
  if (!hasToken && (await ask(["whoami", "--json"])).code !== 0) return [SIGN_IN, ...missingInFiles(target)];
  const inFiles = missingInFiles(target);
  return [
    ...inFiles,
    ...(inFiles.length > 0 ? [] : await missingDatabase(target, ask)),
    ...(await missingBucket(target, ask)),
    ...(await missingSecrets(target, ask)),
  ];
}

async function missingDatabase({ config, database }: Target, ask: AskWrangler): Promise<Missing[]> {
  const answer = await ask(["d1", "info", database.binding, "--json"]);
  if (answer.code === 0) return [];
  return [
    {
      what: `the D1 database ${database.id} of ${basename(config)}: ${firstError(answer)}`,
      todo: ["npx wrangler d1 list", `or make one with npx wrangler d1 create ${database.name} and put its id there`],
    },
  ];
}

async function missingBucket({ bucket }: Target, ask: AskWrangler): Promise<Missing[]> {
  const answer = await ask(["r2", "bucket", "info", bucket, "--json"]);
  if (answer.code === 0) return [];
  return [
    { what: `the R2 bucket ${bucket}: ${firstError(answer)}`, todo: [`npx wrangler r2 bucket create ${bucket}`] },
  ];
}

/** A Worker that was never deployed has none. */
async function missingSecrets({ worker }: Target, ask: AskWrangler): Promise<Missing[]> {
  const answer = await ask(["secret", "list", "--format", "json"]);
  if (answer.code !== 0 && !NO_SUCH_WORKER.test(answer.output)) {
    return [
      {
        what: `a look at the secrets of the Worker ${worker}: ${firstError(answer)}`,
        todo: ["npx wrangler secret list must work"],
      },
    ];
  }
  const there = answer.code === 0 ? namesIn(answer.stdout) : [];
  const absent = Object.entries(SECRETS).filter(([name]) => !there.includes(name));
  return absent.map(([name, recipe]) => ({
    what: `the secret ${name} of the Worker ${worker}`,
    todo: [`${recipe} | npx wrangler secret put ${name}`],
  }));
}

function namesIn(json: string): string[] {
  const parsed: unknown = JSON.parse(json);
  if (!Array.isArray(parsed)) return [];
  return parsed.map((each: { name?: unknown }) => String(each.name));
}

/** What wrangler complained of, and what the API said to it. */
function firstError({ output }: WranglerAnswer): string {
  const complaint = /ERROR\]?\s*(.+)/.exec(output)?.[1] ?? "wrangler gave no reason";
  const detail = /^\s+(.*\[code: \d+\])/m.exec(output)?.[1];
  return detail === undefined ? complaint : `${complaint} ${detail}`;
}
