/**
 * Group commit (DESIGN section 9): creates that wait for the same flight to D1 share it, so sixteen connections make more
 * jobs a second than one, each answered only once D1 has its job.
 */
import { Agent, request } from "node:http";
import { type Bench, inTurn } from "./bench.ts";
import { type BenchStack, startStack } from "./stack.ts";

const CONNECTIONS = 16;
const JOBS = 480;
const RUNS = 3;

/** Jobs a second over so many kept-alive connections, each asking anew when it was answered. */
async function jobsPerSecond({ url, apiKey }: BenchStack, connections: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const began = performance.now();
  const worker = async () => {
    for (let job = 0; job < JOBS / connections; job++) await create(url, apiKey, agent);
  };
  await Promise.all(Array.from({ length: connections }, worker));
  agent.destroy();
  return JOBS / ((performance.now() - began) / 1000);
}

function create(url: string, key: string, agent: Agent): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers = { "x-api-key": key, "content-type": "application/json" };
  const sent = request(`${url}/jobs`, { method: "POST", agent, headers }, (response) => {
    response.resume();
    response.once("end", () => {
      if (response.statusCode === 201) resolve();
      else reject(new Error(`POST /jobs answered ${response.statusCode}`));
    });
  });
  sent.once("error", reject);
  sent.end('{"url":"http://127.0.0.1:9/a.mp4"}');
  return promise;
}

export default {
  name: "group commit",
  limitMillis: 5 * 60_000,
  async run() {
    const stack = await startStack(0, { TRAWL_MAX_PENDING: "200000" });
    try {
      const sides = await inTurn(
        RUNS,
        () => jobsPerSecond(stack, CONNECTIONS),
        () => jobsPerSecond(stack, 1),
      );
      return [
        {
          what: `POST /jobs, ${CONNECTIONS} connections`,
          ...sides,
          against: "one connection",
          unit: "jobs/s",
          budget: { atLeast: 2 },
          runs: RUNS,
        },
      ];
    } finally {
      await stack.stop();
    }
  },
} satisfies Bench;
