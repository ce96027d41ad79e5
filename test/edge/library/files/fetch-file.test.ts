/** `GET`, `HEAD` `/api/download/{filename}` (library API 9.7), and whose address that is (1.1). */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { deliver, newBucket, useStorage } from "../../storage/support.ts";
import { type Account, call, newAccount, textOf } from "../../support.ts";
import { delivered } from "../../sweep/support.ts";
import { fetchPath, putByHand, putDelivered, removeByHand, treeRows } from "./support.ts";

const refused = async (account: Account, path: string) => {
  const answer = await fetchPath(account, path);
  return [answer.status, await answer.json()];
};
const NOT_FOUND = [404, { error: "File not found" }];

describe("a file", () => {
  it("that a job delivered is served by its path, whole, in part and by its head", async () => {
    const account = await newAccount();
    const { etag } = await delivered(account, "0123456789", { folder: "my talks", filename: "a talk" });
    const path = "videos/my%20talks/a%20talk.mp4";
    const whole = await fetchPath(account, path);
    expect([whole.status, await textOf(whole)]).toEqual([200, "0123456789"]);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      "content-type": "video/mp4",
      "content-length": "10",
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
      etag,
    });
    expect(whole.headers.has("last-modified")).toBe(true);
    const part = await fetchPath(account, path, { headers: { range: "bytes=2-4", "if-range": etag } });
    expect([part.status, part.headers.get("content-range"), await textOf(part)]).toEqual([206, "bytes 2-4/10", "234"]);
    const head = await fetchPath(account, path, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), await textOf(head)]).toEqual([200, "10", ""]);
    const same = await fetchPath(account, path, { headers: { "if-none-match": etag } });
    expect(same.status).toBe(304);
    const beyond = await fetchPath(account, path, { headers: { range: "bytes=10-" } });
    expect([beyond.status, beyond.headers.get("content-range"), await beyond.json()]).toEqual([
      416,
      "bytes */10",
      { error: "Range not satisfiable" },
    ]);
  });

  it("that somebody has just put there is served at once, under the ETag of the disk", async () => {
    const account = await newAccount();
    const etag = await putByHand(account, "shelf/by hand.mkv", "abc");
    const answer = await fetchPath(account, "shelf%2Fby%20hand.mkv");
    expect([
      answer.status,
      answer.headers.get("etag"),
      answer.headers.get("content-type"),
      await textOf(answer),
    ]).toEqual([200, etag, "video/x-matroska", "abc"]);
    expect(await treeRows(account)).toEqual(["shelf/", "shelf/by hand.mkv"]);
  });

  it("that was changed by hand is served as it is now; removed, it is gone from the tree", async () => {
    const account = await newAccount();
    await putDelivered(account, "ch/a.mp4");
    await putByHand(account, "ch/a.mp4", "changed");
    expect(await textOf(await fetchPath(account, "ch/a.mp4"))).toBe("changed");
    await removeByHand(account, "ch/a.mp4");
    expect(await refused(account, "ch/a.mp4")).toEqual(NOT_FOUND);
    expect(await treeRows(account)).toEqual([]);
  });

  it.each([
    ["page.html", "text/html"],
    ["drawing.SVG", "image/svg+xml"],
    ["feed.xml", "text/xml"],
    ["page.xhtml", "application/xhtml+xml"],
  ])("%s is saved and never run", async (name, type) => {
    const account = await newAccount();
    await putByHand(account, `shelf/${name}`, "<script>alert(1)</script>");
    const { headers } = await fetchPath(account, `shelf/${name}`, { method: "HEAD" });
    expect(headers.get("content-type")).toBe(type);
    expect(headers.get("content-disposition")).toMatch(/^attachment; /);
    expect(headers.get("content-security-policy")).toMatch(/^sandbox;/);
  });

  it("a folder, a hidden file of the store, a path that climbs and another account's are not found", async () => {
    const [account, other] = [await newAccount(), await newAccount()];
    await putDelivered(account, "ch/a.mp4");
    await putByHand(other, "ch/b.mp4");
    await putByHand(account, ".cache/hls/x/0.ts");
    for (const path of [
      "ch",
      "nope.mp4",
      ".cache/hls/x/0.ts",
      "ch%2F..%2Fch%2Fa.mp4",
      `..%2F@${other.id}%2Fch%2Fb.mp4`,
      `@${other.id}/ch/b.mp4`,
      "ch%5Ca.mp4",
      "ch/a.mp4%00",
      "ch/%E0%A4%A",
      "CH/A.MP4",
    ]) {
      expect([path, ...(await refused(account, path))]).toEqual([path, ...NOT_FOUND]);
    }
  });
});

describe("a file that is not there", () => {
  it("is another of its folder with the same id in brackets", async () => {
    const account = await newAccount();
    await putByHand(account, "ch/New title [dQw4w9WgXcQ].mkv", "the video");
    await putByHand(account, "ch/New title [dQw4w9WgXcQ].en.srt", "s");
    for (const name of ["New title [dQw4w9WgXcQ].mkv", "New title [dQw4w9WgXcQ].en.srt"]) {
      await fetchPath(account, `ch/${encodeURIComponent(name)}`, { method: "HEAD" });
    }
    const answer = await fetchPath(account, "ch%2FOld%20title%20%5BdQw4w9WgXcQ%5D.mp4");
    expect([answer.status, answer.headers.get("location")]).toEqual([
      302,
      "/api/download/ch/New%20title%20%5BdQw4w9WgXcQ%5D.mkv",
    ]);
    expect(await refused(account, "Old%20title%20%5BdQw4w9WgXcQ%5D.mp4")).toEqual(NOT_FOUND);
    expect(await refused(account, "ch/Old%20title%20%5BdQw4w9WgXcR%5D.mp4")).toEqual(NOT_FOUND);
  });

  it("is in the account's own bucket: there the client is sent", async () => {
    const account = await newAccount();
    await useStorage(account, newBucket("tree"));
    await deliver(account, "theirs", { filename: "talk" });
    await account.api("GET", "/jobs");
    const answer = await fetchPath(account, "videos/talk.mp4");
    expect(answer.status).toBe(302);
    expect(await (await fetch(answer.headers.get("location") ?? "")).text()).toBe("theirs");
    expect(await treeRows(account)).toEqual([]);
  });
});

describe("/api/download/<uuid>/file", () => {
  it("is the downloads API's when it is a job of the account, and a file's path otherwise", async () => {
    const account = await newAccount();
    const job = await delivered(account, "the job's", { filename: "talk" });
    const answer = await fetchPath(account, `${job.id}/file`);
    expect([answer.status, await textOf(answer)]).toEqual([200, "the job's"]);
    const id = crypto.randomUUID();
    expect(await refused(account, `${id}/file`)).toEqual(NOT_FOUND);
    await putByHand(account, `${id}/file`, "by hand");
    expect(await textOf(await fetchPath(account, `${id}/file`))).toBe("by hand");
    const other = await newAccount();
    expect(await refused(other, `${job.id}/file`)).toEqual(NOT_FOUND);
  });

  it("of a folder of any other name too, with the errors of this API", async () => {
    const account = await newAccount();
    await putByHand(account, "talks/file", "no extension");
    expect(await textOf(await fetchPath(account, "talks/file"))).toBe("no extension");
    const stranger = await call("/api/download/talks/file");
    expect([stranger.status, await stranger.json()]).toEqual([401, { error: "Authorization Required." }]);
    const wrong = await fetchPath(account, "talks/file", { method: "DELETE" });
    expect([wrong.status, await wrong.text()]).toEqual([405, "405: Method Not Allowed"]);
  });
});

it("a store that does not answer is 503, and nothing is taken from the tree", async () => {
  const account = await newAccount();
  await putDelivered(account, "ch/a.mp4");
  const fault = { call: "head", key: `@${account.id}/ch/a.mp4`, times: 1, status: 503, answer: { error: "eio" } };
  await env.STORE?.fetch("http://store/fake/fault", { method: "POST", body: JSON.stringify(fault) });
  expect((await fetchPath(account, "ch/a.mp4")).status).toBe(503);
  expect((await fetchPath(account, "ch/a.mp4")).status).toBe(200);
});
