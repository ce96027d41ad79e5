/** Figures: `/admin/stats` and `/metrics`. One partition serves all accounts of this file, so tests look at differences. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import worker from "../../../edge/index.ts";
import { parsePrometheus, sampleOf } from "../../shared/prometheus-parser.ts";
import { PARTITION, TestNode } from "../fleet-node.ts";
import { admin, call, newAccount, ORIGIN } from "../support.ts";

interface Figures {
  queued: number;
  delayed: number;
  running: number;
  oldest_queued_age_ms: number | null;
  nodes: number;
}

async function stats(): Promise<Figures> {
  const { status, body } = await admin<{ totals: Figures }>("GET", "/admin/stats");
  expect(status).toBe(200);
  return body.totals;
}

/** A scrape, read strictly. */
async function scrape(): Promise<(name: string, labels?: Record<string, string>) => number> {
  const answer = await call("/metrics", { headers: { authorization: `Bearer ${env.TRAWL_ADMIN_TOKEN}` } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const metrics = parsePrometheus(await answer.text());
  return (name, labels) => sampleOf(metrics, name, labels);
}

const FAIL = { message: "x", retry_after_seconds: null, permanent: false };

describe("GET /admin/stats", () => {
  it("has each partition and the totals; a node counts once", async () => {
    const { body } = await admin<{ partitions: ({ name: string } & Figures)[]; totals: Figures }>(
      "GET",
      "/admin/stats",
    );
    const mine = body.partitions.find((each) => each.name === PARTITION);
    expect(mine).toEqual({
      name: PARTITION,
      available: true,
      queued: expect.any(Number),
      delayed: expect.any(Number),
      running: expect.any(Number),
      oldest_queued_age_ms: null,
      nodes: expect.any(Number),
    });
    expect(Object.keys(body.totals)).toEqual(["queued", "delayed", "running", "oldest_queued_age_ms", "nodes"]);
  });

  it("counts what is ready, what waits for a time, what runs, and the age of the oldest ready job", async () => {
    const account = await newAccount();
    const before = await stats();
    const node = await TestNode.online(account);
    const began = Date.now();
    await account.createJob();
    await account.createJob({ priority: 5 });
    const three = await account.createJob({ priority: -5 });
    expect(await stats()).toMatchObject({ queued: before.queued + 3, running: before.running, nodes: before.nodes });
    const [one, two] = await node.lease(undefined, 2);
    if (one === undefined || two === undefined) throw new Error("two were leased");
    await node.job(one, "confirm");
    await node.job(two, "confirm");
    await node.job(two, "fail", { ...FAIL, class: "network" });
    const after = await stats();
    expect(after).toMatchObject({
      queued: before.queued + 1,
      delayed: before.delayed + 1,
      running: before.running + 1,
      nodes: before.nodes + 1,
    });
    const age = after.oldest_queued_age_ms ?? -1;
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThanOrEqual(Date.now() - began);
    await account.api("DELETE", `/jobs/${three}`);
    expect((await stats()).oldest_queued_age_ms).toBeNull();
  });
});

describe("GET /metrics", () => {
  it("is text that a scraper reads, and has every figure of the operator's manual", async () => {
    const answer = await call("/metrics", { headers: { authorization: `Bearer ${env.TRAWL_ADMIN_TOKEN}` } });
    const metrics = parsePrometheus(await answer.text());
    expect([...metrics.values()].filter(({ type }) => type === "counter").map(({ name }) => name)).toEqual([
      "trawl_jobs_finished_total",
      "trawl_uploaded_bytes_total",
    ]);
    expect([...metrics.keys()]).toEqual([
      "trawl_build_info",
      "trawl_partition_up",
      "trawl_database_up",
      "trawl_jobs",
      "trawl_jobs_finished_total",
      "trawl_queue_depth",
      "trawl_queue_oldest_age_seconds",
      "trawl_webhook_deliveries",
      "trawl_sealed_records",
      "trawl_uploaded_bytes_total",
      "trawl_nodes",
      "trawl_fleet_slots",
      "trawl_fleet_live_slots",
      "trawl_fleet_wanted_slots",
      "trawl_fleet_wanted_live_slots",
    ]);
    expect(sampleOf(metrics, "trawl_partition_up", { partition: PARTITION })).toBe(1);
  });

  it("counts ends by state and failure class, uploaded bytes, and nodes by state", async () => {
    const account = await newAccount();
    const earlier = await scrape();
    const node = await TestNode.online(account);
    await account.createJob({ filename: crypto.randomUUID() });
    await node.deliver(await node.take(), "fifteen bytes..");
    await account.createJob();
    await node.job(await node.take(), "fail", { ...FAIL, class: "drm" });
    const cancelled = await account.createJob();
    await account.api("DELETE", `/jobs/${cancelled}`);
    await vi.waitFor(async () => {
      const after = await scrape();
      const grown = (name: string, labels?: Record<string, string>) => after(name, labels) - earlier(name, labels);
      expect(grown("trawl_jobs_finished_total", { status: "completed", class: "" })).toBe(1);
      expect(grown("trawl_jobs_finished_total", { status: "skipped", class: "drm" })).toBe(1);
      expect(grown("trawl_jobs_finished_total", { status: "cancelled", class: "cancelled" })).toBe(1);
      expect(grown("trawl_uploaded_bytes_total")).toBe(15);
      expect(grown("trawl_nodes", { state: "running" })).toBe(1);
      expect(grown("trawl_fleet_slots")).toBe(4);
      expect(grown("trawl_fleet_live_slots")).toBe(8);
    });
    await admin("POST", `/admin/nodes/${node.id}/drain`);
    const drained = await scrape();
    expect(drained("trawl_nodes", { state: "quiet" }) - earlier("trawl_nodes", { state: "quiet" })).toBe(1);
  });

  it("wants a slot for each ready or running job, as far as its account may use them", async () => {
    const wanted = async () => (await scrape())("trawl_fleet_wanted_slots");
    const before = await wanted();
    const [free, capped] = [await newAccount(), await newAccount({ limits: { max_concurrent: 1 } })];
    for (const account of [free, capped]) for (let n = 0; n < 3; n++) await account.createJob();
    expect(await wanted()).toBe(before + 3 + 1);
    const node = await TestNode.online(free);
    await node.take();
    expect(await wanted()).toBe(before + 3 + 1);
    expect((await scrape())("trawl_queue_depth", { partition: PARTITION })).toBeGreaterThanOrEqual(3);
  });

  it("wants recording slots for recordings, apart from those of downloads", async () => {
    const wanted = async () => {
      const of = await scrape();
      return { download: of("trawl_fleet_wanted_slots"), live: of("trawl_fleet_wanted_live_slots") };
    };
    const before = await wanted();
    const [free, capped] = [await newAccount(), await newAccount({ limits: { max_concurrent: 3 } })];
    for (const account of [free, capped]) {
      for (let n = 0; n < 2; n++) await account.createJob({ live_recording: true });
      for (let n = 0; n < 3; n++) await account.createJob();
    }
    // Of the capped account both recordings and one download.
    const all = { download: before.download + 3 + 1, live: before.live + 2 + 2 };
    expect(await wanted()).toEqual(all);
    const node = await TestNode.online(free);
    await node.lease(undefined, 5);
    expect(await wanted()).toEqual(all);
  });

  it("has the queue's figures even while D1 does not answer, and says that it does not", async () => {
    const headers = { authorization: `Bearer ${env.TRAWL_ADMIN_TOKEN}` };
    const away = () => Promise.reject(new Error("D1 is away"));
    const statement = { bind: () => statement, first: away, all: away, run: away, raw: away };
    const broken = { prepare: () => statement } as unknown as D1Database;
    const ask = (path: string) =>
      worker.fetch(new Request(ORIGIN + path, { headers }), { ...env, DB: broken }, createExecutionContext());
    const metrics = parsePrometheus(await (await ask("/metrics")).text());
    expect(sampleOf(metrics, "trawl_database_up")).toBe(0);
    expect(sampleOf(metrics, "trawl_partition_up", { partition: PARTITION })).toBe(1);
    expect(metrics.get("trawl_queue_depth")?.samples).toHaveLength(1);
    expect(metrics.get("trawl_nodes")?.samples).toEqual([]);
    const ready = await ask("/ready");
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ missing: expect.arrayContaining(["the database does not answer"]) });
    expect((await scrape())("trawl_database_up")).toBe(1);
  });

  it("tells webhooks by their status", async () => {
    const count = async () => (await scrape())("trawl_webhook_deliveries", { status: "pending" });
    const before = await count();
    const account = await newAccount();
    await env.DB.prepare(
      "INSERT INTO deliveries (id, account_id, type, sealed_url, status, sealed_body, created_at) VALUES (?, ?, 'job_failed', '', 'pending', '', 0)",
    )
      .bind(crypto.randomUUID(), account.id)
      .run();
    expect(await count()).toBe(before + 1);
  });
});
