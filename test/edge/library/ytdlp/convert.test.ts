/** `POST /api/yt-dlp/convert` (library API 5.2). */
import { describe, expect, it } from "vitest";
import { newAccount } from "../../support.ts";
import { asked, VERSION } from "./asked-node.ts";

const PATH = "/api/yt-dlp/convert";
const PARSED = { version: VERSION, refused: null, opts: {}, output_template: null, download_path: null, format: null };

describe("a command line as options", () => {
  it("is what yt-dlp's parser says, without what was dropped, which is named", async () => {
    const steps = [{ key: "FFmpegExtractAudio", preferredcodec: "best" }];
    const opts = { format: "best", postprocessors: steps };
    const { account, questions } = await asked(() => ({
      ...PARSED,
      ...{ opts, output_template: "X", download_path: "/x", format: "best" },
    }));
    const { status, body } = await account.api("POST", PATH, { args: "-f best -x -o X -P home:/x" });
    expect([status, body]).toEqual([
      200,
      {
        ...{ opts, output_template: "X", download_path: "/x", format: "best" },
        removed_options: ["--output", "--paths"],
      },
    ]);
    expect(questions).toHaveLength(1);
  });

  it("has neither `format` nor `removed_options` where there are none", async () => {
    const { account } = await asked(() => ({ ...PARSED, opts: { writesubtitles: true } }));
    const { body } = await account.api("POST", PATH, { args: "--write-sub" });
    expect(body).toEqual({ opts: { writesubtitles: true }, output_template: null, download_path: null });
  });

  it("is asked of a node once, of each account's own", async () => {
    const { account, questions, close } = await asked(() => PARSED);
    await account.api("POST", PATH, { args: "--write-subs" });
    close();
    expect((await account.api("POST", PATH, { args: "  --write-subs " })).status).toBe(200);
    expect(questions).toHaveLength(1);
    expect((await account.api("POST", PATH, { args: "--write-thumbnail" })).status).toBe(503);
    expect((await (await newAccount()).api("POST", PATH, { args: "--write-subs" })).status).toBe(503);
  });

  it.each([
    ["--nope", "No such option: --nope", "Failed to parse command options for yt-dlp. 'No such option: --nope'."],
    ["-S 'it''s'", 'Bad "it\'s"', `Failed to parse command options for yt-dlp. 'Bad "it\\'s"'.`],
  ])("%s is refused in the parser's words, kept as any other answer", async (args, refused, error) => {
    const { account } = await asked(() => ({ ...PARSED, refused, opts: null }));
    for (const _ of [1, 2]) {
      const answer = await account.api("POST", PATH, { args });
      expect([answer.status, answer.body]).toEqual([400, { error }]);
    }
  });

  it.each([
    ["--exec id", "Option '--exec' is not allowed."],
    ["-x --use-post A", "Option '--use-postprocessor' is not allowed."],
    ["-U", "Option '--update' is not allowed."],
    ["--proxy http://10.0.0.1:3128", "Option '--proxy' must not point to a private address."],
    ["-o 'x", "Failed to parse command options for yt-dlp. 'No closing quotation'."],
  ])("%s is refused before any node sees it", async (args, error) => {
    const { account, questions } = await asked(() => PARSED);
    const answer = await account.api("POST", PATH, { args });
    expect([answer.status, answer.body, questions]).toEqual([400, { error }, []]);
  });

  it.each([[{}], [{ args: "" }], [{ args: 7 }], [[]]])("%j has no args", async (body) => {
    const answer = await (await newAccount()).api("POST", PATH, body);
    expect([answer.status, answer.body]).toEqual([400, { error: "args param is required." }]);
  });
});
