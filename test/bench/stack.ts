/** The embedded stack for a bench: `trawl up` as a person starts it, on a folder that goes with it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { readEvents } from "../../bin/sse.ts";
import { ROOT } from "../../scripts/test/run.ts";

export interface BenchStack {
  url: string;
  apiKey: string;
  adminToken: string;
  /** Resident memory of workerd, bytes. */
  workerdBytes(): Promise<number>;
  /** Fields of the node's `node.ready` line; empty without one. */
  node: Record<string, unknown>;
  /** All that it has on disk; `data/state` holds D1 and the objects. */
  root: string;
  /** Where its disk store keeps its files. */
  downloads: string;
  /** Creates a job and waits for its end; its id. Throws unless it completed. */
  deliver(job: Record<string, unknown>): Promise<string>;
  /** Creates these jobs in one request and waits until all have ended. Throws unless all completed. */
  deliverAll(jobs: readonly Record<string, unknown>[]): Promise<void>;
  /** @param keep the folder stays: its data can be worked on, and started again. */
  stop(keep?: "keep"): Promise<void>;
}

const JOB_END = /^job\.(?:completed|failed|warning|skipped|cancelled)$/;

/**
 * @param slots of its own node; 0: none
 * @param folder of a stack that was stopped; a new one by default
 */
export async function startStack(
  slots: number,
  env: Record<string, string> = {},
  folder?: string,
): Promise<BenchStack> {
  const root = folder ?? (await mkdtemp(join(tmpdir(), "trawl-bench-")));
  const downloads = join(root, "downloads");
  const node = slots === 0 ? ["--no-node"] : ["--slots", String(slots)];
  const args = ["up", "--port", "0", "--data", join(root, "data"), ...node, "--json"];
  const child = spawn(process.execPath, [join(ROOT, "bin", "trawl.ts"), ...args], {
    cwd: root,
    env: {
      PATH: process.env.PATH ?? "",
      TMPDIR: root,
      TRAWL_DOWNLOADS: downloads,
      TRAWL_ALLOW_PRIVATE: "1",
      TRAWL_RATE: "0",
      TRAWL_MAX_PENDING: "200000",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const ready = Promise.withResolvers<Record<string, unknown>>();
  createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line);
    if (line.includes('"node.ready"')) ready.resolve(JSON.parse(line) as Record<string, unknown>);
  });
  child.once("exit", (code) => ready.reject(new Error(`trawl up ended with ${code}:\n${lines.slice(-20).join("\n")}`)));
  if (slots === 0) ready.resolve({});
  const [[line], said] = await Promise.all([once(createInterface({ input: child.stdout }), "line"), ready.promise]);
  const answer = JSON.parse(line as string) as { url: string; api_key: string; admin_token: string };
  const { url, api_key: apiKey, admin_token: adminToken } = answer;
  const headers = { "x-api-key": apiKey, "content-type": "application/json" };

  const post = async <Answer>(path: string, body: unknown): Promise<Answer> => {
    const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (response.status !== 201) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  /** The data of the first event of this stream that is named so. */
  const until = async (path: string, last: RegExp): Promise<{ completed?: number; event: string }> => {
    const response = await fetch(url + path, { headers });
    if (response.body === null) throw new Error(`GET ${path} answered ${response.status}`);
    for await (const { event, data } of readEvents(response.body)) {
      if (last.test(event)) return { ...(JSON.parse(data) as { completed?: number }), event };
    }
    throw new Error(`the stream of ${path} ended early`);
  };
  return {
    url,
    apiKey,
    adminToken,
    node: said,
    root,
    downloads,
    async workerdBytes() {
      const lock = JSON.parse(await readFile(join(root, "data", "lock"), "utf8")) as { workerd: { pid: number } };
      const status = await readFile(`/proc/${lock.workerd.pid}/status`, "utf8");
      return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
    },
    async deliver(job) {
      const { job_id: id } = await post<{ job_id: string }>("/jobs", job);
      const { event } = await until(`/jobs/${id}/events`, JOB_END);
      if (event !== "job.completed") throw new Error(`a job ended with ${event}`);
      return id;
    },
    async deliverAll(jobs) {
      const { batch_id: id } = await post<{ batch_id: string }>("/jobs/bulk", { jobs });
      await until(`/batch/${id}/events`, /^batch\.completed$/);
      const batch = (await (await fetch(`${url}/batch/${id}`, { headers })).json()) as Record<string, unknown>;
      if (batch.completed_episodes !== jobs.length) throw new Error(`a batch ended with ${JSON.stringify(batch)}`);
    },
    async stop(keep) {
      child.removeAllListeners("exit");
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
      if (keep === undefined) await rm(root, { recursive: true, force: true });
    },
  };
}
