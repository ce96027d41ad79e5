/** `GET /api/download/{id}/file` and `GET /api/stream/{filename}`: the bytes of a completed task. */
import { beforeAll, describe, expect, it } from "vitest";
import type { DownloadTask } from "../../../shared/contract/downloads.ts";
import { type Account, call, type Json, newAccount, textOf } from "../support.ts";
import { completed, newDownload, UNKNOWN_ID } from "./support.ts";

const BYTES = "0123456789";
let account: Account;
let task: DownloadTask;

beforeAll(async () => {
  account = await newAccount();
  task = await completed(account, BYTES, { info: { title: "Ünï (live) 100% #1" } });
});

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  call(path, { method, headers: { "x-api-key": account.key, ...headers } });

/** Both paths of the same bytes. */
const PATHS = [
  ["/api/download/{id}/file", () => `/api/download/${task.id}/file`],
  ["/api/stream/{filename}", () => `/api/stream/${encodeURIComponent(task.filename)}`],
] as const;

describe.each(PATHS)("%s", (_, path) => {
  it("answers the whole file", async () => {
    const answer = await get(path());
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "video/mp4",
      "content-length": "10",
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
      etag: expect.stringMatching(/^".+"$/),
    });
    expect(await textOf(answer)).toBe(BYTES);
  });

  it.each([
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=0-1,4-5", 200, BYTES, null],
  ])("Range: %s is %d", async (range, status, body, contentRange) => {
    const answer = await get(path(), { range });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-range")).toBe(contentRange);
    expect(await textOf(answer)).toBe(body);
  });

  it("a range past the end is 416, with a detail", async () => {
    const answer = await get(path(), { range: "bytes=10-" });
    expect(answer.status).toBe(416);
    expect(answer.headers.get("content-range")).toBe("bytes */10");
    expect((await answer.json()) as Json).toEqual({ detail: "Range not satisfiable" });
  });

  it("conditional headers: 304 for the tag that the client has, 412 for one that it wants", async () => {
    const head = await get(path(), {}, "HEAD");
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "10"]);
    const etag = head.headers.get("etag") ?? "";
    expect((await get(path(), { "if-none-match": etag })).status).toBe(304);
    const changed = await get(path(), { "if-match": '"x"' });
    expect([changed.status, await changed.json()]).toEqual([412, { detail: "File has changed" }]);
    expect(await textOf(await get(path(), { range: "bytes=0-1", "if-range": '"x"' }))).toBe(BYTES);
  });
});

it("the file is an attachment under the task's filename: filename*=UTF-8''…", async () => {
  expect(task.filename).toBe(`Ünï (live) 100% #1__${task.id}.mp4`);
  const spelt = `%C3%9Cn%C3%AF%20%28live%29%20100%25%20%231__${task.id}.mp4`;
  const file = await get(`/api/download/${task.id}/file`);
  expect(file.headers.get("content-disposition")).toBe(`attachment; filename*=UTF-8''${spelt}`);
  const stream = await get(`/api/stream/${encodeURIComponent(task.filename)}`);
  expect(stream.headers.get("content-disposition")).toBe(`inline; filename*=UTF-8''${spelt}`);
});

describe("refusals", () => {
  const refused = async (path: string) => {
    const answer = await get(path);
    return [answer.status, await answer.json()];
  };

  it.each([UNKNOWN_ID, "nope"])("the unknown id %s is a folder's name, and 404 of the library API", async (id) => {
    expect(await refused(`/api/download/${id}/file`)).toEqual([404, { error: "File not found" }]);
  });

  it('409 {"detail": "Download is not completed"} while it runs, and when it ended without a file', async () => {
    const id = await newDownload(account);
    const notCompleted = [409, { detail: "Download is not completed" }];
    expect(await refused(`/api/download/${id}/file`)).toEqual(notCompleted);
    await account.api("DELETE", `/api/downloads/${id}`);
    expect(await refused(`/api/download/${id}/file`)).toEqual(notCompleted);
  });

  it("404 for a filename that is no task's: another title, another ending, an id alone", async () => {
    for (const name of [
      `other__${task.id}.mp4`,
      task.filename.replace(".mp4", ".mkv"),
      task.id,
      `${task.filename}x`,
      `A talk__${UNKNOWN_ID}.mp4`,
      "..%2f..%2fetc%2fpasswd",
    ]) {
      expect(await refused(`/api/stream/${encodeURIComponent(name)}`)).toEqual([404, { detail: "Download not found" }]);
    }
  });

  it("404 once the file was deleted; the task stays", async () => {
    const gone = await completed(account, "bytes", { info: { title: "gone" } });
    expect((await account.api("DELETE", `/jobs/${gone.id}/file`)).status).toBe(200);
    for (const path of [`/api/download/${gone.id}/file`, `/api/stream/${encodeURIComponent(gone.filename)}`]) {
      expect(await refused(path)).toEqual([404, { detail: "File no longer exists" }]);
    }
    expect((await account.api("GET", `/api/downloads/${gone.id}`)).body).toMatchObject({ status: "completed" });
  });
});
