/** One job with all of its side files and extensions (jobs API 3.1, 3.5, 11.6), behind a page that wants a cookie. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { type Origin, startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import { Stack } from "./harness/stack.ts";

const SECRET = "a-value-that-nobody-else-may-keep";
const COOKIES = [
  "127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\topen",
  `127.0.0.1\tFALSE\t/\tFALSE\t0\ttrace\t${SECRET}`,
  `.other.example\tTRUE\t/\tFALSE\t0\tother\t${SECRET}-of-another-site`,
].join("\n");

let origin: Origin;
let stack: Stack;

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  stack = await Stack.start({ slots: 1, env: { TRAWL_INFO_JSON: "1" } });
});

/** Every file below a folder that holds the text. */
async function filesWith(text: string, folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of names.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    // A database's own files come and go.
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    if (bytes.includes(text)) found.push(path);
  }
  return found;
}

test("a job with cookies delivers its file, subtitles, thumbnail and info, and the cookies are nowhere afterwards", async () => {
  const url = `${origin.url}/cookie/pages/captions`;
  const wishes = {
    download_subtitles: true,
    subtitle_languages: ["en", "fr"],
    download_thumbnail: true,
    embed_metadata: true,
    format_id: "0",
    filename: "all of it",
  };
  const without = await stack.api.finished(await stack.api.create({ url, ...wishes }));
  expect(without).toMatchObject({ status: "Warning", error: "Video is private", attempts: 1 });

  const job = await stack.api.finished(await stack.api.create({ url, cookies: COOKIES, ...wishes }));
  expect(job).toMatchObject({ status: "Completed", error: null });
  expect(job.files.map(({ kind, key }) => `${kind} ${key}`).sort()).toEqual([
    "info videos/all of it.info.json",
    "media videos/all of it.mp4",
    "subtitle videos/all of it.en-GB.vtt",
    "subtitle videos/all of it.fr.vtt",
    "thumbnail videos/all of it.jpg",
  ]);
  for (const file of job.files) {
    const bytes = await readFile(join(stack.downloads, file.key));
    expect([bytes.length, createHash("sha256").update(bytes).digest("hex")], file.key).toEqual([
      file.size,
      file.sha256,
    ]);
  }
  const fetched = await (await fetch(String(job.subtitle_url))).text();
  expect(fetched).toContain("00:00:04.000 --> 00:00:04.900\n<i>five</i> &amp; more");
  const info = JSON.parse(await readFile(join(stack.downloads, "videos/all of it.info.json"), "utf8"));
  expect(info).toMatchObject({ title: job.title, subtitles: ["fr", "de", "en-GB"] });

  const path = join(stack.downloads, "videos/all of it.mp4");
  const entries = "format_tags=title:stream=codec_name:stream_disposition=attached_pic";
  const args = ["-v", "error", "-of", "json", "-show_entries", entries, path];
  const probed = JSON.parse((await promisify(execFile)("ffprobe", args)).stdout);
  expect(probed).toMatchObject({
    format: { tags: { title: job.title } },
    streams: [
      { codec_name: "h264", disposition: { attached_pic: 0 } },
      { codec_name: "aac" },
      { codec_name: "mjpeg", disposition: { attached_pic: 1 } },
    ],
  });

  // The downloads API shows the same picture.
  const picture = await stack.api.raw("GET", `/api/thumbnails/${job.id}`);
  expect(picture.headers.get("content-type")).toBe("image/jpeg");
  const stored = await readFile(join(stack.downloads, "videos/all of it.jpg"));
  expect(Buffer.from(await picture.arrayBuffer()).equals(stored)).toBe(true);

  const sent = origin.requests.filter((request) => request.path.startsWith("/cookie/") && request.headers.cookie);
  expect(sent.length).toBeGreaterThan(0);
  for (const { headers } of sent) expect(headers.cookie).not.toContain("another-site");
  expect(await filesWith(String(job.id), stack.data)).not.toEqual([]);
  expect(await filesWith(SECRET, stack.root)).toEqual([]);
  expect(stack.log.lines.join("\n")).not.toContain(SECRET);
});

// After the job, so that the node is there.
test("the library API looks at a page with a preset's options and cookies, which are nowhere afterwards", async () => {
  const url = `${origin.url}/cookie/hls/master.m3u8`;
  const look = (query: Record<string, string>) =>
    stack.api.call("GET", `/api/yt-dlp/url/info?${new URLSearchParams({ url, ...query })}`);
  const without = await look({});
  expect(without).toMatchObject({ status: 500, body: { status: false, message: "Failed to extract video info." } });
  expect(without.body.error).toMatch(/^Failed to extract video info\. ERROR: \[generic\]/);

  const preset = { name: "mine", cli: "--user-agent Mine/1", cookies: COOKIES };
  expect((await stack.api.call("POST", "/api/presets", { body: preset })).status).toBe(200);
  const found = await look({ preset: "mine", args: "-f 1200 -o X" });
  expect(found).toMatchObject({
    status: 200,
    body: { id: "master", format_id: "1200", is_archived: false, _cached: { status: "miss" } },
  });
  const page = origin.requests.findLast((request) => request.path === "/cookie/hls/master.m3u8");
  expect(page?.headers).toMatchObject({ "user-agent": "Mine/1", cookie: expect.stringContaining(SECRET) });
  expect((await look({ preset: "mine", args: "-f 1200 -o X" })).body).toMatchObject({ _cached: { status: "hit" } });

  const parsed = await stack.api.call("POST", "/api/yt-dlp/convert", { body: { args: "-f best -x -o X -P home:/x" } });
  expect(parsed.body).toEqual({
    opts: {
      format: "best",
      postprocessors: [
        { key: "FFmpegExtractAudio", preferredcodec: "best", preferredquality: "5", nopostoverwrites: false },
      ],
    },
    ...{ output_template: "X", download_path: "/x", format: "best", removed_options: ["--output", "--paths"] },
  });
  const options = await stack.api.call<{ flags: string[]; ignored: boolean }[]>("GET", "/api/yt-dlp/options");
  expect(options.body.find(({ flags }) => flags.includes("--exec"))?.ignored).toBe(true);
  expect(await filesWith(SECRET, stack.root)).toEqual([]);
});
