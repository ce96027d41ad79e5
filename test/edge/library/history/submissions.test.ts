/** `POST /api/history` and `GET /api/history/add` (library API 3.4, 4.1, 4.2): what becomes of a submission, up to the node. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type LeasedJob, LIBRARY_RUN } from "../../../../shared/contract/fleet.ts";
import { extractedInfo, manifestOf, putPart, TestNode } from "../../fleet-node.ts";
import { type Account, admin, type Json, newAccount } from "../../support.ts";
import { allRows } from "../../tables.ts";
import { finished, type Item, idsOf, list, readItem, untilStatus } from "./support.ts";

const URL_1 = "https://media.example.com/v1";
const COOKIES = ".example.com\tTRUE\t/\tTRUE\t0\tsession\tvery-secret-cookie";
const DEFAULT_ARGS = ["--socket-timeout", "30"];

let account: Account;
beforeEach(async () => {
  account = await newAccount();
});

interface Queued {
  item: Json;
  status: string | boolean;
  msg: string | null;
  _id: string;
}

async function submit(body: unknown, query = ""): Promise<Queued[]> {
  const answer = await account.api<Queued[]>("POST", `/api/history${query}`, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

async function submitOne(body: Json): Promise<string> {
  const [queued] = await submit({ url: URL_1, ...body });
  return queued?._id ?? "";
}

async function refusal(body: unknown): Promise<[number, Json]> {
  const answer = await account.api("POST", "/api/history", body);
  return [answer.status, answer.body];
}

const online = () => TestNode.online(account, [], [LIBRARY_RUN]);

/** Leases and confirms the one job that waits, and says what the node hears of it. */
async function take(node: TestNode): Promise<{ job: LeasedJob; confirmed: Json }> {
  const [job] = await node.lease();
  if (job === undefined) throw new Error("nothing was leased");
  const answer = await node.job(job, "confirm");
  expect(answer.status).toBe(200);
  return { job, confirmed: answer.body };
}

describe("a submission", () => {
  it("is a job at once, and is echoed with what was sent", async () => {
    const [queued, ...rest] = await submit({ url: ` ${URL_1} `, folder: "talks", cli: "--write-subs", template: 7 });
    expect(rest).toEqual([]);
    expect(queued).toEqual({
      item: {
        url: URL_1,
        preset: "default",
        folder: "talks",
        cookies: "",
        template: "",
        cli: "--write-subs",
        extras: {},
        requeued: false,
        auto_start: true,
      },
      status: "queued",
      msg: null,
      _id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(await readItem(account, queued?._id ?? "")).toMatchObject({
      url: URL_1,
      title: URL_1,
      preset: "default",
      folder: "talks",
      download_dir: "/downloads/talks",
      cli: "--write-subs",
      template: "%(title)s.%(ext)s",
      status: null,
    });
    expect((await account.api("GET", `/jobs/${queued?._id}`)).body).toMatchObject({ status: "Pending", tags: [] });
  });

  it("of several is as many jobs, in their order, which tell that they came together", async () => {
    const urls = [1, 2, 3].map((number) => `https://media.example.com/v${number}`);
    const queued = await submit(urls.map((url) => ({ url, extras: { mine: 1 } })));
    expect(queued.map((each) => each.item.url)).toEqual(urls);
    const ids = queued.map((each) => each._id);
    expect(idsOf((await list(account, "?type=queue&order=asc")).items)).toEqual(ids);
    const extras = { mine: 1, batch_id: expect.any(String), batch_index: 2, batch_total: 3 };
    expect(queued[1]?.item.extras).toEqual(extras);
    expect((await readItem(account, ids[1] ?? "")).extras).toEqual(extras);
  });

  it("of none is none", async () => {
    expect(await submit([])).toEqual([]);
  });

  it("with auto_start false waits until it is started; only a real boolean counts", async () => {
    const [held, goes] = [await submitOne({ auto_start: false }), await submitOne({ auto_start: "false" })];
    expect((await readItem(account, held)).auto_start).toBe(false);
    const node = await online();
    expect((await node.lease()).map(({ job }) => job)).toEqual([goes]);
  });

  it("takes from its preset what it does not say itself", async () => {
    const preset = {
      name: "Mine",
      folder: "theirs",
      template: "%(id)s.%(ext)s",
      cli: "--embed-subs",
      cookies: COOKIES,
    };
    expect((await account.api("POST", "/api/presets", preset)).status).toBe(200);
    const id = await submitOne({ preset: " MINE ", cli: "--write-subs" });
    expect(await readItem(account, id)).toMatchObject({
      preset: "mine",
      folder: "theirs",
      template: "%(id)s.%(ext)s",
      cli: "--write-subs",
      // The item's own.
      cookies: "",
    });
    const { job, confirmed } = await take(await online());
    expect(job.options.library).toMatchObject({ template: "%(id)s.%(ext)s", args: [] });
    expect(confirmed).toEqual({ state: "running", cookies: COOKIES, args: ["--embed-subs", "--write-subs"] });
  });

  it("goes by the account's default preset, and by `default` where that is gone", async () => {
    const settings = `/admin/accounts/${account.id}/settings`;
    await admin("PATCH", settings, { default_preset: "audio_only" });
    expect((await submit({ url: URL_1 }))[0]?.item.preset).toBe("audio_only");
    await admin("PATCH", settings, { default_preset: "gone" });
    expect((await submit({ url: URL_1, preset: "" }))[0]?.item.preset).toBe("default");
  });

  it("of an 11-character id is that video's page, and a search prefix is taken", async () => {
    const urls = (await submit([{ url: "dQw4w9WgXcQ" }, { url: "ytsearch5:talks" }])).map(({ item }) => item.url);
    expect(urls).toEqual(["https://www.youtube.com/watch?v=dQw4w9WgXcQ", "ytsearch5:talks"]);
  });

  it("is run by a node with the feature alone, which hears the command line with its confirm and not before", async () => {
    await submitOne({ cli: "--username anna --password very-secret-word", cookies: COOKIES });
    const other = await TestNode.online(account);
    expect(await other.lease()).toEqual([]);
    const { job, confirmed } = await take(await online());
    expect(JSON.stringify(job)).not.toContain("very-secret");
    expect(confirmed.args).toEqual([...DEFAULT_ARGS, "--username", "anna", "--password", "very-secret-word"]);
  });

  it("leaves no password and no cookie in any row", async () => {
    await submitOne({ cli: "--password very-secret-word", cookies: COOKIES });
    expect((await allRows()).filter((row) => row.includes("very-secret"))).toEqual([]);
  });

  it("shows its own command line and cookies, also when it is over", async () => {
    const id = await submitOne({ cli: "--password very-secret-word", cookies: COOKIES });
    await account.api("POST", "/api/history/cancel", { ids: [id] });
    expect(await untilStatus(account, id, "cancelled")).toMatchObject({
      cli: "--password very-secret-word",
      cookies: COOKIES,
    });
  });

  it("that is repeated with its idempotency key is answered as the first time, and makes nothing", async () => {
    const ask = () =>
      account.api<Queued[]>("POST", "/api/history", [{ url: URL_1 }, { url: URL_1 }], { "x-idempotency-key": "k1" });
    const [first, second] = [await ask(), await ask()];
    expect(second.body).toEqual(first.body);
    expect((await list(account, "?type=queue")).pagination?.total).toBe(2);
  });
});

describe("a refused submission", () => {
  it.each<[Json, string]>([
    [{}, "url param is required."],
    [{ url: "  " }, "url param is required."],
    [{ url: 7 }, "url param is required."],
    [{ url: "ftp://media.example.com/v1" }, "Invalid scheme usage. Only HTTP or HTTPS allowed."],
    [{ url: "http://127.0.0.1/v1" }, "Access to internal urls or private networks is not allowed."],
    [{ url: "http://nas.local/v1" }, "Access to internal urls or private networks is not allowed."],
    [{ url: URL_1, preset: "zz" }, "Preset 'zz' does not exist."],
    [{ url: URL_1, cli: "--exec rm" }, "Option '--exec' is not allowed."],
    [{ url: URL_1, cli: "--proxy http://10.0.0.1:80" }, "Option '--proxy' must not point to a private address."],
    [
      { url: URL_1, cookies: "not cookies" },
      "cookies must be in the Netscape format: line 1 has 1 fields instead of 7.",
    ],
  ])("%j names the fault, gives the element back, and queues nothing", async (element, error) => {
    expect(await refusal([{ url: URL_1 }, element])).toEqual([400, { error, data: element }]);
    expect(await list(account, "?type=all")).toEqual({ queue: [], history: [] });
  });

  it("of options that yt-dlp does not know has its own words", async () => {
    const [status, body] = await refusal({ url: URL_1, cli: "--nope" });
    expect(status).toBe(400);
    expect(body.error).toMatch(/^Failed to parse command options for yt-dlp\. .*no such option: --nope/s);
  });

  it.each([
    ["{", "Invalid JSON."],
    ["7", "Invalid request body expecting list or dict."],
    [JSON.stringify(Array.from({ length: 1001 }, () => ({ url: URL_1 }))), "Too many items (max 1000)."],
  ])("%s", async (body, error) => {
    expect(await refusal(body)).toEqual([400, { error }]);
  });

  it("comes where the queue is full, whole or not at all", async () => {
    account = await newAccount({ limits: { max_queued: 2 } });
    await submit([{ url: URL_1 }]);
    const answer = await account.api("POST", "/api/history", [{ url: URL_1 }, { url: URL_1 }]);
    expect([answer.status, answer.body, answer.headers.get("retry-after")]).toEqual([
      503,
      { error: "Queue is full." },
      "30",
    ]);
    expect((await list(account, "?type=queue")).pagination?.total).toBe(1);
  });
});

/** Delivers files under the names that yt-dlp gave them. */
async function deliver(node: TestNode, job: LeasedJob, files: [name: string, kind: string][]): Promise<void> {
  const looked = await node.job(job, "extracted", { result: { kind: "single", info: extractedInfo() } });
  expect(looked.body).toEqual({ decision: "go", tickets: [] });
  const bodies: Json[] = [];
  let manifest: Json = {};
  for (const [name, kind] of files) {
    const wish = { kind, language: null, name, size: name.length, upload_id: null, from_part: 1 };
    const answer = await node.job(job, "ticket", wish);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    const { ticket } = answer.body as { ticket: { upload_id: string; digest?: string; urls: { url: string }[] } };
    const put = await putPart(ticket.urls[0]?.url ?? "", name, ticket.digest);
    const made = await manifestOf(ticket.upload_id, name, put.headers.get("etag") ?? "");
    manifest = manifest.files === undefined ? made : manifest;
    bodies.push(...(made.files as Json[]).map((file) => ({ ...file, kind })));
  }
  const done = await node.job(job, "complete", { manifest: { ...manifest, files: bodies } });
  expect(done.status, JSON.stringify(done.body)).toBe(200);
}

describe("what was delivered", () => {
  it("lies where folder and template say, with what stands beside it", async () => {
    const id = await submitOne({ folder: "talks" });
    const node = await online();
    const { job } = await take(node);
    await deliver(node, job, [
      ["Season 1/A talk.webm", "media"],
      ["Season 1/A talk.en.vtt", "subtitle"],
      ["Season 1/A talk.info.json", "info"],
    ]);
    expect(await untilStatus(account, id, "finished")).toMatchObject({
      folder: "talks",
      download_dir: "/downloads/talks",
      filename: "Season 1/A talk.webm",
      file_size: "Season 1/A talk.webm".length,
    });
    const { body } = await account.api<{ files: { key: string; content_type: string }[] }>("GET", `/jobs/${id}`);
    expect(body.files.map(({ key, content_type }) => [key, content_type])).toEqual([
      ["talks/Season 1/A talk.webm", "video/webm"],
      ["talks/Season 1/A talk.en.vtt", "text/vtt; charset=utf-8"],
      ["talks/Season 1/A talk.info.json", "application/json"],
    ]);
  });

  it("under a name that is taken gets the next number, all of it", async () => {
    await finished(account, { filename: "A talk" });
    const id = await submitOne({ folder: "videos" });
    const node = await online();
    const { job } = await take(node);
    await deliver(node, job, [
      ["A talk.mp4", "media"],
      ["A talk.jpg", "thumbnail"],
    ]);
    await untilStatus(account, id, "finished");
    const { body } = await account.api<{ files: { key: string }[] }>("GET", `/jobs/${id}`);
    expect(body.files.map(({ key }) => key)).toEqual(["videos/A talk (2).mp4", "videos/A talk (2).jpg"]);
  });
});

describe("a list", () => {
  it("becomes an item for each entry, each with the list's preset, folder, command line and cookies", async () => {
    await submitOne({ preset: "mobile", folder: "lists", cli: "--write-subs", cookies: COOKIES });
    const node = await online();
    const { job } = await take(node);
    const entries = [1, 2].map((number) => ({ url: `https://media.example.com/e${number}`, title: `Entry ${number}` }));
    const result = { kind: "list", title: "A list", entries, truncated: false };
    expect((await node.job(job, "extracted", { result })).body).toEqual({ decision: "expanded" });
    const items = (await list(account, "?type=queue&order=asc")).items as Item[];
    expect(items.map(({ url }) => url)).toEqual(entries.map(({ url }) => url));
    for (const item of items) {
      expect(item).toMatchObject({ preset: "mobile", folder: "lists", cli: "--write-subs", cookies: COOKIES });
    }
    const next = await take(node);
    expect(next.confirmed.args).toContain("--write-subs");
    expect(next.job.options.library).toBeDefined();
  });
});

describe("who waits for the look", () => {
  /** A node that answers the look of the one job that comes. */
  async function answering(report: (node: TestNode, job: LeasedJob) => Promise<unknown>): Promise<void> {
    const node = await online();
    await vi.waitFor(async () => {
      const { job } = await take(node);
      await report(node, job);
    }, 10_000);
  }

  it("hears that it goes on", async () => {
    const answered = account.api<Queued[]>("POST", "/api/history?sync=true", { url: URL_1 });
    await answering(async (node, job) => {
      await node.job(job, "extracted", { result: { kind: "single", info: extractedInfo() } });
      await node.job(job, "step", { step: "download" });
    });
    expect((await answered).body).toEqual([{ item: expect.objectContaining({ url: URL_1 }), status: true, msg: null }]);
  });

  it("hears what was wrong, and then there is no record", async () => {
    const answered = account.api("GET", `/api/history/add?url=${encodeURIComponent(URL_1)}`);
    await answering((node, job) =>
      node.job(job, "fail", { class: "removed", message: "Gone", retry_after_seconds: null, permanent: true }),
    );
    expect((await answered).body).toEqual({
      status: false,
      message: expect.stringMatching(/^Unable to extract info\../),
    });
    expect(await list(account, "?type=all")).toEqual({ queue: [], history: [] });
  });

  it("does not wait for what is on hold", async () => {
    const [outcome] = await submit([{ url: URL_1, auto_start: false }], "?sync=true");
    expect(outcome).toMatchObject({ status: true, msg: null });
  });

  it.each([
    ["", { error: "url param is required." }],
    ["?url=", { error: "url param is required." }],
    [`?url=${encodeURIComponent(URL_1)}&preset=zz`, { status: false, message: "Preset 'zz' does not exist." }],
    ["?url=ftp://a.example/", { status: false, message: "Invalid scheme usage. Only HTTP or HTTPS allowed." }],
  ])("add%s is refused", async (query, body) => {
    const answer = await account.api("GET", `/api/history/add${query}`);
    expect([answer.status, answer.body]).toEqual([400, body]);
  });
});
