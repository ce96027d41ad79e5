/** `POST /api/info`. */
import { describe, expect, it } from "vitest";
import type { LookResult } from "../../../shared/contract/calls.ts";
import { newAccount } from "../support.ts";
import { detail, OnlineNode, URL_1 } from "./support.ts";

const FORMAT = {
  format_id: "137",
  ext: "mp4",
  height: 1080,
  width: 1920,
  fps: 25,
  filesize: 1_000,
  vcodec: "avc1.640028",
  acodec: "none",
  format_note: "1080p",
};

const LOOK: LookResult = {
  kind: "look",
  title: "A talk",
  duration: 90.5,
  width: 1920,
  height: 1080,
  extractor: "YouTube",
  uploader: "The stage",
  thumbnail: "https://i.example.com/v1.jpg",
  description: "Recorded on stage",
  view_count: 12,
  like_count: 3,
  upload_date: "20261025",
  filesize_approx: 1_000,
  is_live: false,
  is_list: false,
  entry_count: null,
  formats: [FORMAT],
};

it("answers exactly the documented keys, of the item and of each format", async () => {
  const account = await newAccount();
  const online = await OnlineNode.start(account, () => ({ ok: true, result: LOOK }));
  const answer = await account.api("POST", "/api/info", { url: URL_1 });
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({
    title: "A talk",
    duration: 90.5,
    thumbnail: "https://i.example.com/v1.jpg",
    uploader: "The stage",
    description: "Recorded on stage",
    is_playlist: false,
    playlist_count: null,
    formats: [FORMAT],
  });
  expect(online.asked).toEqual([{ kind: "look", url: URL_1 }]);
});

it("a list is told as one, with its count", async () => {
  const account = await newAccount();
  const result = { ...LOOK, is_list: true, entry_count: 12, formats: [] };
  await OnlineNode.start(account, () => ({ ok: true, result }));
  const answer = await account.api("POST", "/api/info", { url: URL_1 });
  expect(answer.body).toMatchObject({ is_playlist: true, playlist_count: 12, formats: [] });
});

describe("refusals", () => {
  it.each<[unknown, string]>([
    ["[", "Invalid JSON body"],
    [{}, "url is required"],
    [{ url: null }, "url is required"],
    [{ url: 5 }, "url must be a string"],
    [{ url: "nope" }, "url must be a valid http or https URL"],
    [{ url: "http://localhost/" }, "url must not point to a private address"],
  ])("%j is 400 %s", async (body, text) => {
    const account = await newAccount();
    expect(detail(await account.api("POST", "/api/info", body))).toEqual([400, { detail: text }]);
  });

  it("a problem of the content is 400, of the site 502", async () => {
    for (const [failure, status, text] of [
      ["removed", 400, "Video has been removed"],
      ["network", 502, "Network error while downloading"],
    ] as const) {
      const account = await newAccount();
      await OnlineNode.start(account, () => ({ ok: false, class: failure, message: "" }));
      expect(detail(await account.api("POST", "/api/info", { url: URL_1 }))).toEqual([status, { detail: text }]);
    }
  });

  it("503 without a node, 504 when it stays silent", async () => {
    const account = await newAccount();
    const none = await account.api("POST", "/api/info", { url: URL_1 });
    expect(detail(none)).toEqual([503, { detail: "No worker node is online" }]);
    await OnlineNode.start(account, () => null);
    const silent = await account.api("POST", "/api/info", { url: URL_1 });
    expect(detail(silent)).toEqual([504, { detail: "Extraction timed out" }]);
  });
});
