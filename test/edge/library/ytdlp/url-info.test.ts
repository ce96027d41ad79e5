/** `GET /api/yt-dlp/url/info` (library API 5.4). */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { sweep } from "../../../../edge/sweep/sweep.ts";
import { YTDLP_CALLS } from "../../../../shared/contract/ytdlp-calls.ts";
import { TestNode } from "../../fleet-node.ts";
import { type Account, type Answer, admin, type Json, newAccount } from "../../support.ts";
import { rowsNaming } from "../../tables.ts";
import { asked, info } from "./asked-node.ts";

const PATH = "/api/yt-dlp/url/info";
const URL_1 = "https://www.youtube.com/watch?v=dQw4w9WgXcQ";

function look(account: Account, query: Record<string, string> = {}): Promise<Answer> {
  return account.api("GET", `${PATH}?${new URLSearchParams({ url: URL_1, ...query })}`);
}

const told = ({ status, body }: Answer) => [status, body];
const twice = (text: string) => ({ status: false, message: text, error: text });

describe("what yt-dlp says of a URL", () => {
  it("comes whole, with its cookies under both names, the archive in force, and where the answer is from", async () => {
    const formats = [{ format_id: "1", cookies: "a=b; Domain=.example.com" }, { format_id: "2" }];
    const { account, questions } = await asked(() => info({ formats, _type: "video" }));
    const { status, body } = await look(account);
    const { _cached, ...rest } = body;
    expect(status).toBe(200);
    expect(rest).toEqual({
      ...(info({ _type: "video" }).info as Json),
      formats: [{ ...formats[0], h_cookies: formats[0]?.cookies }, formats[1]],
      ...{ is_archived: false, archive_file: "/config/archive.log", archive_id: "youtube dQw4w9WgXcQ" },
    });
    const { key, ttl_left: left, expires, ...cached } = _cached as Record<string, number | string>;
    expect(cached).toEqual({ status: "miss", preset: "default", cli_args: "", ttl: 300 });
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(Number(left)).toBeGreaterThan(290);
    expect(Number(expires) - Date.now() / 1_000).toBeGreaterThan(290);
    // The archive is the edge's: yt-dlp is never given a file.
    expect(questions).toEqual([{ kind: "info", url: URL_1, args: ["--socket-timeout", "30"] }]);
  });

  it("is asked with the preset's options, then the request's, and the preset's cookies", async () => {
    const { account, questions } = await asked(() => info());
    const cookies = ".example.com\tTRUE\t/\tFALSE\t0\tsession\topen\n";
    const preset = { name: "mine", cli: "# sound\n--no-download-archive -x -o X", cookies };
    expect((await account.api("POST", "/api/presets", preset)).status).toBe(200);
    const { body } = await look(account, { preset: " Mine ", args: "-I 1:3" });
    expect(questions).toEqual([
      { kind: "info", url: URL_1, args: ["--extract-audio", "--playlist-items", "1:3"], cookies },
    ]);
    expect(body).toMatchObject({ is_archived: false, _cached: { preset: "mine", cli_args: "-I 1:3" } });
    expect(Object.keys(body)).not.toContain("archive_file");
  });

  it("is kept for 300 s by account, preset, URL and args; `force` asks again", async () => {
    const { account, questions } = await asked((_, count) => info({ title: `Talk ${count}` }));
    const first = await look(account);
    const second = await look(account);
    expect([first.body.title, second.body.title]).toEqual(["Talk 1", "Talk 1"]);
    expect(second.body._cached).toMatchObject({ status: "hit", key: (first.body._cached as Json).key });
    for (const query of [{ args: "-x" }, { preset: "mobile" }, { url: `${URL_1}&t=1` }, { force: "" }]) {
      expect((await look(account, query as Record<string, string>)).body._cached).toMatchObject({ status: "miss" });
    }
    expect((await look(account)).body.title, "what `force` brought").toBe("Talk 5");
    expect(questions).toHaveLength(5);
  });

  it("is kept without a word of it to be read in a row, and dropped when its time is over", async () => {
    const { account } = await asked(() => info({ title: "A secret talk" }));
    await look(account, { args: "--video-password hunter2" });
    expect(await rowsNaming("A secret talk", "hunter2")).toEqual([]);
    const rows = () => env.DB.prepare("SELECT count(*) AS n FROM library_answers").first<number>("n");
    await env.DB.prepare("UPDATE library_answers SET expires_at = ?")
      .bind(Date.now() - 1)
      .run();
    expect((await look(account)).body._cached).toMatchObject({ status: "miss" });
    await sweep(env);
    expect(await rows()).toBe(1);
  });

  it("makes room in what an account may keep: the answers that end first go", async () => {
    // Text that does not compress: about 700 KB as it is kept.
    const noise = () => {
      const words = Array.from({ length: 12 }, () => crypto.getRandomValues(new Uint8Array(32_768)));
      return words.map((bytes) => btoa(String.fromCharCode(...bytes))).join("");
    };
    const { account, questions } = await asked(() => info({ description: noise() }));
    for (let at = 0; at < 14; at++) await look(account, { args: `-I ${at + 1}` });
    const kept = await env.DB.prepare(
      "SELECT sum(size) AS bytes, count(*) AS n FROM library_answers WHERE account_id = ?",
    )
      .bind(account.id)
      .first<{ bytes: number; n: number }>();
    expect(kept?.bytes).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(kept?.n).toBeLessThan(14);
    await look(account, { args: "-I 14" });
    expect(questions, "the newest one is there").toHaveLength(14);
    expect((await look(account, { args: "-I 1" })).body._cached, "the oldest is not").toMatchObject({ status: "miss" });
  });

  it("tells of the archive as it is now, from the cache too", async () => {
    const { account } = await asked(() => info());
    expect((await look(account)).body.is_archived).toBe(false);
    await account.api("POST", "/api/archiver", { preset: "default", items: ["youtube dQw4w9WgXcQ"] });
    expect((await look(account)).body).toMatchObject({ is_archived: true, _cached: { status: "hit" } });
    const generic = await look(account, { url: "https://example.com/a" });
    expect(generic.body.archive_id).toBe("youtube dQw4w9WgXcQ");
  });

  it.each<[string, Record<string, string>, string]>([
    ["no URL", { url: "" }, "URL is required."],
    ["a scheme", { url: "ytsearch5:cats" }, "Invalid scheme usage. Only HTTP or HTTPS allowed."],
    ["no host", { url: "nope" }, "Invalid hostname."],
    ["a private address", { url: "http://127.1/" }, "Access to internal urls or private networks is not allowed."],
    ["a reserved name", { url: "http://a.localhost/" }, "Access to internal urls or private networks is not allowed."],
    ["an unknown preset", { preset: "nope" }, "Preset 'nope' does not exist."],
  ])("refuses %s in both keys", async (_what, query, text) => {
    expect(told(await look(await newAccount(), query))).toEqual([400, twice(text)]);
  });

  it("refuses bad args with one key: by name at the edge, by yt-dlp's parser on the node", async () => {
    const { account } = await asked(() => ({ refused: "No such option: --new", info: null, left_out: [] }));
    expect(told(await look(account, { args: "--exec id" }))).toEqual([
      400,
      { error: "Option '--exec' is not allowed." },
    ]);
    const error = "Failed to parse command options for yt-dlp. 'No such option: --new'.";
    expect(told(await look(account, { args: "--socket-timeout 3" }))).toEqual([400, { error }]);
  });

  it("that cannot be looked at is 500, with yt-dlp's lines, which name no node", async () => {
    const log = [
      "WARNING: [x] Falling back",
      "ERROR: [x] a: Unable to read https://me:pw@a.example/v?token=abc at 10.1.2.3:55 (/tmp/call.1/x.json)",
    ];
    const { account } = await asked(() => ({ ok: false, class: "removed", message: "Video unavailable", log }));
    const answer = await look(account);
    const error = String(answer.body.error);
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({ status: false, error, message: "Failed to extract video info." });
    expect(error).toMatch(
      /^Failed to extract video info\. WARNING: \[x\] Falling back ERROR: \[x\] a: Unable to read https:/,
    );
    for (const secret of ["me:pw", "abc", "10.1.2.3", "/tmp/"]) expect(error).not.toContain(secret);
  });

  it("goes to another node when the first is at fault, and says what the last one said", async () => {
    const { account, questions } = await asked(() => ({
      ok: false,
      class: "network",
      message: "The site did not answer",
    }));
    expect(told(await look(account))).toEqual([
      500,
      {
        status: false,
        error: "Failed to extract video info. The site did not answer",
        message: "Failed to extract video info.",
      },
    ]);
    expect(questions, "there is one node").toHaveLength(1);
  });

  it("without a node is 503, past the account's own deadline 504, with the keys of this route", async () => {
    const account = await newAccount();
    const none = await look(account);
    expect(told(none)).toEqual([503, twice("No worker node is online.")]);
    expect(none.headers.get("retry-after")).toBe("5");
    await admin("PATCH", `/admin/accounts/${account.id}/settings`, { extract_info_timeout: 5 });
    const node = await TestNode.online(account, [], [YTDLP_CALLS]);
    const { socket, first } = await node.connect();
    const looking = look(account);
    const frame = await first;
    expect(frame).toMatchObject({ type: "call", request: { kind: "info" } });
    expect(frame.deadline_ms).toBeGreaterThan(4_000);
    expect(frame.deadline_ms).toBeLessThanOrEqual(5_000);
    // As good as silence, and sooner.
    socket.close();
    expect(told(await looking)).toEqual([504, twice("The worker node did not answer in time.")]);
  });

  it("that a node answers with something else is told as unexpected", async () => {
    const { account } = await asked(() => ({ refused: null, info: null, left_out: [] }));
    expect(await look(account)).toMatchObject({
      status: 500,
      body: { error: "failed to get video info.", message: expect.any(String), formats: [] },
    });
  });
});
