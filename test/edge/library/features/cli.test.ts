/** The command lines that presets, conditions and tasks hold (library API 5.1, 7.2, 7.4, 8.1). */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { secretBoxOf } from "../../../../edge/auth/secret-box.ts";
import { FEATURE_PURPOSE } from "../../../../edge/db/features.ts";
import { type Json, newAccount } from "../../support.ts";

const KINDS: [path: string, what: string, body: Json][] = [
  ["/api/presets", "preset", {}],
  ["/api/conditions", "condition", { filter: "is_live" }],
  ["/api/tasks", "task", { url: "https://example.com/" }],
];

describe.each(KINDS)("%s", (path, what, body) => {
  it.each([
    ["--exec rm", "Option '--exec' is not allowed."],
    ["--write-subs --exe 'rm -rf /'", "Option '--exec' is not allowed."],
    ["--cookies=/etc/passwd", "Option '--cookies' is not allowed."],
    ["--proxy http://127.0.0.1:8080", "Option '--proxy' must not point to a private address."],
    [
      "--nope",
      "Invalid command options for yt-dlp: Usage: yt-dlp [OPTIONS] URL [URL...]\n\nyt-dlp: error: no such option: --nope",
    ],
  ])("refuses %s, made or changed", async (cli, text) => {
    const account = await newAccount();
    const first = await account.api("POST", path, { name: "one", cli: "--write-subs", ...body });
    const detail = [{ loc: ["cli"], msg: `Value error, ${text}`, type: "value_error" }];
    const made = await account.api("POST", path, { name: "two", ...body, cli });
    const error = `Failed to validate ${what === "task" ? "first task" : what}.`;
    expect([made.status, made.body]).toEqual([400, { error, detail }]);
    for (const method of ["PATCH", "PUT"]) {
      const changed = await account.api(method, `${path}/${first.body.id}`, { cli });
      expect([changed.status, changed.body]).toEqual([400, { error: `Failed to validate ${what}.`, detail }]);
    }
  });

  it("keeps it as it is written: comments, placeholders, options that will be dropped", async () => {
    const account = await newAccount();
    const cli = "# with an archive\n--download-archive %(archive_file)s\n-o ignored -x\n# --exec rm";
    const made = await account.api("POST", path, { name: "one", ...body, cli: ` ${cli}\n` });
    expect([made.status, made.body.cli]).toEqual([200, cli]);
  });
});

it("what every account has as a preset can be copied into one of one's own", async () => {
  const account = await newAccount();
  const { body } = await account.api<{ items: Json[] }>("GET", "/api/presets");
  for (const { name, cli, template } of body.items) {
    const copy = await account.api("POST", "/api/presets", { name: `my ${name}`, cli, template });
    expect(copy.body).toMatchObject({ cli, template });
  }
});

it("a change that does not send it does not read it again, even if it would be refused by now", async () => {
  const account = await newAccount();
  await account.api("POST", "/api/presets", { name: "mine", cli: "--write-subs" });
  const context = { account: account.id, purpose: FEATURE_PURPOSE };
  const sealed = await secretBoxOf(env).seal(JSON.stringify({ cli: "--exec rm" }), context);
  await env.DB.prepare("UPDATE library_features SET sealed = ? WHERE account_id = ?").bind(sealed, account.id).run();
  const changed = await account.api("PATCH", "/api/presets/9", { description: "x" });
  expect([changed.status, changed.body.cli, changed.body.description]).toEqual([200, "--exec rm", "x"]);
});
