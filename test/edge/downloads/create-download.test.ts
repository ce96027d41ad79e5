/** `POST /api/download`. */
import { describe, expect, it } from "vitest";
import { TestNode } from "../fleet-node.ts";
import { type Account, type Json, newAccount } from "../support.ts";
import { completed, detail, listOf, newDownload, OnlineNode, readTask, URL_1 } from "./support.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("a single URL", () => {
  it('answers 200 {"id": "<uuid>", "status": "pending", "message": "Download queued"}', async () => {
    const account = await newAccount();
    const answer = await account.api("POST", "/api/download", { url: URL_1 });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      id: expect.stringMatching(UUID),
      status: "pending",
      message: "Download queued",
    });
    expect(await readTask(account, String(answer.body.id))).toMatchObject({
      quality: "720p",
      download_type: "video",
      is_playlist: false,
    });
  });

  it.each([
    ["best", "best"],
    ["2160p", "2160"],
    ["1440p", "1440"],
    ["1080p", "1080"],
    ["720p", "720"],
    ["480p", "480"],
    ["360p", "360"],
    ["240p", "240"],
  ])("quality %s maps to max_resolution %s, for the node and in the jobs API", async (quality, max_resolution) => {
    const account = await newAccount();
    const id = await newDownload(account, { quality });
    expect((await readTask(account, id)).quality).toBe(quality);
    const job = await account.api("GET", `/jobs/${id}`);
    expect(job.body).toMatchObject({ max_resolution, requested_quality: max_resolution, audio_only: false });
    const [leased] = await (await TestNode.online(account)).lease();
    expect(leased?.options).toMatchObject({ max_resolution });
  });

  it('download_type "audio" maps to audio_only', async () => {
    const account = await newAccount();
    const id = await newDownload(account, { download_type: "audio", quality: "1080p" });
    expect(await readTask(account, id)).toMatchObject({ download_type: "audio", quality: "1080p" });
    expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({ audio_only: true, format: "m4a" });
  });

  it("quality stays as asked where the key's limit makes less of it", async () => {
    const account = await newAccount({ limits: { max_resolution: "480" } });
    const id = await newDownload(account, { quality: "1080p" });
    expect((await readTask(account, id)).quality).toBe("1080p");
    expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({ max_resolution: "480" });
    const low = await newDownload(account, { quality: "240p" });
    expect((await account.api("GET", `/jobs/${low}`)).body).toMatchObject({ max_resolution: "240" });
  });

  it.each([
    [true, "always"],
    [false, "never"],
    [undefined, "auto"],
  ])("is_playlist %s is playlist %s", async (is_playlist, playlist) => {
    const account = await newAccount();
    const online = await OnlineNode.start(account, () => listOf(1));
    const id = await newDownload(account, is_playlist === undefined ? {} : { is_playlist });
    expect(online.asked.map((request) => request.kind)).toEqual(playlist === "always" ? ["expand"] : []);
    const [leased] = await online.node.lease();
    // The items of a list never expand again.
    expect(leased).toMatchObject({ job: id, options: { playlist: playlist === "always" ? "never" : playlist } });
    online.stop();
  });
});

describe("a playlist", () => {
  async function create(body: Json, count = 10): Promise<{ account: Account; body: Json; online: OnlineNode }> {
    const account = await newAccount();
    const online = await OnlineNode.start(account, () => listOf(count));
    const answer = await account.api("POST", "/api/download", { url: URL_1, ...body });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    online.stop();
    return { account, body: answer.body, online };
  }

  it("id is the first job's, with ids and playlist_total beside", async () => {
    const { account, body } = await create({ is_playlist: true, quality: "360p" }, 3);
    const ids = body.ids as string[];
    expect(body).toEqual({ id: ids[0], status: "pending", message: "Download queued", ids, playlist_total: 3 });
    const tasks = await Promise.all(ids.map((id) => readTask(account, id)));
    expect(tasks.map((task) => [task.title, task.is_playlist, task.playlist_index, task.playlist_total])).toEqual([
      ["Item 1", true, 1, 3],
      ["Item 2", true, 2, 3],
      ["Item 3", true, 3, 3],
    ]);
    expect(new Set(tasks.map((task) => task.quality))).toEqual(new Set(["360p"]));
  });

  it('playlist_items "1-5,8" selects 1-based entries of the expanded list', async () => {
    const { account, body, online } = await create({ is_playlist: true, playlist_items: "1-5,8" });
    const tasks = await Promise.all((body.ids as string[]).map((id) => readTask(account, id)));
    expect(tasks.map((task) => task.url.split("/").at(-1))).toEqual([
      "item-1",
      "item-2",
      "item-3",
      "item-4",
      "item-5",
      "item-8",
    ]);
    expect(body.playlist_total).toBe(6);
    expect(tasks.at(-1)).toMatchObject({ playlist_index: 6, playlist_total: 6 });
    expect(online.asked).toEqual([{ kind: "expand", url: URL_1, limit: 8 }]);
  });

  it("a selection alone asks for the list too, and passes over what the list does not have", async () => {
    const { body } = await create({ playlist_items: "2-90" }, 3);
    expect(body.playlist_total).toBe(2);
  });

  it("a YouTube playlist is one by its URL, unless is_playlist says false", async () => {
    const url = "https://www.youtube.com/playlist?list=PL1";
    const { account, body } = await create({ url }, 2);
    expect(body.playlist_total).toBe(2);
    expect(Object.keys((await account.api("POST", "/api/download", { url, is_playlist: false })).body)).toEqual([
      "id",
      "status",
      "message",
    ]);
  });

  it.each([
    [{ is_playlist: true }, 0],
    [{ is_playlist: true, playlist_items: "4" }, 3],
  ])("%j of a list with %d entries is 400 Playlist has no downloadable items", async (body, count) => {
    const account = await newAccount();
    await OnlineNode.start(account, () => listOf(count));
    const answer = await account.api("POST", "/api/download", { url: URL_1, ...body });
    expect(detail(answer)).toEqual([400, { detail: "Playlist has no downloadable items" }]);
  });
});

/** POST /api/download: 400, 503 `No worker node is online`, 504 `Extraction timed out` as `detail`. */
describe("refusals", () => {
  it.each<[unknown, string]>([
    ["{", "Invalid JSON body"],
    [[], "Request body must be a JSON object"],
    [{}, "url is required"],
    [{ url: 1 }, "url must be a string"],
    [{ url: "ftp://media.example.com/v1" }, "url must be a valid http or https URL"],
    [{ url: "http://127.0.0.1/" }, "url must not point to a private address"],
    [{ url: URL_1, quality: "1080" }, "quality must be one of: best, 2160p, 1440p, 1080p, 720p, 480p, 360p, 240p"],
    [{ url: URL_1, quality: 720 }, "quality must be a string"],
    [{ url: URL_1, download_type: "both" }, "download_type must be one of: video, audio"],
    [{ url: URL_1, is_playlist: "yes" }, "is_playlist must be a boolean"],
    [{ url: URL_1, playlist_items: 5 }, "playlist_items must be a string"],
    [{ url: URL_1, playlist_items: "5-1" }, "playlist_items must be 1-based numbers and ranges such as 1-5,8"],
  ])("%j is 400 %s", async (body, text) => {
    const account = await newAccount();
    expect(detail(await account.api("POST", "/api/download", body))).toEqual([400, { detail: text }]);
    expect((await account.api("GET", "/jobs")).body).toMatchObject({ total: 0 });
  });

  it("a list without a node is 503 No worker node is online, with Retry-After", async () => {
    const account = await newAccount();
    const answer = await account.api("POST", "/api/download", { url: URL_1, is_playlist: true });
    expect(detail(answer)).toEqual([503, { detail: "No worker node is online" }]);
    expect(answer.headers.get("retry-after")).toBe("5");
  });

  it("a node that does not answer is 504 Extraction timed out", async () => {
    const account = await newAccount();
    await OnlineNode.start(account, () => null);
    const answer = await account.api("POST", "/api/download", { url: URL_1, is_playlist: true });
    expect(detail(answer)).toEqual([504, { detail: "Extraction timed out" }]);
  });

  it.each([
    ["private", 400, "Video is private"],
    ["network", 502, "Network error while downloading"],
  ] as const)("a list that fails as %s is %d", async (failure, status, text) => {
    const account = await newAccount();
    await OnlineNode.start(account, () => ({ ok: false, class: failure, message: "" }));
    const answer = await account.api("POST", "/api/download", { url: URL_1, is_playlist: true });
    expect(detail(answer)).toEqual([status, { detail: text }]);
  });

  it("a storage limit that is reached is 403 with the text alone", async () => {
    const account = await newAccount({ limits: { storage_limit_bytes: 5 } });
    await completed(account, "bytes");
    const answer = await account.api("POST", "/api/download", { url: URL_1 });
    expect(detail(answer)).toEqual([403, { detail: "Storage quota exceeded" }]);
  });
});
