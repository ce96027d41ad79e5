/** `POST /api/yt-dlp/command` (library API 5.3). */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { admin, type Json, newAccount } from "../../support.ts";
import { asked, VERSION } from "./asked-node.ts";

const PATH = "/api/yt-dlp/command";
const URL_1 = "https://www.youtube.com/watch?v=dQw4w9WgXcQ";
const PRESET = "--socket-timeout 30 --download-archive /config/archive.log";

beforeEach(() => {
  env.TRAWL_CONSOLE = "1";
});
afterEach(() => {
  delete env.TRAWL_CONSOLE;
});

describe("the command line of a submission", () => {
  it("is the preset's, the item's, then where the file goes, quoted for a shell", async () => {
    const account = await newAccount();
    const item = { url: URL_1, folder: "talks", template: "%(title)s.%(ext)s", cli: "--write-subs" };
    const { status, body } = await account.api("POST", PATH, item);
    expect([status, body]).toEqual([
      200,
      {
        command: `${PRESET} --write-subs --output '%(title)s.%(ext)s' --paths home:/downloads/talks --paths temp:/tmp '${URL_1}'`,
      },
    ]);
  });

  it("takes what the item leaves out from the preset, then from the settings", async () => {
    const account = await newAccount();
    await admin("PATCH", `/admin/accounts/${account.id}/settings`, { output_template: "%(id)s.%(ext)s" });
    const preset = { name: "mine", folder: "/a//b/", cookies: "x", cli: "-x -P home:/else\n# a comment\n-f 'b a'" };
    await account.api("POST", "/api/presets", preset);
    const { body } = await account.api("POST", PATH, { url: " dQw4w9WgXcQ ", preset: "MINE" });
    expect(body.command).toBe(
      `--extract-audio --format 'b a' --cookies /tmp/cookies.txt --output '%(id)s.%(ext)s' --paths home:/downloads/a/b --paths temp:/tmp '${URL_1}'`,
    );
  });

  it("with `full` says the arguments one by one, yt-dlp's options and what was merged", async () => {
    const opts = { writesubtitles: true };
    const parsed = { version: VERSION, refused: null, opts, output_template: null, download_path: null, format: null };
    const { account, questions } = await asked(() => parsed);
    const item = { url: "ytsearch5:cats", cli: "--write-subs", cookies: "x" };
    const { body } = await account.api<Json>("POST", `${PATH}?full=`, item);
    const args = ["--socket-timeout", "30", "--download-archive", "/config/archive.log", "--write-subs"];
    expect(body).toMatchObject({
      dict: [...args, "--cookies", "/tmp/cookies.txt", "--output", "%(title)s.%(ext)s"].concat([
        "--paths",
        "home:/downloads",
        "--paths",
        "temp:/tmp",
        "ytsearch5:cats",
      ]),
      ytdlp: opts,
      merged: { template: "%(title)s.%(ext)s", save_path: "/downloads", cookie_file: "/tmp/cookies.txt" },
    });
    expect(questions).toEqual([{ kind: "parse_options", args }]);
  });

  it.each([
    [{}, "url param is required."],
    [{ url: " " }, "url param is required."],
    [{ url: "ftp://a.example/" }, "Invalid scheme usage. Only HTTP or HTTPS allowed."],
    [{ url: "http://192.168.0.1/" }, "Access to internal urls or private networks is not allowed."],
    [{ url: URL_1, preset: "nope" }, "Preset 'nope' does not exist."],
    [{ url: URL_1, cli: "--exec id" }, "Option '--exec' is not allowed."],
    [
      { url: URL_1, cli: "--nope" },
      "Failed to parse command options for yt-dlp. Usage: yt-dlp [OPTIONS] URL [URL...]\n\nyt-dlp: error: no such option: --nope",
    ],
    [{ url: URL_1, folder: "../../etc" }, "Failed to build CLI command"],
  ])("is not built of %j, and the request comes back", async (body, error) => {
    const answer = await (await newAccount()).api("POST", PATH, body);
    expect([answer.status, answer.body]).toEqual([400, { error, data: body }]);
  });

  it.each(["nope", "[]", "7", ""])("wants a JSON object, not %j", async (text) => {
    const answer = await (await newAccount()).api("POST", PATH, text);
    expect([answer.status, answer.body]).toEqual([400, { error: "Invalid request. expecting JSON body." }]);
  });

  it("is nobody's where the operator has not opened the console", async () => {
    delete env.TRAWL_CONSOLE;
    const answer = await (await newAccount()).api("POST", PATH, { url: URL_1 });
    expect([answer.status, answer.body]).toEqual([403, { error: "Console is disabled." }]);
  });
});
