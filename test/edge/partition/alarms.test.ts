/** Alarms of the real object: late, twice, and not at all. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LEASE_TTL_MS, OFFER_TTL_SHARE } from "../../../shared/limits.ts";
import { LivePartition, NODE, passTime } from "./support.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

async function running(partition: LivePartition): Promise<string> {
  const id = await partition.create();
  await partition.lease();
  await partition.stub.nodeConfirm(NODE, id, "1.1");
  return id;
}

function armedAt(partition: LivePartition): Promise<number | null> {
  return runInDurableObject(partition.stub, (_, state) => state.storage.getAlarm());
}

/** Lets the time pass until the armed moment, and runs the alarm then. */
async function alarmOnTime(partition: LivePartition): Promise<void> {
  const at = await vi.waitFor(async () => {
    const armed = await armedAt(partition);
    if (armed === null) throw new Error("no alarm");
    return armed;
  });
  vi.setSystemTime(Math.max(at, Date.now()));
  expect(await partition.alarm()).toBe(true);
}

it("is not armed while nothing waits", async () => {
  const partition = new LivePartition();
  await partition.create();
  expect(await armedAt(partition)).toBeNull();
  expect(await partition.alarm()).toBe(false);
});

it("is armed for what is due first, and after an early run for what is due next", async () => {
  const partition = new LivePartition();
  const began = Date.now();
  await running(partition);
  // It is only ever brought forward: the term of the offer, which was confirmed meanwhile, still stands.
  await vi.waitFor(async () => expect(await armedAt(partition)).toBe(began + LEASE_TTL_MS * OFFER_TTL_SHARE));
  await alarmOnTime(partition);
  expect(await armedAt(partition)).toBe(began + LEASE_TTL_MS);
});

it("reaps nothing when it comes late, and reaps after one more TTL of silence", async () => {
  const partition = new LivePartition();
  const id = await running(partition);
  await vi.waitFor(async () => expect(await armedAt(partition)).not.toBeNull());
  passTime(60 * LEASE_TTL_MS);
  expect(await partition.alarm()).toBe(true);
  expect(await partition.rows("SELECT state FROM jobs")).toEqual([{ state: "running" }]);
  expect(await armedAt(partition)).toBe(Date.now() + LEASE_TTL_MS);
  await alarmOnTime(partition);
  expect(await partition.rows("SELECT state, tries FROM jobs")).toEqual([{ state: "delayed", tries: '{"lost":1}' }]);
  expect(await partition.stub.nodeConfirm(NODE, id, "1.1")).toMatchObject({ refused: "lease_lost" });
});

it("spares every lease after the object was gone, whoever speaks first", async () => {
  const partition = new LivePartition();
  await running(partition);
  await partition.evict();
  passTime(10 * LEASE_TTL_MS);
  // Another node is the first to be heard again.
  const other = { ...NODE, node: "6f4d3c1e-0000-4000-8000-000000000002" };
  await partition.stub.nodeHeartbeat(other, { holding: [], slots: { download: 1, live: 0 }, state: "running" });
  await partition.alarm();
  expect(await partition.rows("SELECT state FROM jobs")).toEqual([{ state: "running" }]);
});

it("run twice does the same as once", async () => {
  const partition = new LivePartition();
  await running(partition);
  await alarmOnTime(partition);
  await alarmOnTime(partition);
  const before = await partition.rows("SELECT id, state, version, attempt, tries FROM jobs");
  await runInDurableObject(partition.stub, (instance) => instance.alarm());
  await runInDurableObject(partition.stub, (instance) => instance.alarm());
  expect(await partition.rows("SELECT id, state, version, attempt, tries FROM jobs")).toEqual(before);
  expect(await partition.rows("SELECT type FROM events WHERE type = '.attempt.ended'")).toHaveLength(1);
});

it("never throws, and arms itself anew, when the object cannot do its work", async () => {
  const partition = new LivePartition();
  await running(partition);
  await vi.waitFor(async () => expect(await armedAt(partition)).not.toBeNull());
  await runInDurableObject(partition.stub, async (instance, state) => {
    state.storage.sql.exec("ALTER TABLE cool_downs RENAME TO gone");
    await instance.alarm();
    state.storage.sql.exec("ALTER TABLE gone RENAME TO cool_downs");
  });
  expect(await armedAt(partition)).not.toBeNull();
});
