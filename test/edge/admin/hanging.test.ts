/** Who asks how things are gets an answer, though D1 or a partition never gives one. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Env } from "../../../edge/env.ts";
import worker from "../../../edge/index.ts";
import { parsePrometheus, sampleOf } from "../../shared/prometheus-parser.ts";
import { PARTITION, TestNode } from "../fleet-node.ts";
import { type Json, newAccount, ORIGIN } from "../support.ts";

const HUNG = "p1:auto:7";
const hang = () => new Promise<never>(() => {});
const statement = { bind: () => statement, first: hang, all: hang, run: hang, raw: hang };
const hungD1 = { prepare: () => statement, batch: hang } as unknown as D1Database;
const hungStub = new Proxy({}, { get: () => hang }) as ReturnType<Env["PARTITION"]["getByName"]>;

/** As `TRAWL_PARTITIONS` would name it, were it one of today's. */
const withHungPartition = {
  ...env,
  PARTITION: { getByName: (name: string) => (name === HUNG ? hungStub : env.PARTITION.getByName(name)) },
} as unknown as Env;

async function ask(path: string, changed: Env, method = "GET"): Promise<Response> {
  const headers = { authorization: `Bearer ${env.TRAWL_ADMIN_TOKEN}` };
  return worker.fetch(new Request(ORIGIN + path, { method, headers }), changed, createExecutionContext());
}

let node: TestNode;

beforeAll(async () => {
  node = await TestNode.online(await newAccount());
  await node.heartbeat();
  await env.DB.prepare("INSERT INTO partitions (name, epoch, claimed_at) VALUES (?, 0, 0)").bind(HUNG).run();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("while D1 never answers", () => {
  const changed = { ...env, DB: hungD1 };

  it("each figure that does not need it is there, and the rest says so", async () => {
    const [ready, metrics, stats, nodes] = await Promise.all(
      ["/ready", "/metrics", "/admin/stats", "/admin/nodes"].map((path) => ask(path, changed)),
    );
    expect([ready?.status, await ready?.json()]).toEqual([
      503,
      { status: "not ready", missing: ["the database does not answer"] },
    ]);
    const figures = parsePrometheus((await metrics?.text()) ?? "");
    expect(sampleOf(figures, "trawl_database_up")).toBe(0);
    expect(sampleOf(figures, "trawl_partition_up", { partition: PARTITION })).toBe(1);
    expect([stats?.status, await stats?.json()]).toEqual([
      200,
      {
        partitions: [expect.objectContaining({ name: PARTITION, available: true, nodes: 1 })],
        totals: expect.objectContaining({ nodes: null }),
      },
    ]);
    expect([nodes?.status, nodes?.headers.get("retry-after"), await nodes?.json()]).toEqual([
      503,
      "2",
      { error: "The database does not answer, try again" },
    ]);
  });
});

describe("while one partition never answers", () => {
  it("the others are told of, and it is named", async () => {
    const configured = { ...withHungPartition, TRAWL_PARTITIONS: "8" };
    const [ready, metrics, stats, nodes] = await Promise.all([
      ask("/ready", configured),
      ask("/metrics", withHungPartition),
      ask("/admin/stats", withHungPartition),
      ask("/admin/nodes", withHungPartition),
    ]);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: "not ready", missing: [`partition ${HUNG} does not answer`] },
    ]);
    const figures = parsePrometheus(await metrics.text());
    expect(sampleOf(figures, "trawl_partition_up", { partition: HUNG })).toBe(0);
    expect(sampleOf(figures, "trawl_partition_up", { partition: PARTITION })).toBe(1);
    expect(await stats.json()).toMatchObject({
      partitions: expect.arrayContaining([
        expect.objectContaining({ name: HUNG, available: false }),
        expect.objectContaining({ name: PARTITION, available: true }),
      ]),
      totals: { nodes: 1 },
    });
    const fleet = (await nodes.json()) as { nodes: Json[]; unavailable: string[] };
    expect(fleet.nodes).toMatchObject([{ id: node.id, state: "running" }]);
    expect(fleet.unavailable).toEqual([HUNG]);
  });

  it("an order to a node is kept, and whoever gave it hears that it has not reached everybody", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let answer: Response | undefined;
    void ask(`/admin/nodes/${node.id}/drain`, withHungPartition, "POST").then((given) => {
      answer = given;
    });
    await vi.waitFor(async () => {
      await vi.advanceTimersByTimeAsync(1_000);
      expect(answer).toBeDefined();
    });
    vi.useRealTimers();
    expect([answer?.status, await answer?.json()]).toEqual([503, { error: "A partition did not answer, try again" }]);
    const again = await ask("/admin/nodes", env);
    expect(await again.json()).toMatchObject({ nodes: [{ id: node.id, state: "quiet" }] });
  });
});
