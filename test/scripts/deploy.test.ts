/** `npm run deploy` with the real wrangler against a small Cloudflare of our own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ROOT } from "../../scripts/build/stamp.ts";
import { testDir } from "../leaks.ts";
import { type FakeCloudflare, FakeD1, startFakeCloudflare } from "./fake-cloudflare.ts";

// Half a dozen starts of wrangler, and the first run of a checkout builds the Worker.
vi.setConfig({ testTimeout: 180_000 });

const DATABASE = "11111111-2222-3333-4444-555555555555";
const SECRETS = ["TRAWL_ADMIN_TOKEN", "TRAWL_SECRET", "TRAWL_KEK"];

let cloudflare: FakeCloudflare;
let home: string;
beforeEach(async () => {
  cloudflare = await startFakeCloudflare();
  home = await testDir("deploy");
});
afterEach(() => cloudflare.close());

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs it in an environment of nothing but what is given. */
async function deploy(args: string[], env: Record<string, string> = cloudflare.env): Promise<Outcome> {
  const child = spawn(process.execPath, [join(ROOT, "scripts", "deploy.ts"), ...args], {
    cwd: home,
    env: { PATH: process.env.PATH ?? "", HOME: home, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { code: code as number, stdout, stderr };
}

/** The configuration of an operator who has made a database, as a file of their own. */
async function ownConfig(): Promise<string> {
  const path = join(home, "wrangler.production.toml");
  const plain = await readFile(join(ROOT, "wrangler.toml"), "utf8");
  const own = plain
    .replace("00000000-0000-0000-0000-000000000000", DATABASE)
    .replace('"edge/index.ts"', JSON.stringify(join(ROOT, "edge", "index.ts")))
    .replace('"migrations"', JSON.stringify(join(ROOT, "migrations")));
  await writeFile(path, own);
  return path;
}

describe("a dry run", () => {
  test("needs no account and no network, and says what is to be made first", async () => {
    const { code, stdout, stderr } = await deploy(["--dry-run"], {
      CLOUDFLARE_API_BASE_URL: cloudflare.env.CLOUDFLARE_API_BASE_URL ?? "",
    });
    expect({ code, asked: cloudflare.asked }).toEqual({ code: 0, asked: 0 });
    expect(stdout).toMatch(/Total Upload: .*gzip/);
    expect(stdout).toContain("env.PARTITION (Partition)");
    expect(stdout).toContain("Dry run: nothing was sent.");
    expect(stderr).toContain("a D1 database: wrangler.toml has no database_id\n      npx wrangler d1 create trawl\n");
  });
});

describe("a deploy", () => {
  test("without a sign-in says how to sign in, and sends nothing", async () => {
    const { CLOUDFLARE_API_BASE_URL: base = "" } = cloudflare.env;
    const { code, stderr } = await deploy([], { CLOUDFLARE_API_BASE_URL: base });
    expect(code).toBe(1);
    expect(stderr).toContain("Not deployed; nothing was changed. Missing:\n  - a sign-in at Cloudflare\n");
    expect(stderr).toContain("npx wrangler login");
    expect(stderr).toContain("a D1 database: wrangler.toml has no database_id");
    expect(cloudflare.changes).toEqual([]);
  });

  test("into an empty account names the database, the bucket and each secret, with the command that makes it", async () => {
    const { code, stderr } = await deploy(["--config", await ownConfig()]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `the D1 database ${DATABASE} of wrangler.production.toml: A request to the Cloudflare API`,
    );
    expect(stderr).toContain("npx wrangler r2 bucket create trawl-files");
    for (const name of SECRETS) {
      expect(stderr).toContain(`the secret ${name} of the Worker trawl`);
      expect(stderr).toMatch(new RegExp(`openssl rand .* \\| npx wrangler secret put ${name}\n`));
    }
    expect(cloudflare.changes).toEqual([]);
  });

  test("applies the migrations, uploads the Worker with R2 as its store, and sends no secret along", async () => {
    const database = new FakeD1(DATABASE, "trawl");
    cloudflare.databases.push(database);
    cloudflare.buckets.push("trawl-files");
    cloudflare.secrets = SECRETS;
    const config = await ownConfig();
    const given = { TRAWL_LOG: "debug", TRAWL_R2_SECRET: "a-secret-of-r2", TRAWL_ADMIN_TOKEN: "adm_of_the_operator" };
    const done = await deploy(["--config", config], { ...cloudflare.env, ...given });
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining("https://trawl.me.workers.dev") });
    const tables = database.sqlite.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(["accounts", "jobs", "nodes", "partitions"]));
    expect(cloudflare.changes.map(({ call }) => call)).toEqual([
      "PUT /workers/scripts/trawl",
      "POST /workers/scripts/trawl/subdomain",
      "PUT /workers/scripts/trawl/schedules",
    ]);
    const [upload] = cloudflare.changes;
    const metadata = JSON.parse(/name="metadata"\r\n\r\n(.*)\r\n/.exec(upload?.body ?? "")?.[1] ?? "{}");
    expect(metadata.bindings).toEqual(
      expect.arrayContaining([
        { name: "TRAWL_STORE", type: "plain_text", text: "r2" },
        { name: "TRAWL_LOG", type: "plain_text", text: "debug" },
        { name: "DB", type: "d1", id: DATABASE },
      ]),
    );
    expect(metadata.keep_bindings).toEqual(expect.arrayContaining(["plain_text", "secret_text"]));
    expect(JSON.stringify(metadata)).not.toContain(given.TRAWL_R2_SECRET);
    expect(JSON.stringify(metadata)).not.toContain(given.TRAWL_ADMIN_TOKEN);
  });

  test("that is not understood says how to ask", async () => {
    const { code, stderr } = await deploy(["--dryrun"]);
    expect({ code, asked: cloudflare.asked }).toEqual({ code: 2, asked: 0 });
    expect(stderr).toContain("usage: npm run deploy [-- [--dry-run] [--config FILE]]");
  });
});
