/**
 * Event streams (DESIGN section 9): how long from a node's word to a client's stream, and whether a thousand readers of
 * one account slow the jobs down. And the create that everything begins with, over one connection.
 */
import { Agent, get, request } from "node:http";
import type { LeasedJob } from "../../shared/contract/fleet.ts";
import { type Bench, median, type Row } from "./bench.ts";
import { BenchNode } from "./bench-node.ts";
import { type BenchStack, startStack } from "./stack.ts";

const SUBSCRIBERS = 1_000;
const POSTS = 300;
/** Rounds of progress, a second apart as the pace allows. */
const ROUNDS = 10;
const PAIRS = 3;

export default {
  name: "streams and creates",
  limitMillis: 5 * 60_000,
  async run() {
    const stack = await startStack(0, { TRAWL_MAX_PER_HOST: "0" });
    try {
      return [...(await creates(stack)), ...(await latencies(stack)), ...(await crowds(stack))];
    } finally {
      await stack.stop();
    }
  },
} satisfies Bench;

async function creates(stack: BenchStack): Promise<Row[]> {
  const client = new Connection(stack);
  await client.creates(50);
  const times = await client.creates(POSTS);
  client.close();
  return [
    absolute("POST /jobs p50, one connection", percentile(times, 50), 15, POSTS),
    absolute("POST /jobs p99, one connection", percentile(times, 99), 40, POSTS),
  ];
}

async function latencies(stack: BenchStack): Promise<Row[]> {
  const node = await BenchNode.online(stack);
  const client = new Connection(stack);
  const probe = await Probe.open(stack, "/events");
  await client.creates(64);
  const started: number[] = [];
  const leased = await node.lease();
  for (const job of leased) {
    const told = probe.next(`job.started ${job.job}`);
    const began = performance.now();
    await node.job(job, "confirm");
    started.push((await told) - began);
  }
  const alone = await progressTimes(node, leased, leased, probe);
  const crowd = await Crowd.open(stack, "/events");
  await node.heartbeat(leased);
  const one = await progressTimes(node, leased, leased.slice(0, 1), probe);
  const many = await progressTimes(node, leased, leased, probe);
  crowd.close();
  probe.close();
  client.close();
  node.close();
  const among = `… among ${SUBSCRIBERS} streams of the account`;
  return [
    absolute("confirm to job.started in a stream, p99", percentile(started, 99), 150, started.length),
    absolute("progress frame to a stream, p99", percentile(alone, 99), 150, alone.length),
    absolute(`${among}, p99`, percentile(one, 99), null, one.length),
    absolute(`${among}, ${leased.length} events at once, p99`, percentile(many, 99), null, many.length),
  ];
}

async function progressTimes(
  node: BenchNode,
  held: readonly LeasedJob[],
  jobs: readonly LeasedJob[],
  probe: Probe,
): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Past the pace of a second a job, so that every frame is told.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const told = jobs.map((job) => probe.next(`job.progress ${job.job}`));
    const began = performance.now();
    node.progress(jobs, round / ROUNDS);
    times.push(...(await Promise.all(told)).map((at) => at - began));
    await node.heartbeat(held);
  }
  return times;
}

/** The same creates with a thousand streams open and with none, in turn. */
async function crowds(stack: BenchStack): Promise<Row[]> {
  const client = new Connection(stack);
  const [watched = ""] = await client.ids(1);
  const rows: Row[] = [];
  for (const [what, path] of [
    ["streams of another job", `/jobs/${watched}/events`],
    ["streams of the whole account", "/events"],
  ] as const) {
    const pairs: [number, number][] = [];
    for (let pair = 0; pair <= PAIRS; pair++) {
      const crowd = await Crowd.open(stack, path);
      const ours = median(await client.creates(40));
      crowd.close();
      const peer = median(await client.creates(40));
      if (pair > 0) pairs.push([ours, peer]);
    }
    rows.push({
      what: `POST /jobs p50 with ${SUBSCRIBERS} ${what} open`,
      ours: median(pairs.map(([a]) => a)),
      peer: median(pairs.map(([, b]) => b)),
      against: "no stream",
      unit: "ms",
      ratio: median(pairs.map(([a, b]) => a / b)),
      budget: { atMost: 1.5 },
      runs: PAIRS,
    });
  }
  client.close();
  return rows;
}

function absolute(what: string, ours: number, atMost: number | null, runs: number): Row {
  const budget = atMost === null ? null : { atMost };
  return { what, ours, peer: null, against: null, unit: "ms", ratio: null, budget, runs };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * share) / 100) - 1)] ?? Number.NaN;
}

/** One kept-alive connection that creates jobs one after the other. */
class Connection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #stack: BenchStack;

  constructor(stack: BenchStack) {
    this.#stack = stack;
  }

  async creates(count: number): Promise<number[]> {
    const times: number[] = [];
    for (let n = 0; n < count; n++) {
      const began = performance.now();
      await this.#create();
      times.push(performance.now() - began);
    }
    return times;
  }

  async ids(count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let n = 0; n < count; n++) ids.push((JSON.parse(await this.#create()) as { job_id: string }).job_id);
    return ids;
  }

  close(): void {
    this.#agent.destroy();
  }

  #create(): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const headers = { "x-api-key": this.#stack.apiKey, "content-type": "application/json" };
    const sent = request(`${this.#stack.url}/jobs`, { method: "POST", agent: this.#agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => (response.statusCode === 201 ? resolve(text) : reject(new Error(text))));
    });
    sent.on("error", reject);
    sent.end('{"url":"https://media.example.com/v1"}');
    return promise;
  }
}

/** One stream that tells when an event has arrived. */
class Probe {
  readonly #waiting = new Map<string, (at: number) => void>();
  #close = () => {};

  static async open(stack: BenchStack, path: string): Promise<Probe> {
    const probe = new Probe();
    let text = "";
    probe.#close = await openStream(stack, path, (chunk) => {
      text += chunk;
      for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
        probe.#take(text.slice(0, end));
        text = text.slice(end + 2);
      }
    });
    return probe;
  }

  /** When the event `<type> <job>` comes next. */
  next(event: string): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(event, resolve));
  }

  close(): void {
    this.#close();
  }

  #take(block: string): void {
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (data === undefined) return;
    const { type, job_id } = JSON.parse(data) as { type: string; job_id: string };
    const name = `${type} ${job_id}`;
    this.#waiting.get(name)?.(performance.now());
    this.#waiting.delete(name);
  }
}

/** Streams that are read and thrown away. */
class Crowd {
  readonly #closes: (() => void)[] = [];

  static async open(stack: BenchStack, path: string): Promise<Crowd> {
    const crowd = new Crowd();
    for (let opened = 0; opened < SUBSCRIBERS; opened += 50) {
      const more = Array.from({ length: 50 }, () => openStream(stack, path, () => {}));
      crowd.#closes.push(...(await Promise.all(more)));
    }
    return crowd;
  }

  close(): void {
    for (const close of this.#closes) close();
  }
}

function openStream(stack: BenchStack, path: string, onData: (chunk: string) => void): Promise<() => void> {
  const { promise, resolve, reject } = Promise.withResolvers<() => void>();
  const sent = get(`${stack.url}${path}`, { agent: false, headers: { "x-api-key": stack.apiKey } }, (response) => {
    response.setEncoding("utf8");
    response.on("data", onData);
    response.on("error", () => {});
    if (response.statusCode === 200) resolve(() => sent.destroy());
    else reject(new Error(`the stream answered ${response.statusCode}`));
  });
  sent.on("error", reject);
  return promise;
}
