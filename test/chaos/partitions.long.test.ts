/**
 * Four partitions, twenty accounts, five nodes, and everything killed in turn: each job is done once, wherever its account
 * lives. `TRAWL_CHAOS_ROUNDS` takes another length.
 */
import { expect, test } from "vitest";
import { atEnd } from "../e2e/harness/at-end.ts";
import { endsOnce, noStrays } from "../e2e/harness/clean.ts";
import { type ExtraNode, startNode } from "../e2e/harness/extra-node.ts";
import { createOnce, persistently } from "../e2e/harness/persistently.ts";
import { processesOf } from "../e2e/harness/processes.ts";
import { Stack } from "../e2e/harness/stack.ts";
import { partitionsOf, tenantsOfAll } from "../e2e/harness/tenants.ts";
import { startOrigin } from "../origin/server.ts";

const PARTITIONS = 4;
const ACCOUNTS = 20;
const EXTRA_NODES = ["n1", "n2", "n3", "n4"];
const ROUNDS = Number(process.env.TRAWL_CHAOS_ROUNDS ?? 6);
const SOURCES = ["vertical.mp4", "audio.m4a", "slow/400000/vertical.mp4"];

test("four partitions lose nothing while hosts, workerd and nodes are killed", async () => {
  const origin = await startOrigin();
  atEnd(() => origin.close());
  const stack = await Stack.start({ slots: 2, env: { TRAWL_PARTITIONS: String(PARTITIONS) } });
  const all = await tenantsOfAll(stack, ACCOUNTS, PARTITIONS);
  const homes = await partitionsOf(stack);
  const nodes = new Map<string, ExtraNode>();
  const start = async (name: string) => void nodes.set(name, await startNode(stack, name, { slots: 2 }));
  for (const name of EXTRA_NODES) await start(name);
  const faults: (() => Promise<void>)[] = [
    async () => stack.kill(...stack.pids("workerd")),
    async () => {
      await stack.kill(nodes.get("n1")?.pid ?? -1, nodes.get("n2")?.pid ?? -1);
      await start("n1");
      await start("n2");
    },
    async () => {
      await stack.kill(stack.hostPid);
      await stack.up();
    },
    async () => {
      await stack.kill(...processesOf(stack.root).map(({ pid }) => pid));
      await stack.up();
      for (const name of EXTRA_NODES) await start(name);
    },
  ];
  for (let round = 0; round < ROUNDS; round++) {
    const jobs = all.map(async (tenant, index) => {
      const url = `${origin.url}/${SOURCES[(index + round) % SOURCES.length]}`;
      const id = await createOnce(tenant.api, { url }, `round ${round}`);
      const job = await persistently(() => tenant.api.finished(id));
      return { job, history: await persistently(() => tenant.api.history(id)) };
    });
    await Promise.race(jobs);
    await faults[round % faults.length]?.();
    for (const { job, history } of await Promise.all(jobs)) {
      expect(job, JSON.stringify(job)).toMatchObject({ status: "Completed", files: [{ kind: "media" }] });
      if (history[0]?.type !== "snapshot") endsOnce(history, job);
    }
  }
  for (const { api } of all) {
    const { body } = await api.call<{ filtered_total: number }>("GET", "/jobs?status=completed&limit=1");
    expect(body.filtered_total).toBe(ROUNDS);
  }
  expect(await partitionsOf(stack)).toEqual(homes);
  await noStrays(stack);
});
