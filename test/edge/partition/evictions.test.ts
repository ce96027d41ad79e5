/** A job's whole life through the real object, which ends after each step and starts again on its storage. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Manifest } from "../../../shared/contract/media.ts";
import { info } from "../../partition/fixtures.ts";
import { manifestOf } from "../fleet-node.ts";
import { ORIGIN, store } from "../support.ts";
import { BYTES, LivePartition, NODE, passTime, storedKeys } from "./support.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Up to the manifest; the object is evicted after each step. */
async function untilComplete(partition: LivePartition, title: string) {
  const id = await partition.create();
  await partition.evict();
  const [held] = await partition.lease("0f4d3c1e-0000-4000-8000-000000000009");
  await partition.evict();
  expect(await partition.lease("0f4d3c1e-0000-4000-8000-000000000009")).toEqual([held]);
  expect(held).toEqual({ job: id, token: "1.1" });
  for (let twice = 0; twice < 2; twice++) {
    expect(await partition.stub.nodeConfirm(NODE, id, "1.1")).toEqual({ state: "running" });
    await partition.evict();
  }
  const seen = { kind: "single" as const, info: info({ title }) };
  const decision = await partition.stub.nodeExtracted(NODE, id, "1.1", seen, ORIGIN);
  await partition.evict();
  const again = await partition.stub.nodeExtracted(NODE, id, "1.1", seen, ORIGIN);
  if (!("decision" in decision) || decision.decision !== "go") throw new Error(JSON.stringify(decision));
  if (!("decision" in again) || again.decision !== "go") throw new Error(JSON.stringify(again));
  const [ticket] = decision.tickets;
  if (ticket === undefined) throw new Error("no ticket");
  // The repeat begins no second upload.
  expect(again.tickets[0]?.upload_id).toBe(ticket.upload_id);
  const part = await partition.upload(ticket);
  expect(await partition.stub.nodeStep(NODE, id, "1.1", "upload")).toEqual({ state: "running" });
  await partition.evict();
  const manifest = (await manifestOf(ticket.upload_id, BYTES, part.etag)) as unknown as Manifest;
  return { id, manifest, key: `${partition.account.store_prefix}videos/${title}.mp4` };
}

it("ends once, with one file, however often the object is evicted", async () => {
  const partition = new LivePartition();
  const { id, manifest, key } = await untilComplete(partition, "Evicted");
  await partition.stub.nodeComplete(NODE, id, "1.1", manifest);
  await partition.evict();
  await vi.waitFor(async () => {
    await partition.alarm();
    expect(await partition.job(id)).toMatchObject({ state: "completed", attempts: 1 });
  });
  // The answer was lost: the winner asks again, and somebody else tries.
  const late = await partition.stub.nodeComplete(NODE, id, "1.1", manifest);
  expect(late).toEqual({ state: "completed" });
  await partition.evict();
  expect(await partition.stub.nodeComplete(NODE, id, "1.0", manifest)).toMatchObject({ refused: "lease_lost" });
  await vi.waitFor(async () => expect(await partition.stored(id)).toMatchObject({ state: "completed" }));
  await vi.waitFor(async () => expect(await partition.rows("SELECT id FROM jobs")).toEqual([]));
  expect(await storedKeys(partition.account.store_prefix)).toEqual([key]);
  const events = await partition.rows<{ type: string }>("SELECT type FROM events WHERE data IS NOT NULL ORDER BY id");
  expect(events.map((event) => event.type)).toEqual(["job.created", "job.started", "job.completed"]);
});

it("commits by alarm what the store would not take at once, also after an eviction", async () => {
  const partition = new LivePartition();
  const { id, manifest, key } = await untilComplete(partition, "Later");
  const fault = { call: "commit", key, times: 1, status: 200, answer: { kind: "unavailable", code: "busy" } };
  await store("POST", "fault", JSON.stringify(fault));
  expect(await partition.stub.nodeComplete(NODE, id, "1.1", manifest)).toEqual({ state: "finishing" });
  await vi.waitFor(async () => {
    expect(await partition.rows("SELECT commit_tries FROM jobs")).toEqual([{ commit_tries: 1 }]);
  });
  await partition.evict();
  passTime(1_000);
  await vi.waitFor(async () => {
    await partition.alarm();
    expect(await partition.job(id)).toMatchObject({ state: "completed" });
  });
  expect(await storedKeys(partition.account.store_prefix)).toEqual([key]);
});

it("keeps a cancel that was acknowledged, and no confirm comes through after it", async () => {
  const partition = new LivePartition();
  const id = await partition.create();
  await partition.lease();
  expect(await partition.stub.cancelJob(partition.account.id, id, false)).toBe("cancelled");
  expect(await partition.stored(id)).toMatchObject({ state: "cancelled", status: "Failed" });
  await partition.evict();
  expect(await partition.stub.nodeConfirm(NODE, id, "1.1")).toMatchObject({ refused: "lease_lost" });
  expect(await partition.stub.cancelJob(partition.account.id, id, false)).not.toBe("cancelled");
});

it("loses no job when its storage is lost: a new generation takes them from D1, and old tokens are stale", async () => {
  const partition = new LivePartition();
  await partition.register();
  const id = await partition.create();
  await partition.lease();
  await partition.stub.nodeConfirm(NODE, id, "1.1");
  await vi.waitFor(async () => expect(await partition.stored(id)).toMatchObject({ state: "running" }));
  await runInDurableObject(partition.stub, (_, state) => state.storage.deleteAll());
  await partition.evict();
  expect(await partition.job(id)).toMatchObject({ state: "queued", attempts: 1 });
  expect(await partition.stub.nodeConfirm(NODE, id, "1.1")).toMatchObject({ refused: "lease_lost" });
  const [held] = await partition.lease();
  expect(held).toEqual({ job: id, token: "2.2" });
});
