/** The signed URL of a delivered file (jobs API 11.2), and the folder that it lies in as a tree of files (library API 9). */
import { execFile } from "node:child_process";
import { createHmac, hkdfSync } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { flipped } from "../flipped.ts";
import { type Origin, startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import { Stack } from "./harness/stack.ts";

let origin: Origin;
let stack: Stack;
let talk: Delivered;

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  stack = await Stack.start();
  talk = await delivered("A “talk” — 100%");
});

const DAY_MS = 24 * 60 * 60_000;

interface Delivered {
  id: string;
  url: string;
  path: string;
  bytes: Buffer;
}

async function delivered(filename: string): Promise<Delivered> {
  const id = await stack.api.create({ url: `${origin.url}/vertical.mp4`, filename });
  const job = await stack.api.finished(id);
  const path = join(stack.downloads, job.files[0]?.key ?? "");
  return { url: job.s3_url ?? "", path, bytes: await readFile(path), id };
}

const get = (url: string, headers: Record<string, string> = {}, method = "GET") => fetch(url, { method, headers });

test("a file is served whole, in ranges and under conditions, without a key", async () => {
  const { url, bytes } = talk;
  expect(url.startsWith(`${stack.url}/f/`)).toBe(true);

  const whole = await get(url);
  expect(whole.status).toBe(200);
  expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
  const etag = whole.headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[^"]+"$/);
  expect(Object.fromEntries(whole.headers)).toMatchObject({
    "accept-ranges": "bytes",
    "content-length": String(bytes.length),
    "content-type": "video/mp4",
    "x-content-type-options": "nosniff",
    "content-disposition": `inline; filename="A _talk_ _ 100_.mp4"; filename*=UTF-8''A%20%E2%80%9Ctalk%E2%80%9D%20%E2%80%94%20100%25.mp4`,
  });

  const head = await get(url, {}, "HEAD");
  expect([head.status, head.headers.get("content-length"), (await head.arrayBuffer()).byteLength]).toEqual([
    200,
    String(bytes.length),
    0,
  ]);

  const middle = await get(url, { range: "bytes=1000-1999" });
  expect([middle.status, middle.headers.get("content-range")]).toEqual([206, `bytes 1000-1999/${bytes.length}`]);
  expect(Buffer.from(await middle.arrayBuffer()).equals(bytes.subarray(1000, 2000))).toBe(true);
  const tail = await get(url, { range: "bytes=-10", "if-range": etag });
  expect(tail.status).toBe(206);
  expect(Buffer.from(await tail.arrayBuffer()).equals(bytes.subarray(-10))).toBe(true);
  const otherVersion = await get(url, { range: "bytes=-10", "if-range": '"other"' });
  expect([otherVersion.status, (await otherVersion.arrayBuffer()).byteLength]).toEqual([200, bytes.length]);
  const beyond = await get(url, { range: `bytes=${bytes.length}-` });
  expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, `bytes */${bytes.length}`]);

  const known = await get(url, { "if-none-match": `"other", ${etag}` });
  expect([known.status, (await known.arrayBuffer()).byteLength]).toEqual([304, 0]);
  const news = await get(url, { "if-none-match": '"other"' });
  expect(news.status).toBe(200);
  await news.body?.cancel();
});

/** The same link with another end, signed as the edge signs: what an expired link looks like. */
async function signedUntil(url: string, expires: number): Promise<string> {
  const { secret } = JSON.parse(await readFile(join(stack.data, "credentials.json"), "utf8")) as { secret: string };
  const key = hkdfSync("sha256", secret, "", "trawl file-url", 32);
  const link = new URL(url);
  const [, , ids = "", ...name] = link.pathname.split("/");
  const hex = Buffer.from(ids, "base64url").toString("hex");
  const uuid = (text: string) => text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  const path = name.map(decodeURIComponent).join("/");
  const text = [uuid(hex.slice(0, 32)), uuid(hex.slice(32)), path, expires].join("\n");
  link.searchParams.set("expires", String(expires));
  link.searchParams.set("signature", createHmac("sha256", Buffer.from(key)).update(text).digest("base64url"));
  return link.href;
}

test("a link that was altered or has run out is refused", async () => {
  const { url } = talk;
  const expires = Number(new URL(url).searchParams.get("expires"));
  expect(Math.abs(expires * 1000 - Date.now() - DAY_MS)).toBeLessThan(60_000);
  const now = Math.floor(Date.now() / 1000);
  expect((await get(await signedUntil(url, now + 60), {}, "HEAD")).status).toBe(200);
  const altered = (change: (url: URL) => void) => {
    const copy = new URL(url);
    change(copy);
    return copy.href;
  };
  const bad = [
    await signedUntil(url, now - 1),
    altered((copy) => copy.searchParams.set("expires", String(expires + 1))),
    altered((copy) => copy.searchParams.set("signature", flipped(copy.searchParams.get("signature") ?? ""))),
    altered((copy) => copy.searchParams.delete("signature")),
    altered((copy) => {
      copy.pathname = copy.pathname.replace("talk", "walk");
    }),
    `${stack.url}/f/4kQz/videos/talk.mp4${new URL(url).search}`,
  ];
  for (const each of bad) {
    const response = await get(each);
    expect([each, response.status, await response.text()]).toEqual([
      each,
      403,
      JSON.stringify({ error: "Link is invalid or has expired" }),
    ]);
  }
});

test("a file that was changed or removed by hand is not served as the one that was delivered", async () => {
  const { url, path } = await delivered("By hand");
  await appendFile(path, "x");
  const changed = await get(url);
  expect([changed.status, await changed.json()]).toEqual([404, { error: "File no longer exists" }]);
  await rm(path);
  expect((await get(url, {}, "HEAD")).status).toBe(404);
});

test("each read of a job gives a new URL, and all of them work", async () => {
  const { url, id } = talk;
  const later = (await stack.api.job(id)).s3_url ?? "";
  const statuses = await Promise.all([url, later].map(async (each) => (await get(each, {}, "HEAD")).status));
  expect(statuses).toEqual([200, 200]);
});

test("files that lie in the downloads folder are browsed, renamed, fetched and zipped, whoever put them there", async () => {
  const talkPath = talk.path.slice(stack.downloads.length + 1);
  await mkdir(join(stack.downloads, "shelf"));
  await writeFile(join(stack.downloads, "shelf", "my film.mkv"), "by hand");
  await writeFile(join(stack.downloads, "shelf", "my film.en.srt"), "1\n");
  const call = async (method: string, path: string, body?: unknown) => {
    const headers = {
      "x-api-key": stack.apiKey,
      authorization: path.startsWith("/admin") ? `Bearer ${stack.adminToken}` : "",
    };
    return fetch(stack.url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  };
  const names = async (path: string) => {
    const { contents } = (await (await call("GET", `/api/file/browser/${path}`)).json()) as {
      contents: { name: string }[];
    };
    return contents.map((entry) => entry.name);
  };
  expect(await names("")).toEqual(["shelf", "videos"]);
  expect(await names("shelf")).toEqual(["my film.en.srt", "my film.mkv"]);

  const { accounts } = (await (await call("GET", "/admin/accounts")).json()) as { accounts: { id: string }[] };
  await call("PATCH", `/admin/accounts/${accounts[0]?.id}/settings`, { browser_control_enabled: true });
  const acted = await call("POST", "/api/file/actions", [
    { action: "rename", path: "shelf/my film.mkv", new_name: "film.mkv" },
    { action: "move", path: talkPath, new_path: "shelf" },
  ]);
  const results = (await acted.json()) as { new_path: string; error: string | null }[];
  expect(results.map(({ new_path, error }) => [new_path, error])).toEqual([
    ["shelf/film.mkv", null],
    ["shelf/film.en.srt", null],
    [`shelf/${basename(talk.path)}`, null],
  ]);
  expect((await readdir(join(stack.downloads, "shelf"))).sort()).toEqual(
    [basename(talk.path), "film.en.srt", "film.mkv"].sort(),
  );
  const job = await stack.api.job(talk.id);
  expect(Buffer.from(await (await get(job.s3_url ?? "")).arrayBuffer()).equals(talk.bytes)).toBe(true);
  expect((await get(talk.url)).status).toBe(403);

  const link = (await (await call("POST", "/api/file/download", ["shelf/film.mkv", results[2]?.new_path])).json()) as {
    token: string;
  };
  const zip = join(stack.root, "some.zip");
  await writeFile(zip, Buffer.from(await (await call("GET", `/api/file/download/${link.token}`)).arrayBuffer()));
  const script =
    "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), [(i.filename, i.file_size) for i in z.infolist()])";
  const { stdout } = await promisify(execFile)("python3", ["-c", script, zip]);
  expect(stdout).toContain("None ");
  expect(stdout).toContain("('shelf/film.mkv', 7), ('shelf/film.en.srt', 2)");
  expect(stdout).toContain(`, ${talk.bytes.length})]`);
});
