/** `POST /jobs` beyond its field rules: bodies of all kinds, what is stored, what is refused whole (jobs API 1.1, 1.2, 3.3). */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { MAX_BODY_BYTES } from "../../../shared/limits.ts";
import { PARTITION } from "../fleet-node.ts";
import { type Account, type Json, newAccount, refusal } from "../support.ts";

let account: Account;
beforeAll(async () => {
  account = await newAccount();
});

const URL_OK = "https://media.example.com/v1";

async function created(body: Json): Promise<Json> {
  const id = await account.createJob(body);
  return (await account.api("GET", `/jobs/${id}`)).body;
}

describe("a body", () => {
  it.each(["", "{", "nope", '{"url":}', "{'url':1}", '{"url":"a"', "\u0000"])(
    "that is no JSON (%j) is refused: Invalid JSON body",
    async (text) => {
      const answer = await account.api("POST", "/jobs", text);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({ error: "Invalid JSON body" });
    },
  );

  it.each(["[]", "null", '"text"', "7", "true", '[{"url":"https://media.example.com/"}]'])(
    "that is no object (%s) is refused: Request body must be a JSON object",
    async (text) => {
      const answer = await account.api("POST", "/jobs", text);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({ error: "Request body must be a JSON object" });
    },
  );

  it("of 1,048,576 bytes is read, one byte more is 413, whether its length is announced or not", async () => {
    const head = `{"url":"${URL_OK}","x":"`;
    const atLimit = `${head}${"a".repeat(MAX_BODY_BYTES - head.length - 2)}"}`;
    expect(atLimit).toHaveLength(MAX_BODY_BYTES);
    expect((await account.api("POST", "/jobs", atLimit)).status).toBe(201);
    const tooLarge = { status: 413, error: "Request body is too large (max 1 MiB)" };
    expect(refusal(await account.api("POST", "/jobs", `${atLimit} `))).toEqual(tooLarge);
    const chunks = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(`${atLimit} `));
        controller.close();
      },
    });
    expect(refusal(await account.stream("/jobs", chunks))).toEqual(tooLarge);
  });

  it("that never ends is given up at the limit, not collected", async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        if (sent > 64 * MAX_BODY_BYTES) controller.error(new Error("read far past the limit"));
        else controller.enqueue(new Uint8Array(65_536).fill(97));
      },
    });
    expect((await account.stream("/jobs", endless)).status).toBe(413);
    expect(sent).toBeLessThan(8 * MAX_BODY_BYTES);
  });

  it("may come with any content type", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"]) {
      const answer = await account.api("POST", "/jobs", { url: URL_OK }, { "content-type": type });
      expect(answer.status).toBe(201);
    }
  });

  it("is checked for its size before its JSON", async () => {
    expect((await account.api("POST", "/jobs", "{".repeat(MAX_BODY_BYTES + 1))).status).toBe(413);
  });
});

describe("a field", () => {
  it("that is null equals an omitted one", async () => {
    const nulls = {
      format: null,
      folder: null,
      filename: null,
      max_resolution: null,
      audio_only: null,
      metadata: null,
    };
    const [withNulls, without] = [await created(nulls), await created({})];
    for (const name of Object.keys(nulls)) expect(withNulls[name]).toEqual(without[name]);
  });

  it("that nobody knows is ignored", async () => {
    expect(await created({ resolution: "4k", __proto__: { a: 1 }, constructor: 1, toString: null })).toMatchObject({
      max_resolution: "best",
    });
  });

  it.each<[asked: Json, echoed: Json]>([
    [{ format: "avi" }, { format: "mp4" }],
    [{ audio_only: true }, { format: "m4a", audio_only: true, audio_codec: "copy", audio_bitrate: null }],
    [{ format: "mp3" }, { format: "mp3", audio_only: true }],
    [{ audio_bitrate: "128k" }, { audio_codec: "aac", audio_bitrate: "128k" }],
    [
      { format: "webm", video_codec: "h264" },
      { video_codec: "vp9", video_quality: 23 },
    ],
    [{ max_resolution: "720" }, { max_resolution: "720", requested_quality: "720" }],
    [{ filename: "  " }, { filename: null }],
    [{ filename: "01 - <Intro>?" }, { filename: "01 - <Intro>?" }],
    [{ folder: "talks/2026" }, { folder: "talks/2026" }],
    [
      { priority: -3, tags: ["region=eu"] },
      { priority: -3, tags: ["region=eu"] },
    ],
    [{ metadata: { a: [1, null, { b: "ü" }] } }, { metadata: { a: [1, null, { b: "ü" }] } }],
    [{ metadata: {} }, { metadata: {} }],
    [{ url: "https://user:pw@media.example.com/v1#t=1" }, { url: "https://user:pw@media.example.com/v1#t=1" }],
    [{ webhook_url: "https://hooks.example.com/in" }, { webhook_status: null }],
    [{ enable_progress_webhook: true }, { enable_progress_webhook: false, webhook_status: "no_webhook" }],
  ])("%j is stored and echoed as %j", async (asked, echoed) => {
    expect(await created(asked)).toMatchObject(echoed);
  });

  it("of the key's limit beats what was asked for", async () => {
    const limited = await newAccount({ key: { limits: { max_resolution: "720" } } });
    const id = await limited.createJob({ max_resolution: "2160" });
    expect((await limited.api("GET", `/jobs/${id}`)).body.max_resolution).toBe("720");
  });
});

describe("a new job", () => {
  it("is readable at once, in the one fixed shape: every key there, null where it does not apply", async () => {
    const before = Date.now();
    const id = await account.createJob({ folder: "talks" });
    const { status, body } = await account.api("GET", `/jobs/${id}`);
    expect(status).toBe(200);
    expect(body).toEqual({ ...NEW_JOB, id, folder: "talks", created_at: expect.any(Number) });
    expect(Number(body.created_at)).toBeGreaterThanOrEqual(before);
    expect(Number.isInteger(body.created_at)).toBe(true);
  });

  it("is refused with 503 and Retry-After 30 when the account's queue is full, and then does not exist", async () => {
    const small = await newAccount();
    await small.createJob();
    await runInDurableObject(env.PARTITION.getByName(PARTITION), (_, state) => {
      state.storage.sql.exec("UPDATE accounts SET pending = 10000 WHERE id = ?", small.id);
    });
    const answer = await small.api("POST", "/jobs", { url: URL_OK });
    expect(refusal(answer)).toEqual({ status: 503, error: "Queue is full" });
    expect(answer.headers.get("retry-after")).toBe("30");
    expect((await small.api("GET", "/jobs")).body.jobs).toHaveLength(1);
  });
});

/** Jobs API 3.5, in its order. */
const NEW_JOB: Json = {
  id: "",
  url: URL_OK,
  status: "Pending",
  step: "Queued",
  ...nulls("s3_url", "subtitle_url", "thumbnail_url", "error", "error_type", "title", "description", "release_date"),
  folder: null,
  ...nulls("batch_id", "file_size"),
  created_at: 0,
  ...nulls("finished_at", "download_speed_mbps", "upload_speed_mbps", "queue_wait_ms", "total_duration_ms"),
  ...nulls("precheck_duration_ms", "extract_duration_ms", "download_duration_ms", "subtitle_duration_ms"),
  ...nulls("mux_duration_ms", "file_move_ms", "upload_duration_ms", "io_wait_ms", "cpu_wait_ms", "upload_wait_ms"),
  ...nulls("download_strategy", "cascade_total_attempts", "download_retries", "upload_retries"),
  ...nulls("native_video_codec", "native_audio_codec"),
  requested_quality: "best",
  actual_quality: null,
  webhook_status: "no_webhook",
  ...nulls("webhook_attempts", "webhook_last_error", "webhook_response_time_ms"),
  format: "mp4",
  video_codec: "copy",
  audio_codec: "copy",
  ...nulls("audio_bitrate", "video_quality", "quality_preset"),
  max_resolution: "best",
  filename: null,
  audio_only: false,
  download_subtitles: false,
  download_thumbnail: false,
  ...nulls("clip_start", "clip_end"),
  live_recording: false,
  live_from_start: false,
  max_duration: null,
  wait_for_video: false,
  enable_progress_webhook: false,
  marketplace_source: null,
  progress: 0,
  ...nulls("eta_seconds", "speed_bytes_per_second"),
  attempts: 0,
  ...nulls("node_id", "actual_clip_start", "actual_clip_end"),
  priority: 0,
  tags: [],
  metadata: null,
  files: [],
};

function nulls(...names: string[]): Json {
  return Object.fromEntries(names.map((name) => [name, null]));
}
