/** The real object loses its storage: what it acknowledged, it keeps (birth rule). */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { IdempotencyKey } from "../../../edge/partition/idempotency.ts";
import { newJob } from "../../partition/fixtures.ts";
import { LivePartition, NODE } from "./support.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The storage is gone, alarm and all, and the object with it. */
async function wipe(partition: LivePartition): Promise<void> {
  await runInDurableObject(partition.stub, (_, state) => state.storage.deleteAll());
  await partition.evict();
}

/** `create` as a request with this key sends it, and what came of it. */
async function createWithKey(partition: LivePartition, owner: string) {
  const id = crypto.randomUUID();
  const key: IdempotencyKey = { account: partition.account.id, keyId: "key", key: "k1", fingerprint: "f", owner };
  const start = await partition.stub.beginIdempotent(key);
  if (start.kind !== "run") return start;
  const wish = { created_at: Date.now(), idempotency_key: key.key, idempotency_fingerprint: key.fingerprint };
  const jobs = [newJob(id, partition.account.id, { ...wish, webhook_url: "https://hooks.test/r/200/wipe" })];
  const idempotency = { key, body: JSON.stringify({ job_id: id }) };
  const outcome = await partition.stub.create({
    account: partition.account,
    key: null,
    jobs,
    batch: null,
    target: null,
    idempotency,
  });
  return { kind: outcome, id };
}

/** Webhooks of a job that its account's courier has, by id. */
function webhooks(partition: LivePartition, job: string): Promise<{ id: string; type: string }[]> {
  return runInDurableObject(env.COURIER.getByName(partition.account.id), (_, state) =>
    state.storage.sql
      .exec<{ id: string; type: string }>(
        "SELECT id, type FROM deliveries WHERE job_id = ? AND channel = 'webhook'",
        job,
      )
      .toArray(),
  );
}

it("a create repeated after the job has ended and the storage was lost is answered as before", async () => {
  const partition = new LivePartition();
  await partition.register();
  const first = await createWithKey(partition, "one");
  if (first.kind !== "created" || !("id" in first)) throw new Error(first.kind);
  const [held] = await partition.lease();
  await partition.stub.nodeConfirm(NODE, first.id, held?.token ?? "");
  const report = { class: "clip" as const, message: null, permanent: false, retryAfterMs: null };
  await partition.stub.nodeFail(NODE, first.id, held?.token ?? "", report);
  await vi.waitFor(async () => expect(await partition.stored(first.id)).toMatchObject({ state: "failed" }));
  await vi.waitFor(async () => expect(await webhooks(partition, first.id)).toMatchObject([{ type: "job_failed" }]));
  const before = await webhooks(partition, first.id);
  await wipe(partition);
  expect(await createWithKey(partition, "two")).toMatchObject({
    kind: "replay",
    body: JSON.stringify({ job_id: first.id }),
  });
  expect(await partition.rows("SELECT value FROM meta WHERE key = 'epoch'")).toEqual([{ value: "2" }]);
  // What was told is told again, and known.
  await vi.waitFor(async () => expect(await partition.rows("SELECT id FROM jobs")).toEqual([]));
  expect(await webhooks(partition, first.id)).toEqual(before);
});

it("an object whose storage is older than what D1 knows writes nothing and is born again", async () => {
  const partition = new LivePartition();
  await partition.register();
  const job = await partition.create();
  await env.DB.prepare("UPDATE partitions SET epoch = 7 WHERE name = ?").bind(partition.name).run();
  const jobs = [newJob(crypto.randomUUID(), partition.account.id, { created_at: Date.now() })];
  const request = { account: partition.account, key: null, jobs, batch: null, target: null, idempotency: null };
  await partition.stub.create(request).catch(() => "the object has ended");
  expect(await partition.stored(jobs[0]?.id ?? "")).toBeNull();
  await vi.waitFor(async () => {
    const epoch = await partition.rows("SELECT value FROM meta WHERE key = 'epoch'");
    expect(epoch).toEqual([{ value: "8" }]);
  });
  expect(await partition.rows("SELECT id, state FROM jobs")).toEqual([{ id: job, state: "queued" }]);
});
