/** The item as every answer shows it (library API 3.1, 3.3), whichever surface made its job. */
import { beforeEach, expect, it } from "vitest";
import { itemStatus } from "../../../../edge/library/items/status.ts";
import { STATES, type State } from "../../../../edge/partition/states.ts";
import type { Step } from "../../../../shared/contract/fleet.ts";
import { TestNode } from "../../fleet-node.ts";
import { type Account, newAccount } from "../../support.ts";
import { failed, finished, readItem, untilStatus } from "./support.ts";

let account: Account;
beforeEach(async () => {
  account = await newAccount();
});

const KEYS =
  `_id error id title description url preset folder download_dir temp_dir status cookies template template_chapter
  timestamp is_live datetime live_in file_size options extras cli auto_start is_archivable is_archived archive_id sidecar
  tmpfilename filename total_bytes total_bytes_estimate downloaded_bytes msg percent speed eta postprocessor`.split(
    /\s+/,
  );

const STATUSES: Record<Exclude<State, "running">, string | null> = {
  held: null,
  queued: null,
  offered: null,
  delayed: null,
  waiting: "not_live",
  finishing: "postprocessing",
  parent: "postprocessing",
  completed: "finished",
  failed: "error",
  warning: "error",
  skipped: "skip",
  cancelled: "cancelled",
};

it.each(STATES.filter((state) => state !== "running"))("a job that is %s has its status", (state) => {
  expect(itemStatus({ state, step: null })).toBe(STATUSES[state]);
});

it.each<[Step | null, string]>([
  [null, "preparing"],
  ["extract", "preparing"],
  ["download", "downloading"],
  ["mux", "postprocessing"],
  ["upload", "postprocessing"],
])("a running job at step %s is %s", (step, status) => {
  expect(itemStatus({ state: "running", step })).toBe(status);
});

it("one that waits has every key, in the documented order, and nothing that is not known yet", async () => {
  const id = await account.createJob({ url: "https://media.example.com/v1", folder: "talks" });
  const item = await readItem(account, id);
  expect(Object.keys(item)).toEqual([...KEYS, "ffprobe"]);
  // Nanoseconds are more than a number holds: the quotient may be a hair less than the millisecond.
  const created = new Date(Math.round(Number(item.timestamp) / 1_000_000));
  expect(item).toEqual({
    _id: id,
    error: null,
    id: "",
    title: "https://media.example.com/v1",
    description: "",
    url: "https://media.example.com/v1",
    preset: "default",
    folder: "videos/talks",
    download_dir: "/downloads/videos/talks",
    temp_dir: "/tmp",
    status: null,
    cookies: "",
    template: "%(title)s.%(ext)s",
    template_chapter: "%(title)s - %(section_number)s %(section_title)s.%(ext)s",
    timestamp: created.getTime() * 1_000_000,
    is_live: null,
    datetime: created.toUTCString().replace("GMT", "-0000"),
    live_in: null,
    file_size: null,
    options: {},
    extras: {},
    cli: "",
    auto_start: true,
    is_archivable: null,
    is_archived: null,
    archive_id: null,
    sidecar: {},
    tmpfilename: null,
    filename: null,
    total_bytes: null,
    total_bytes_estimate: null,
    downloaded_bytes: null,
    msg: null,
    percent: null,
    speed: null,
    eta: null,
    postprocessor: null,
    ffprobe: {},
  });
});

it("its timestamp is printed with all nanoseconds", async () => {
  const id = await account.createJob();
  const { headers, status, body } = await account.api("GET", `/api/history/${id}`);
  expect([status, headers.get("content-type")]).toEqual([200, "application/json; charset=utf-8"]);
  expect(JSON.stringify(body)).toMatch(/"timestamp":\d{13}000000,/);
});

it("one that is finished tells where its file lies below the root, and what it has", async () => {
  const info = { thumbnail_url: "https://i.example.com/t.jpg", uploader: "Some channel", duration_seconds: 213.4 };
  const id = await finished(account, { folder: "talks" }, info);
  expect(await readItem(account, id)).toMatchObject({
    id: "v1",
    title: "A talk",
    description: "Recorded on stage",
    folder: "videos/talks",
    download_dir: "/downloads/videos/talks",
    filename: "A talk.mp4",
    status: "finished",
    file_size: 23,
    total_bytes: 23,
    downloaded_bytes: 23,
    percent: 100,
    archive_id: "fixture v1",
    extras: {
      duration: 213,
      thumbnail: "https://i.example.com/t.jpg",
      uploader: "Some channel",
      is_premiere: false,
      is_video: true,
      is_audio: true,
    },
    error: null,
    msg: null,
  });
});

it("a picture that nobody may be sent to is not told, and the generic extractor has no archive id", async () => {
  const id = await finished(account, {}, { thumbnail_url: "http://127.0.0.1/t.jpg", extractor: "generic" });
  const item = await readItem(account, id);
  expect(item.archive_id).toBeNull();
  expect(item.extras).not.toHaveProperty("thumbnail");
});

it("one that runs tells its step, and one whose file is being stored that it is moved", async () => {
  const id = await account.createJob();
  const node = await TestNode.online(account);
  const job = await node.take();
  expect(await readItem(account, id)).toMatchObject({ status: "preparing", percent: null, postprocessor: null });
  await node.job(job, "step", { step: "download" });
  expect(await readItem(account, id)).toMatchObject({ status: "downloading", percent: 0, postprocessor: null });
  await node.job(job, "step", { step: "mux" });
  expect(await readItem(account, id)).toMatchObject({ status: "postprocessing", postprocessor: "FFmpeg" });
  await node.job(job, "step", { step: "upload" });
  expect(await readItem(account, id)).toMatchObject({
    status: "postprocessing",
    percent: 100,
    postprocessor: "MoveFiles",
  });
});

it("one that failed says why twice, one that was skipped once, one that was cancelled not at all", async () => {
  const wrong = await failed(account, "removed");
  const error = String((await untilStatus(account, wrong, "error")).error);
  expect(error).not.toBe("");
  expect(await readItem(account, wrong)).toMatchObject({ error, msg: error, filename: null });
  const skipped = await failed(account, "drm");
  expect(await untilStatus(account, skipped, "skip")).toMatchObject({ error: null, download_dir: null });
  expect((await readItem(account, skipped)).msg).not.toBeNull();
  const gone = await account.createJob();
  await account.api("POST", "/api/history/cancel", { ids: [gone] });
  expect(await untilStatus(account, gone, "cancelled")).toMatchObject({ error: null, msg: null });
});
