/** The downloads API, used by a front end that polls one list and was written for its page. */
import { beforeAll, expect, test } from "vitest";
import { type Origin, startOrigin } from "../../origin/server.ts";
import { atEnd } from "../harness/at-end.ts";
import { Stack } from "../harness/stack.ts";
import { type Json, PlainClient } from "./plain-client.ts";

let origin: Origin;
let base: string;
let key: string;
let client: PlainClient;

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  const stack = await Stack.start();
  base = stack.url;
  key = stack.apiKey;
  client = new PlainClient(base, { Authorization: `Basic ${Buffer.from(`anyone:${key}`).toString("base64url")}` });
});

/** The page's example, key by key. */
const EXAMPLE: Json = {
  id: "660f9500-f39c-52e5-b827-557766550111",
  url: "https://www.youtube.com/watch?v=example123",
  title: "Example Video",
  thumbnail: "https://i.ytimg.com/vi/example123/hqdefault.jpg",
  status: "downloading",
  progress: 45.5,
  speed: "3.2 MB/s",
  eta: "120s",
  filesize: 104857600,
  downloaded_bytes: 47710208,
  format_note: "720p",
  is_playlist: false,
  playlist_index: 0,
  playlist_total: 1,
  filename: "",
  quality: "720p",
  download_type: "video",
  error_message: "",
  created_at: "2026-03-04T10:40:00.000Z",
  completed_at: null,
};
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

async function queue(body: Json): Promise<string> {
  const made = await client.post("/api/download", body);
  expect([made.status, made.body]).toEqual([200, { id: made.body.id, status: "pending", message: "Download queued" }]);
  return String(made.body.id);
}

/** Polls the one list, as such front ends do, until a task of it is as wished. */
async function inList(id: string, wished: (task: Json) => boolean): Promise<Json> {
  const tasks = await client.poll<Json[]>("/api/downloads", (all) =>
    all.some((task) => task.id === id && wished(task)),
  );
  return tasks.find((task) => task.id === id) ?? {};
}

function hasTheShape(task: Json): void {
  expect(Object.keys(task)).toEqual(Object.keys(EXAMPLE));
  for (const [name, value] of Object.entries(task)) {
    if (name !== "completed_at") expect([name, typeof value]).toEqual([name, typeof EXAMPLE[name]]);
  }
  expect(task.created_at).toMatch(ISO);
}

test("queue, poll the list, watch it move, fetch the file whole and in part, stream it by name, remove it", async () => {
  const id = await queue({ url: `${origin.url}/hold/clock/video-360.mp4`, quality: "360p" });
  hasTheShape(await inList(id, () => true));
  await origin.waitForHeld("clock", 2);
  const moving = await inList(id, (task) => task.status === "downloading" && task.title !== "");
  hasTheShape(moving);
  expect(moving).toMatchObject({ title: "video-360", filename: "", quality: "360p", completed_at: null });
  const early = await client.get(`/api/download/${id}/file`);
  expect([early.status, early.body]).toEqual([409, { detail: "Download is not completed" }]);
  origin.release("clock");

  const task = await inList(id, (each) => each.status === "completed");
  hasTheShape(task);
  const filename = `video-360__${id}.mp4`;
  expect(task).toMatchObject({ progress: 100, speed: "", eta: "", filename, format_note: "360p", error_message: "" });
  expect(task.downloaded_bytes).toBe(task.filesize);
  expect(task.completed_at).toMatch(ISO);
  expect((await client.get(`/api/downloads/${id}`)).body).toEqual(task);

  const basic = { Authorization: `Basic ${Buffer.from(`:${key}`).toString("base64")}` };
  const whole = await fetch(`${base}/api/download/${id}/file`, { headers: basic });
  const bytes = Buffer.from(await whole.arrayBuffer());
  expect([whole.status, bytes.length]).toEqual([200, task.filesize]);
  expect(whole.headers.get("content-disposition")).toBe(`attachment; filename*=UTF-8''${encodeURIComponent(filename)}`);
  const part = await fetch(`${base}/api/download/${id}/file`, { headers: { ...basic, Range: "bytes=100-199" } });
  expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 100-199/${bytes.length}`]);
  expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(100, 200))).toBe(true);

  // An <img> and a <video> can send no header.
  const stream = `${base}/api/stream/${encodeURIComponent(filename)}?apikey=${encodeURIComponent(key)}`;
  const played = await fetch(stream, { headers: { Range: "bytes=0-" } });
  expect([played.status, Buffer.from(await played.arrayBuffer()).equals(bytes)]).toEqual([206, true]);
  expect((await fetch(`${base}/api/stream/other.mp4?apikey=${key}`)).status).toBe(404);

  expect((await client.send("DELETE", `/api/downloads/${id}/remove`)).body).toEqual({ message: "Download removed" });
  expect((await client.get<Json[]>("/api/downloads")).body.some((each) => each.id === id)).toBe(false);
  expect((await fetch(`${base}/api/download/${id}/file`, { headers: basic })).status).toBe(404);
});

test("a running download is cancelled and stays listed; what is over cannot be", async () => {
  const id = await queue({ url: `${origin.url}/hold/never/video-720.mp4` });
  await origin.waitForHeld("never", 2);
  expect((await client.send("DELETE", `/api/downloads/${id}`)).body).toEqual({ message: "Download cancelled" });
  expect(await inList(id, (task) => task.status === "cancelled")).toMatchObject({ filename: "", error_message: "" });
  const again = await client.send("DELETE", `/api/downloads/${id}`);
  expect([again.status, Object.keys(again.body)]).toEqual([409, ["detail"]]);
});

test("audio, a list with chosen items, a source that is gone, and what is at a URL", async () => {
  const sound = await queue({ url: `${origin.url}/video-360.mp4`, download_type: "audio" });
  const chosen = await client.post<{ id: string; ids: string[]; playlist_total: number }>("/api/download", {
    ...{ url: `${origin.url}/feed.xml`, is_playlist: true, playlist_items: "1,3", download_type: "audio" },
  });
  expect([chosen.status, chosen.body.playlist_total, chosen.body.ids.length]).toEqual([200, 2, 2]);
  expect(chosen.body.id).toBe(chosen.body.ids[0]);
  const gone = await queue({ url: `${origin.url}/private/404` });
  const heard = await inList(sound, (task) => task.status === "completed");
  expect(heard).toMatchObject({ download_type: "audio", format_note: "audio", filename: `video-360__${sound}.m4a` });
  const second = await inList(chosen.body.ids[1] ?? "", (task) => task.status === "completed");
  expect(second).toMatchObject({ is_playlist: true, playlist_index: 2, playlist_total: 2 });
  const lost = await inList(gone, (task) => task.status === "error");
  expect(lost.error_message).not.toBe("");
  const info = await client.post<{ formats: Json[] }>("/api/info", { url: `${origin.url}/hls/master.m3u8` });
  expect(Object.keys(info.body)).toEqual(
    "title duration thumbnail uploader description is_playlist playlist_count formats".split(" "),
  );
  expect(Object.keys(info.body.formats[0] ?? {})).toEqual(
    "format_id ext height width fps filesize vcodec acodec format_note".split(" "),
  );
  const page = await fetch(`${base}/api/downloads?limit=2&apikey=${key}`);
  expect(((await page.json()) as Json[]).length).toBe(2);
  expect(page.headers.get("link")).toBe(`<${base}/api/downloads?limit=2&offset=2>; rel="next"`);
  expect(Number(page.headers.get("x-total-count"))).toBeGreaterThan(4);
});

test("refusals are `detail` alone: no key, a wrong one, another site's page, a bad field", async () => {
  const asked = async (path: string, init: RequestInit) => {
    const response = await fetch(base + path, init);
    return [response.status, await response.json()];
  };
  expect(await asked("/api/downloads", {})).toEqual([401, { detail: "Missing x-api-key header" }]);
  expect(await asked("/api/downloads?apikey=sk_no", {})).toEqual([401, { detail: "Invalid API Key" }]);
  const basic = `Basic ${Buffer.from(`x:${key}`).toString("base64")}`;
  const other = { Authorization: basic, Origin: "https://elsewhere.example.com" };
  const [status] = await asked("/api/download", { method: "POST", headers: other, body: JSON.stringify({ url: "x" }) });
  expect(status).toBe(403);
  const bad = { method: "POST", headers: { Authorization: basic }, body: JSON.stringify({ url: "nonsense" }) };
  expect(await asked("/api/download", bad)).toEqual([400, { detail: "url must be a valid http or https URL" }]);
});
