/** What is sent for what happens: jobs API 8.1 and 9.3, row by row. */
import { describe, expect, test } from "vitest";
import type { NoticeBatch } from "../../edge/courier/bodies.ts";
import { deriveId } from "../../edge/courier/derive-id.ts";
import { type NoticeSources, noticesFromEvents } from "../../edge/courier/notices-from-events.ts";
import type { FileRow } from "../../edge/partition/drain.ts";
import type { EventRow } from "../../edge/partition/events.ts";
import type { JobRow } from "../../edge/partition/job-row.ts";
import type { State } from "../../edge/partition/states.ts";

const ACCOUNT = "0197a000-0000-7000-8000-000000000001";
const JOB = "01a2310c-0100-726b-b2a7-4de452e6b438";
const BATCH = "01a2310c-eb60-70c6-a6a3-a4506513270e";
const CREATED = 1_796_119_200_000;
const FINISHED = 1_796_119_209_000;
const HOOK = "https://hooks.example.com/in";
const S3_URL = "https://files.example.com/f/4kQz/videos/talks/A%20talk.mp4?expires=1796205609&signature=9f2c";

interface Wish extends Partial<Omit<JobRow, "options">> {
  progress_webhook?: boolean;
}

function job({ progress_webhook = false, ...wish }: Wish = {}): JobRow {
  return {
    id: JOB,
    account_id: ACCOUNT,
    role: "single",
    url: "https://www.youtube.com/watch?v=v1",
    state: "completed",
    options: JSON.stringify({ enable_progress_webhook: progress_webhook }),
    folder: "talks",
    webhook_url: HOOK,
    batch_id: null,
    metadata: null,
    created_at: CREATED,
    finished_at: FINISHED,
    title: "A talk",
    description: "Recorded on stage",
    release_date: "2026-10-25T00:00:00Z",
    error: null,
    error_class: null,
    media_key: "videos/talks/A talk.mp4",
    ...wish,
  } as JobRow;
}

function batch(wish: Partial<NoticeBatch> = {}): NoticeBatch {
  return {
    id: BATCH,
    account_id: ACCOUNT,
    kind: "show",
    source_url: "https://open.spotify.com/show/s1",
    folder: "my-podcast",
    status: "finished",
    webhook_url: HOOK,
    total: 142,
    completed: 140,
    failed: 1,
    skipped: 1,
    created_at: CREATED,
    finished_at: FINISHED,
    ...wish,
  };
}

let lastEvent = 0;
function event(type: string, wish: Partial<EventRow> = {}): EventRow {
  lastEvent = Math.max(lastEvent + 1, FINISHED * 1000);
  return { id: lastEvent, account_id: ACCOUNT, job_id: JOB, batch_id: null, type, data: null, attempt: null, ...wish };
}

function stage(step: string): EventRow {
  return event(".job.stage", { data: JSON.stringify({ step }) });
}

async function notices(events: EventRow[], row: JobRow, rest: Partial<NoticeSources> = {}) {
  return noticesFromEvents({
    events,
    jobs: new Map([[row.id, row]]),
    files: new Map(),
    batches: new Map(),
    s3UrlOf: async () => S3_URL,
    ...rest,
  });
}

async function webhooks(...args: Parameters<typeof notices>) {
  return (await notices(...args)).filter((notice) => notice.channel === "webhook");
}

/** The raw bodies: key order counts. */
async function bodies(...args: Parameters<typeof notices>): Promise<string[]> {
  return (await webhooks(...args)).map((notice) => notice.body);
}

function failed(state: State, wish: Wish = {}): JobRow {
  return job({ state, media_key: null, error: "Network error while downloading", error_class: "network", ...wish });
}

describe("outcome bodies, as jobs API 8.1 prints them", () => {
  test("job_completed", async () => {
    expect(await bodies([event("job.completed")], job())).toEqual([
      `{"type":"job_completed","job_id":"${JOB}","status":"completed","url":"https://www.youtube.com/watch?v=v1","key":"videos/talks/A talk.mp4","folder":"talks","title":"A talk","description":"Recorded on stage","release_date":"2026-10-25T00:00:00Z","subtitle_key":null,"s3_url":"${S3_URL}"}`,
    ]);
  });

  test("`folder` `title` `description` `release_date` `subtitle_key` may be null; a subtitle has its key", async () => {
    const bare = job({ folder: null, title: null, description: null, release_date: null });
    const [body = "{}"] = await bodies([event("job.completed")], bare);
    expect(JSON.parse(body)).toMatchObject({ folder: null, title: null, description: null, release_date: null });
    const files = new Map([[JOB, [{ kind: "subtitle", path: "videos/talks/A talk.en.vtt" } as FileRow]]]);
    const [withSubtitle = "{}"] = await bodies([event("job.completed")], job(), { files });
    expect(JSON.parse(withSubtitle)).toMatchObject({ subtitle_key: "videos/talks/A talk.en.vtt" });
  });

  test("`description` is null for Spotify", async () => {
    const [body = "{}"] = await bodies([event("job.completed")], job({ url: "https://open.spotify.com/episode/e1" }));
    expect(JSON.parse(body)).toMatchObject({ description: null, title: "A talk" });
  });

  test("a parent's `key` is read through from the first child", async () => {
    const parent = job({ role: "parent", batch_id: BATCH, media_key: null });
    const files = new Map([[JOB, [{ kind: "media", path: "videos/First.mp4" } as FileRow]]]);
    const [body = "{}"] = await bodies([event("job.completed")], parent, { files });
    expect(JSON.parse(body)).toMatchObject({ type: "job_completed", key: "videos/First.mp4", s3_url: S3_URL });
  });

  test("job_failed", async () => {
    expect(await bodies([event("job.failed")], failed("failed"))).toEqual([
      `{"type":"job_failed","job_id":"${JOB}","status":"failed","url":"https://www.youtube.com/watch?v=v1","error":"Network error while downloading"}`,
    ]);
  });

  test("job_warning", async () => {
    expect(await bodies([event("job.warning")], failed("warning", { error: "Video is private" }))).toEqual([
      `{"type":"job_warning","job_id":"${JOB}","status":"warning","url":"https://www.youtube.com/watch?v=v1","error":"Video is private"}`,
    ]);
  });

  test("job_skipped", async () => {
    const row = failed("skipped", {
      url: "https://open.spotify.com/episode/e1",
      error: "Content is protected by DRM",
    });
    expect(await bodies([event("job.skipped")], row)).toEqual([
      `{"type":"job_skipped","job_id":"${JOB}","status":"skipped","url":"https://open.spotify.com/episode/e1","reason":"Content is protected by DRM"}`,
    ]);
  });

  test("`metadata` is the last key, only if the job has one", async () => {
    const metadata = '{"order":7}';
    const all = [
      ...(await bodies([event("job.completed")], job({ metadata }))),
      ...(await bodies([event("job.failed")], failed("failed", { metadata }))),
      ...(await bodies([event("job.warning")], failed("warning", { metadata }))),
      ...(await bodies([event("job.skipped")], failed("skipped", { metadata }))),
    ];
    expect(all).toHaveLength(4);
    for (const body of all) expect(body).toMatch(/,"metadata":\{"order":7\}\}$/);
  });

  test("none for cancelled jobs, and none without a `webhook_url`", async () => {
    expect(await notices([event("job.cancelled")], failed("cancelled"))).toEqual([]);
    expect(await webhooks([event("job.failed")], failed("failed", { webhook_url: null }))).toEqual([]);
  });

  test("an id is derived from job and type, and the time is the event's", async () => {
    const [notice] = await webhooks([event("job.completed")], job());
    expect(notice).toMatchObject({
      id: await deriveId({ subject: JOB, createdAt: CREATED, type: "job_completed" }),
      account_id: ACCOUNT,
      job_id: JOB,
      batch_id: null,
      url: HOOK,
      created_at: FINISHED,
      batch_rank: null,
    });
  });
});

describe("batches", () => {
  const over = () => event("batch.completed", { job_id: null, batch_id: BATCH });
  const batches = new Map([[BATCH, batch()]]);

  test("batch_completed", async () => {
    expect(await bodies([over()], job(), { batches })).toEqual([
      `{"type":"batch_completed","batch_id":"${BATCH}","show_url":"https://open.spotify.com/show/s1","folder":"my-podcast","completed":140,"failed":1,"skipped":1,"total":142,"status":"finished"}`,
    ]);
  });

  test("bulk sends nothing; nor does a batch without a `webhook_url`", async () => {
    const bulk = new Map([[BATCH, batch({ kind: "bulk" })]]);
    expect(await notices([over()], job(), { batches: bulk })).toEqual([]);
    const silent = new Map([[BATCH, batch({ webhook_url: null })]]);
    expect(await notices([over()], job(), { batches: silent })).toEqual([]);
  });

  test("a child ranks before its parent, the parent before the batch", async () => {
    const parentId = "01a2310c-eb61-7893-923f-0824128b2f33";
    const jobs = new Map([
      [JOB, job({ batch_id: BATCH })],
      [parentId, job({ id: parentId, batch_id: BATCH, role: "parent" })],
    ]);
    const events = [event("job.completed"), event("job.completed", { job_id: parentId }), over()];
    const found = await webhooks(events, job(), { jobs, batches });
    expect(found.map((notice) => [notice.type, notice.batch_rank])).toEqual([
      ["job_completed", 0],
      ["job_completed", 1],
      ["batch_completed", 2],
    ]);
    expect(found.map((notice) => notice.batch_id)).toEqual([BATCH, BATCH, BATCH]);
  });
});

describe("progress", () => {
  const row = job({ progress_webhook: true });
  const stagesOf = async (...events: EventRow[]) =>
    (await bodies(events, row))
      .map((body) => JSON.parse(body) as Record<string, unknown>)
      .filter((body) => body.type === "progress")
      .map((body) => [body.stage, body.progress_percent]);
  const ALL = [
    ["downloading", 0],
    ["download_complete", 33],
    ["muxing", 33],
    ["mux_complete", 66],
    ["uploading", 66],
    ["completed", 100],
  ];

  test("a body has type, job_id, stage and progress_percent", async () => {
    expect(await bodies([event("job.started")], row)).toEqual([
      `{"type":"progress","job_id":"${JOB}","stage":"downloading","progress_percent":0}`,
    ]);
  });

  test("`downloading` 0, `download_complete` 33, `muxing` 33, `mux_complete` 66, `uploading` 66, `completed` 100", async () => {
    expect(await stagesOf(event("job.started"))).toEqual(ALL.slice(0, 1));
    expect(await stagesOf(event("job.started"), stage("mux"))).toEqual(ALL.slice(0, 3));
    expect(await stagesOf(event("job.started"), stage("mux"), stage("upload"))).toEqual(ALL.slice(0, 5));
    const whole = [event("job.started"), stage("mux"), stage("upload"), event("job.completed")];
    expect(await stagesOf(...whole)).toEqual(ALL);
  });

  test("a job that goes straight to its upload passes through every stage", async () => {
    expect(await stagesOf(event("job.started"), stage("upload"))).toEqual(ALL.slice(0, 5));
    expect(await stagesOf(event("job.completed"))).toEqual(ALL);
  });

  test("each at most once per job, over all attempts: the same stage has the same id", async () => {
    const again = [event("job.started"), stage("mux"), event("job.started"), stage("mux"), event("job.completed")];
    expect(await stagesOf(...again)).toEqual(ALL);
    const [first] = await webhooks([event("job.started")], row);
    const [second] = await webhooks([event("job.started")], row);
    expect(second?.id).toBe(first?.id);
  });

  test("a job that fails has no more stages", async () => {
    const broken = failed("failed", { progress_webhook: true });
    const types = (await bodies([event("job.started"), event("job.failed")], broken)).map(
      (body) => (JSON.parse(body) as { type: string }).type,
    );
    expect(types).toEqual(["progress", "job_failed"]);
  });

  test("only with `enable_progress_webhook`", async () => {
    expect(await notices([event("job.started"), stage("mux")], job())).toEqual([]);
    expect(await notices([event("job.started")], job({ progress_webhook: true, webhook_url: null }))).toEqual([]);
  });
});

describe("Slack", () => {
  const slackOf = async (type: string, row: JobRow) =>
    (await notices([event(type)], row)).filter((notice) => notice.channel === "slack");

  test.each([
    ["job.failed", "failed", ":x: Job failed", "#d00000"],
    ["job.warning", "warning", ":warning: Job ended with a warning", "#ff9000"],
    ["job.skipped", "skipped", ":warning: Job was skipped", "#ff9000"],
  ] as const)("%s: job id, failure class and source URL", async (type, state, headline, color) => {
    const [notice] = await slackOf(type, failed(state, { webhook_url: null }));
    expect(notice).toMatchObject({ channel: "slack", url: null, job_id: JOB, batch_rank: null });
    expect(JSON.parse(notice?.body ?? "{}")).toEqual({
      attachments: [
        {
          color,
          fallback: `${headline}: ${JOB}`,
          text: headline,
          fields: [
            { title: "Job", value: JOB, short: false },
            { title: "Failure class", value: "network", short: true },
            { title: "Error", value: "Network error while downloading", short: true },
            { title: "URL", value: "https://www.youtube.com/watch?v=v1", short: false },
          ],
        },
      ],
    });
  });

  test("only failures notify", async () => {
    expect(await slackOf("job.completed", job())).toEqual([]);
    expect(await slackOf("job.cancelled", failed("cancelled"))).toEqual([]);
  });

  test("nobody's URL mentions a channel", async () => {
    const [notice] = await slackOf("job.failed", failed("failed", { url: "https://e.com/?a=1&b=<!channel>" }));
    expect(notice?.body).toContain("https://e.com/?a=1&amp;b=&lt;!channel&gt;");
    expect(notice?.body).not.toContain("<!channel>");
  });

  test("its id is not the webhook's", async () => {
    const ids = (await notices([event("job.failed")], failed("failed"))).map((notice) => notice.id);
    expect(new Set(ids).size).toBe(2);
  });
});
