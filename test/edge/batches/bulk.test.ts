import { expect, test } from "vitest";
import { TestNode } from "../fleet-node.ts";
import { type Account, call, type Json, newAccount, readStream, refusal } from "../support.ts";

const url = (name: string) => `https://media.example.com/${name}`;

async function bulk(account: Account, body: Json): Promise<{ batch: string; jobs: string[] }> {
  const made = await account.api<{ batch_id: string; job_ids: string[] }>("POST", "/jobs/bulk", body);
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return { batch: made.body.batch_id, jobs: made.body.job_ids };
}

test("a bulk request answers with the batch, the ids in order, and whether it is held", async () => {
  const account = await newAccount();
  const jobs = [{ url: url("a"), filename: "01 - Intro" }, { url: url("b") }];
  const made = await account.api("POST", "/jobs/bulk", { jobs, folder: "course", max_resolution: "720" });
  expect(made.status).toBe(201);
  const ids = made.body.job_ids as string[];
  expect(made.body).toEqual({ batch_id: expect.any(String), total_jobs: 2, job_ids: [ids[0], ids[1]], paused: false });
  const first = await account.api("GET", `/jobs/${ids[0]}`);
  expect(first.body).toMatchObject({
    status: "Pending",
    folder: "course",
    filename: "01 - Intro",
    max_resolution: "720",
    batch_id: made.body.batch_id,
  });
});

test("jobs of a batch are handed out in their order: their ids rise, as all else is the same", async () => {
  const account = await newAccount();
  const { jobs } = await bulk(account, { jobs: Array.from({ length: 100 }, (_, n) => ({ url: url(`${n}`) })) });
  expect(jobs).toEqual(jobs.toSorted());
});

test.each([
  ["`jobs` missing", {}, "jobs is required", "jobs"],
  ["empty", { jobs: [] }, "jobs must contain at least 1 item", "jobs"],
  [
    "over 100",
    { jobs: Array.from({ length: 101 }, (_, n) => ({ url: url(`${n}`) })) },
    "Maximum 100 jobs per bulk request",
    "jobs",
  ],
  ["an item without url", { jobs: [{ url: url("a") }, {}] }, "jobs[1].url is required", "jobs[1].url"],
  [
    "an item with a bad url",
    { jobs: [{ url: url("a") }, { url: "nonsense" }] },
    "jobs[1].url must be a valid http or https URL",
    "jobs[1].url",
  ],
  [
    "an item with a bad name",
    { jobs: [{ url: url("a"), filename: "a/b" }] },
    "Filename contains invalid characters",
    "jobs[0].filename",
  ],
  ["`storage`", { jobs: [{ url: url("a") }], storage: {} }, "storage is not supported in bulk requests", "storage"],
  [
    "a shared option",
    { jobs: [{ url: url("a") }], max_resolution: "1080p" },
    "max_resolution must be one of: best, 2160, 1440, 1080, 720, 480, 360",
    "max_resolution",
  ],
])("bulk: %s is refused, and nothing is created", async (_, body, error, field) => {
  const account = await newAccount();
  expect(refusal(await account.api("POST", "/jobs/bulk", body))).toEqual({ status: 400, error, field });
  expect((await account.api("GET", "/jobs")).body).toMatchObject({ total: 0, jobs: [] });
});

test("a paused batch is not handed out until it is started, and can be renamed until then", async () => {
  const account = await newAccount();
  const { batch, jobs } = await bulk(account, { jobs: [{ url: url("a") }, { url: url("b") }], paused: true });
  const node = await TestNode.online(account);
  expect(await node.lease()).toEqual([]);
  expect((await account.api("GET", `/batch/${batch}`)).body).toMatchObject({
    status: "paused",
    kind: "bulk",
    show_url: null,
    total_episodes: 2,
    pending_episodes: 2,
    episode_jobs: jobs,
  });
  const renames = [
    { job_id: jobs[0], filename: "01 - Introduction" },
    { job_id: "01a2310c-eb61-7893-923f-0824128b2f33", filename: "x" },
  ];
  expect((await account.api("PATCH", `/batch/${batch}/jobs`, { renames })).body).toEqual({
    updated: 1,
    errors: ["Job 01a2310c-eb61-7893-923f-0824128b2f33 does not belong to this batch"],
  });
  await account.api("DELETE", `/jobs/${jobs[1]}`);
  expect(
    (await account.api("PATCH", `/batch/${batch}/jobs`, { renames: [{ job_id: jobs[1], filename: "y" }] })).body,
  ).toEqual({
    updated: 0,
    errors: [`Job ${jobs[1]} is not pending`],
  });
  expect((await account.api("POST", `/batch/${batch}/start`)).body).toEqual({
    batch_id: batch,
    started_jobs: 1,
    status: "processing",
  });
  expect(refusal(await account.api("POST", `/batch/${batch}/start`))).toEqual({
    status: 400,
    error: "Batch is not paused (current status: processing)",
  });
  expect(refusal(await account.api("PATCH", `/batch/${batch}/jobs`, { renames: [] }))).toEqual({
    status: 400,
    error: "Batch is not paused. Only paused batches can be renamed.",
  });
  expect((await node.lease()).map((job) => job.job)).toEqual([jobs[0]]);
});

test("the counters of a batch add up at every read, and it is finished when its last job ends", async () => {
  const account = await newAccount();
  const { batch } = await bulk(account, { jobs: ["a", "b", "c"].map((name) => ({ url: url(name) })) });
  const node = await TestNode.online(account);
  const read = async () => {
    const { body } = await account.api<Record<string, number> & { status: string }>("GET", `/batch/${batch}`);
    const { completed_episodes, failed_episodes, skipped_episodes, pending_episodes, processing_episodes } = body;
    const sum =
      Number(completed_episodes) +
      Number(failed_episodes) +
      Number(skipped_episodes) +
      Number(pending_episodes) +
      Number(processing_episodes);
    expect(sum).toBe(3);
    return body;
  };
  expect(await read()).toMatchObject({ status: "processing", pending_episodes: 3, progress: 0 });
  const leased = await node.lease();
  for (const job of leased) await node.job(job, "confirm");
  expect(await read()).toMatchObject({ processing_episodes: 3 });
  const [first, second, third] = leased;
  if (first === undefined || second === undefined || third === undefined) throw new Error("three jobs were leased");
  await node.deliver(first, "bytes of the first");
  const failure = { class: "removed", message: "gone", retry_after_seconds: null, permanent: false };
  await node.job(second, "fail", failure);
  expect(await read()).toMatchObject({ failed_episodes: 1, finished_at: null });
  expect((await account.api("DELETE", `/batch/${batch}?force=true`)).body).toEqual({
    batch_id: batch,
    cancelled_jobs: 1,
  });
  await readStream(await call(`/batch/${batch}/events`, { headers: { "x-api-key": account.key } }));
  expect(await read()).toMatchObject({
    status: "finished",
    completed_episodes: 1,
    failed_episodes: 2,
    cancelled_episodes: 1,
    progress: 100,
    finished_at: expect.any(Number),
  });
  expect((await account.api("DELETE", `/batch/${batch}`)).body).toEqual({ batch_id: batch, cancelled_jobs: 0 });
});

test("a batch's jobs are listed in batch order, with totals of the batch", async () => {
  const account = await newAccount();
  await account.createJob();
  const { batch, jobs } = await bulk(account, { jobs: ["a", "b", "c"].map((name) => ({ url: url(name) })) });
  const { body } = await account.api<{ jobs: { id: string }[] } & Json>("GET", `/batch/${batch}/jobs?limit=2&offset=1`);
  expect(body.jobs.map((job) => job.id)).toEqual(jobs.slice(1));
  expect(body).toMatchObject({ total: 3, filtered_total: 3, limit: 2, offset: 1, next_cursor: null });
  expect((await account.api("GET", `/batch/${batch}/jobs?status=failed`)).body).toMatchObject({
    total: 3,
    filtered_total: 0,
  });
  expect((await account.api("GET", `/jobs?batch_id=${batch}`)).body).toMatchObject({ total: 4, filtered_total: 3 });
});

test.each(["GET /batch/ID", "POST /batch/ID/start", "DELETE /batch/ID", "GET /batch/ID/jobs", "GET /batch/ID/events"])(
  "%s of another account's batch is an unknown batch",
  async (route) => {
    const owner = await newAccount();
    const { batch } = await bulk(owner, { jobs: [{ url: url("a") }] });
    const stranger = await newAccount();
    const [method = "", path = ""] = route.replace("ID", batch).split(" ");
    expect(refusal(await stranger.api(method, path))).toEqual({ status: 404, error: "Batch not found" });
  },
);
