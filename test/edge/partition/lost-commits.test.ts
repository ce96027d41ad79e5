/** Commits whose answer stays lost: what they made in the store is taken back, and the job's file is there once. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Manifest } from "../../../shared/contract/media.ts";
import { info } from "../../partition/fixtures.ts";
import { manifestOf } from "../fleet-node.ts";
import { ORIGIN, store } from "../support.ts";
import { BYTES, LivePartition, NODE, passTime, storedKeys } from "./support.ts";

const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Leases the job, uploads its file and completes it. */
async function complete(partition: LivePartition, id: string, title: string): Promise<void> {
  const [held] = await partition.lease();
  const token = held?.token ?? "";
  await partition.stub.nodeConfirm(NODE, id, token);
  const seen = { kind: "single" as const, info: info({ title }) };
  const decision = await partition.stub.nodeExtracted(NODE, id, token, seen, ORIGIN);
  if (!("decision" in decision) || decision.decision !== "go") throw new Error(JSON.stringify(decision));
  const ticket = decision.tickets[0] as { upload_id: string; urls: { url: string }[] };
  const part = await partition.upload(ticket);
  const manifest = (await manifestOf(ticket.upload_id, BYTES, part.etag)) as unknown as Manifest;
  await partition.stub.nodeComplete(NODE, id, token, manifest);
}

/** Lets time pass, alarm by alarm, until it holds. */
async function until(partition: LivePartition, holds: () => Promise<boolean>, stepMs: number): Promise<void> {
  await vi.waitFor(
    async () => {
      passTime(stepMs);
      await partition.alarm();
      if (!(await holds())) throw new Error("not yet");
    },
    { timeout: 20_000, interval: 20 },
  );
}

const stateOf = async (partition: LivePartition, id: string) => (await partition.job(id))?.state;
const lost = { status: 200, answer: { kind: "unavailable", code: "no_answer" }, done: true };

it("past ten minutes fails the attempt, whose file goes; the next attempt delivers the only one", async () => {
  const partition = new LivePartition();
  const id = await partition.create();
  const key = `${partition.account.store_prefix}videos/Lost.mp4`;
  await store("POST", "fault", JSON.stringify({ call: "commit", key, times: 1_000, ...lost }));
  // The store takes nothing back for a while either.
  await store("POST", "fault", JSON.stringify({ call: "abort", key, times: 2, status: 503, answer: { error: "eio" } }));
  await complete(partition, id, "Lost");
  expect(await storedKeys(partition.account.store_prefix)).toEqual([key]);
  await until(partition, async () => ["delayed", "queued"].includes((await stateOf(partition, id)) ?? ""), 35_000);
  await until(partition, async () => (await storedKeys(partition.account.store_prefix)).length === 0, 30_000);
  await until(partition, async () => (await stateOf(partition, id)) === "queued", MINUTE);

  await complete(partition, id, "Lost");
  // Not one answer has come through yet; now the store speaks again.
  await store("POST", "unfault", JSON.stringify({ call: "commit", key }));
  await until(partition, async () => (await stateOf(partition, id)) === "completed", 1_000);
  expect(await storedKeys(partition.account.store_prefix)).toEqual([key]);
});

it("and that comes to its end after the abort is found by one more look", async () => {
  const partition = new LivePartition();
  const id = await partition.create();
  const key = `${partition.account.store_prefix}videos/Late.mp4`;
  const slow = { ...lost, done: false };
  await store("POST", "fault", JSON.stringify({ call: "commit", key, times: 1_000, ...slow }));
  // The store ends the upload only for the second abort: until then a commit of it is under way.
  await store("POST", "fault", JSON.stringify({ call: "abort", key, times: 1, status: 200, answer: {} }));
  await complete(partition, id, "Late");
  const [upload] = await partition.rows<{ upload_id: string }>("SELECT upload_id FROM uploads");
  await until(partition, async () => (await stateOf(partition, id)) === "queued", 35_000);
  await partition.stub.cancelJob(partition.account.id, id, true);
  await store("POST", "finish", JSON.stringify({ upload: upload?.upload_id }));
  expect(await storedKeys(partition.account.store_prefix)).toEqual([key]);
  await until(partition, async () => (await storedKeys(partition.account.store_prefix)).length === 0, MINUTE);
  await until(partition, async () => (await partition.rows("SELECT upload_id FROM uploads")).length === 0, MINUTE);
});
