/**
 * Interactive calls (DESIGN section 3): from a client's request to the moment at which the least busy of three nodes has
 * the question, on loopback; and the whole way there and back, against a request that asks nobody.
 */

import { type Bench, inTurn, median, type Row, timed } from "./bench.ts";
import { BenchNode } from "./bench-node.ts";
import { type BenchStack, startStack } from "./stack.ts";

const QUESTIONS = 200;
const RUNS = 5;
const REACH_BUDGET_MS = 50;

async function ask({ url, apiKey }: BenchStack, path: string, body: object | null): Promise<void> {
  const headers = { "x-api-key": apiKey, "content-type": "application/json" };
  const answer = await fetch(
    url + path,
    body === null ? { headers } : { method: "POST", headers, body: JSON.stringify(body) },
  );
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

export default {
  name: "calls",
  limitMillis: 3 * 60_000,
  async run(): Promise<Row[]> {
    const stack = await startStack(0);
    const nodes: BenchNode[] = [];
    try {
      let sentAt = 0;
      const reached: number[] = [];
      for (const free of [1, 8, 2]) {
        const node = await BenchNode.online(stack);
        nodes.push(node);
        node.onCall = () => {
          if (free !== 8) throw new Error("a busier node was asked");
          reached.push(performance.now() - sentAt);
        };
        await node.heartbeat([], free);
      }
      const look = async (times: number) => {
        for (let n = 0; n < times; n++) {
          sentAt = performance.now();
          await ask(stack, "/metadata", { url: "http://127.0.0.1:9/a.mp4" });
        }
      };
      const usage = async (times: number) => {
        for (let n = 0; n < times; n++) await ask(stack, "/usage", null);
      };
      const each = QUESTIONS / RUNS;
      const whole = await inTurn(
        RUNS,
        async () => (await timed(() => look(each))) / each,
        async () => (await timed(() => usage(each))) / each,
      );
      const sorted = reached.toSorted((a, b) => a - b);
      const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
      const alone = { peer: null, against: null, unit: "ms", ratio: null, runs: reached.length } as const;
      return [
        { what: "a question reaches its node, p50", ours: median(reached), ...alone, budget: null },
        { what: "a question reaches its node, p99", ours: p99, ...alone, budget: { atMost: REACH_BUDGET_MS } },
        { what: "question and answer", ...whole, against: "GET /usage", unit: "ms", budget: null, runs: RUNS },
      ];
    } finally {
      for (const node of nodes) node.close();
      await stack.stop();
    }
  },
} satisfies Bench;
