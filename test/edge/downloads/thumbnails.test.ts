/** `GET /api/thumbnails/{id}`: saved, or fetched once through the address guard and cached. */
import { describe, expect, it, vi } from "vitest";
import { PICTURES } from "../../courier/fake-pictures.ts";
import { received } from "../courier/support.ts";
import { type Account, call, newAccount, textOf } from "../support.ts";
import { completed, newDownload, UNKNOWN_ID } from "./support.ts";

const get = (account: Account, id: string, method = "GET") =>
  call(`/api/thumbnails/${id}`, { method, headers: { "x-api-key": account.key } });

/** A completed task whose source has its picture there. */
async function withSource(thumbnail_url: string): Promise<{ account: Account; id: string }> {
  const account = await newAccount();
  const { id } = await completed(account, "bytes", { info: { thumbnail_url } });
  return { account, id };
}

const NOT_FOUND = [404, { detail: "Thumbnail not found" }];

async function refused(answer: Response): Promise<unknown[]> {
  return [answer.status, await answer.json()];
}

it("the saved thumbnail", async () => {
  const account = await newAccount();
  const { id } = await completed(account, "bytes", { thumbnail: "GIF89a and so on" });
  const answer = await get(account, id);
  expect(answer.status).toBe(200);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "image/gif",
    "content-length": "16",
    "x-content-type-options": "nosniff",
    "cache-control": "private, max-age=3600",
  });
  expect(await textOf(answer)).toBe("GIF89a and so on");
  const head = await get(account, id, "HEAD");
  expect([head.status, head.headers.get("content-length"), await textOf(head)]).toEqual([200, "16", ""]);
});

it("a saved file that is no picture is not served as one", async () => {
  const account = await newAccount();
  const { id } = await completed(account, "bytes", { thumbnail: "<script>alert(1)</script>" });
  expect(await refused(await get(account, id))).toEqual(NOT_FOUND);
});

describe("the source's thumbnail", () => {
  it.each([
    ["jpeg", "image/jpeg"],
    ["png", "image/png"],
    ["webp", "image/webp"],
    ["gif", "image/gif"],
  ])("%s is known by its magic bytes, whatever the source calls it: %s, nosniff", async (kind, type) => {
    const { account, id } = await withSource(`https://i.example.com/r/${kind}/${crypto.randomUUID()}`);
    const answer = await get(account, id);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe(type);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual(PICTURES[kind]);
  });

  it("is fetched once", async () => {
    const key = crypto.randomUUID();
    const { account, id } = await withSource(`https://i.example.com/r/png/${key}`);
    expect((await get(account, id)).status).toBe(200);
    await vi.waitFor(async () => {
      const before = (await received(key)).length;
      expect((await get(account, id)).status).toBe(200);
      expect(await received(key)).toHaveLength(before);
    });
  });

  it.each([
    ["SVG, which can run scripts", "svg"],
    ["more than 5 MB", "large"],
    ["no picture", "200"],
    ["an error", "404"],
    ["a redirect to no picture", "302"],
    ["what the egress guard refuses", "egress-private"],
  ])("404 for %s", async (_, behaviour) => {
    const { account, id } = await withSource(`https://i.example.com/r/${behaviour}/${crypto.randomUUID()}`);
    expect(await refused(await get(account, id))).toEqual(NOT_FOUND);
  });

  it.each([
    "http://127.0.0.1/r/png/x",
    "http://[::1]/r/png/x",
    "http://169.254.169.254/r/png/x",
    "ftp://i.example.com/x",
  ])("404 for %s: nobody is sent there", async (url) => {
    const { account, id } = await withSource(url);
    expect(await refused(await get(account, id))).toEqual(NOT_FOUND);
  });
});

it("404 for a task without one, and for an unknown id", async () => {
  const account = await newAccount();
  expect(await refused(await get(account, await newDownload(account)))).toEqual(NOT_FOUND);
  for (const id of [UNKNOWN_ID, "nope"]) {
    expect(await refused(await get(account, id))).toEqual([404, { detail: "Download not found" }]);
  }
});
