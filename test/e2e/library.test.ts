/** Submissions of the library API through the whole stack: yt-dlp runs by its own options, and files lie where they say. */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { type Origin, startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import { Stack } from "./harness/stack.ts";

let origin: Origin;
let stack: Stack;
beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  stack = await Stack.start({ slots: 2 });
});

interface Queued {
  _id: string;
  status: string | boolean;
  msg: string | null;
}

interface Item extends Record<string, unknown> {
  status: string | null;
  filename: string | null;
  download_dir: string;
}

async function submit(submissions: object[]): Promise<string[]> {
  const answer = await stack.api.call<Queued[]>("POST", "/api/history", { body: submissions });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body.map(({ _id }) => _id);
}

/** The item, once its job has ended. */
async function over(id: string): Promise<Item> {
  await stack.api.finished(id);
  return (await stack.api.call<Item>("GET", `/api/history/${id}`)).body;
}

async function codecs(path: string): Promise<string[]> {
  const args = ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path];
  const { stdout } = await promisify(execFile)("ffprobe", args);
  return stdout.trim().split(/\s+/).toSorted();
}

test("items are run by preset, command line and template, and one that fails says why", async () => {
  const page = `${origin.url}/pages/html5`;
  const [plain = "", audio = "", gone = ""] = await submit([
    {
      url: page,
      folder: "talks",
      template: "%(extractor)s/%(title)s [%(height)s].%(ext)s",
      cli: "--format b[height<=360] --write-subs --sub-langs en",
    },
    { url: page, preset: "audio_only", folder: "../sounds" },
    { url: `${origin.url}/nothing-is-here` },
  ]);
  const [first, second, third] = [await over(plain), await over(audio), await over(gone)];

  expect(first).toMatchObject({
    status: "finished",
    preset: "default",
    folder: "talks",
    download_dir: "/downloads/talks",
    filename: "html5/A plain player (1) [360].mp4",
    percent: 100,
  });
  expect((await readdir(join(stack.downloads, "talks/html5"))).toSorted()).toEqual([
    "A plain player (1) [360].en.vtt",
    "A plain player (1) [360].mp4",
  ]);
  expect(await codecs(join(stack.downloads, "talks/html5/A plain player (1) [360].mp4"))).toEqual(["aac", "h264"]);

  // No folder leads out of the downloads.
  expect(second).toMatchObject({ status: "finished", folder: "sounds", download_dir: "/downloads/sounds" });
  expect(second.extras).toMatchObject({ is_audio: true });
  expect((await codecs(join(stack.downloads, "sounds", String(second.filename))))[0]).toBe("aac");

  expect(third).toMatchObject({ status: "error", filename: null });
  expect(third.error).toBe(third.msg);
  expect(String(third.error)).not.toBe("");
  const lists = await stack.api.call<{ queue: Item[]; history: Item[] }>("GET", "/api/history?type=all");
  expect([lists.body.queue.length, lists.body.history.length]).toEqual([0, 3]);
});
