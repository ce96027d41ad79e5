/** The task object of `GET /api/downloads/{id}`, and the same one in the list. */
import { describe, expect, it, vi } from "vitest";
import { extractedInfo, TestNode } from "../fleet-node.ts";
import { newAccount } from "../support.ts";
import {
  completed,
  detail,
  listTasks,
  newDownload,
  OnlineNode,
  readTask,
  UNKNOWN_ID,
  URL_1,
  untilStatus,
} from "./support.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Key by key in the order of the page. */
const KEYS = [
  "id",
  "url",
  "title",
  "thumbnail",
  "status",
  "progress",
  "speed",
  "eta",
  "filesize",
  "downloaded_bytes",
  "format_note",
  "is_playlist",
  "playlist_index",
  "playlist_total",
  "filename",
  "quality",
  "download_type",
  "error_message",
  "created_at",
  "completed_at",
];

const PENDING = {
  url: URL_1,
  title: "",
  thumbnail: "",
  status: "pending",
  progress: 0,
  speed: "",
  eta: "",
  filesize: 0,
  downloaded_bytes: 0,
  format_note: "",
  is_playlist: false,
  playlist_index: 0,
  playlist_total: 1,
  filename: "",
  quality: "720p",
  download_type: "video",
  error_message: "",
  created_at: expect.stringMatching(ISO),
  completed_at: null,
};

describe("every key is always present", () => {
  it("while it waits: empty texts and zeros", async () => {
    const account = await newAccount();
    const id = await newDownload(account);
    const { body } = await account.api("GET", `/api/downloads/${id}`);
    expect(body).toEqual({ id, ...PENDING });
    expect(Object.keys(body)).toEqual(KEYS);
    expect(await listTasks(account)).toEqual([body]);
  });

  it("while it downloads: speed in MB/s of 10^6 bytes, eta in seconds, the source's thumbnail", async () => {
    const account = await newAccount();
    const id = await newDownload(account, { quality: "1080p" });
    const online = await OnlineNode.start(account, () => null);
    const job = await online.node.take();
    const thumbnail_url = "https://i.example.com/v1/hqdefault.jpg";
    const info = extractedInfo({ thumbnail_url, size_estimate: 104_857_600, width: 1280, height: 720 });
    await online.node.job(job, "extracted", { result: { kind: "single", info } });
    await online.node.job(job, "step", { step: "download" });
    const eta_seconds = 120;
    online.progress({
      job: id,
      token: job.token,
      step: "download",
      fraction: 0.5,
      eta_seconds,
      speed_bytes_per_second: 3_249_000,
    });
    const task = await vi.waitFor(async () => {
      const read = await readTask(account, id);
      expect(read.speed).not.toBe("");
      return read;
    });
    expect(task).toEqual({
      ...PENDING,
      id,
      title: "A talk",
      thumbnail: thumbnail_url,
      status: "downloading",
      progress: 16.5,
      speed: "3.2 MB/s",
      eta: "120s",
      filesize: 104_857_600,
      downloaded_bytes: 52_428_800,
      format_note: "720p",
      quality: "1080p",
    });
    expect(await listTasks(account)).toEqual([task]);
    await online.node.job(job, "step", { step: "mux" });
    online.progress({
      job: id,
      token: job.token,
      step: "mux",
      fraction: 0.5,
      eta_seconds: 3,
      speed_bytes_per_second: 9,
    });
    expect(await untilStatus(account, id, "processing")).toMatchObject({
      speed: "",
      eta: "3s",
      progress: 49.5,
      downloaded_bytes: 104_857_600,
    });
    online.stop();
  });

  it("when it is completed: its file's name and size, a thumbnail of its own, completed_at", async () => {
    const account = await newAccount();
    const task = await completed(account, "0123456789", { thumbnail: "GIF89a and so on" });
    expect(task).toEqual({
      ...PENDING,
      id: task.id,
      title: "A talk",
      thumbnail: `/api/thumbnails/${task.id}`,
      status: "completed",
      progress: 100,
      filesize: 10,
      downloaded_bytes: 10,
      format_note: "1080p",
      filename: `A talk__${task.id}.mp4`,
      completed_at: expect.stringMatching(ISO),
    });
    expect(await listTasks(account)).toEqual([task]);
  });

  it("when it failed: error with its text, and no completed_at", async () => {
    const account = await newAccount();
    const id = await newDownload(account, { download_type: "audio" });
    const node = await TestNode.online(account);
    const job = await node.take();
    const failure = { class: "private", message: "", retry_after_seconds: null, permanent: false };
    await node.job(job, "fail", failure);
    expect(await readTask(account, id)).toEqual({
      ...PENDING,
      id,
      status: "error",
      download_type: "audio",
      error_message: "Video is private",
    });
  });

  it("when it was cancelled: no error", async () => {
    const account = await newAccount();
    const id = await newDownload(account);
    await account.api("DELETE", `/api/downloads/${id}`);
    expect(await readTask(account, id)).toEqual({ ...PENDING, id, status: "cancelled" });
  });
});

describe("what is unknown", () => {
  it.each([UNKNOWN_ID, "nope", "%00"])("%s is 404", async (id) => {
    const account = await newAccount();
    const answer = await account.api("GET", `/api/downloads/${id}`);
    expect(detail(answer)).toEqual([404, { detail: "Download not found" }]);
  });

  it("a thumbnail at a private address is not told", async () => {
    const account = await newAccount();
    const task = await completed(account, "x", { info: { thumbnail_url: "http://169.254.169.254/latest" } });
    expect(task.thumbnail).toBe("");
  });

  it("a title that is no file name becomes one; without a title the id stands for it", async () => {
    const account = await newAccount();
    const odd = await completed(account, "x", { info: { title: "AC/DC: live?" } });
    expect(odd.filename).toBe(`ACDC live__${odd.id}.mp4`);
    const none = await completed(account, "y", { info: { title: null } });
    expect(none.filename).toBe(`${none.id}__${none.id}.mp4`);
  });
});
