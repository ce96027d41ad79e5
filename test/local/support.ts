import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";
import type { HostOptions } from "../../edge/local/options.ts";
import { testDir } from "../leaks.ts";

const FIXTURES = fileURLToPath(new URL("./fixtures/", import.meta.url));
export const FIXTURE_WORKER = join(FIXTURES, "worker.js");
export const FIXTURE_MIGRATIONS = join(FIXTURES, "migrations");
export const FIXTURE_NODE = join(FIXTURES, "node.ts");
const RUN_HOST = join(FIXTURES, "run-host.ts");

const atEnd: (() => unknown)[] = [];

// Not `onTestFinished`: that runs after the leak check, which would find what is about to be stopped.
afterEach(async () => {
  for (let step = atEnd.pop(); step !== undefined; step = atEnd.pop()) await step();
});

/** Runs when the test ends, the last one given first, before the leak check and before its folders go. */
export function whenDone(step: () => unknown): void {
  atEnd.push(step);
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(): Promise<string> {
  return testDir("local");
}

/** Polls until the condition holds and answers what it answered; fails after the limit. */
export async function eventually<T>(condition: () => T | Promise<T>, limitMs = 10_000): Promise<NonNullable<T>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`still false after ${limitMs} ms: ${condition}`);
    await delay(20);
  }
}

/** Options of a host on the stand-in Worker and the stand-in node, everything in one folder. */
export function fixtureOptions(folder: string, mode: "plain" | "deaf" | "brief" = "plain"): HostOptions {
  const { PATH = "" } = process.env;
  return {
    port: 0,
    data: join(folder, "data"),
    downloads: join(folder, "downloads"),
    slots: 2,
    bundle: FIXTURE_WORKER,
    migrations: FIXTURE_MIGRATIONS,
    nodeCommand: [process.execPath, FIXTURE_NODE, ...(mode === "plain" ? [] : [mode])],
    env: { PATH, TRAWL_LOG: "error" },
    nodeStopMs: mode === "deaf" ? 300 : 5_000,
    nodeEndMs: 1_000,
  };
}

/** What the stand-in node noted, oldest first. */
export function nodeNotes(folder: string): Record<string, unknown>[] {
  const file = join(folder, "data", "node", "notes.jsonl");
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}

/** What a host process said first. */
export type HostAnswer = { url: string; apiKey: string; adminToken: string; pid: number } | { error: string };

/** A host as a process of its own, which the test may kill; it is killed when the test ends. */
export function spawnHost(options: HostOptions): { process: ChildProcess; answer: Promise<HostAnswer> } {
  const child = spawn(process.execPath, [RUN_HOST, JSON.stringify(options)], {
    // Not the clone: what depends on the working directory shows itself.
    cwd: tmpdir(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  whenDone(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  const lines = createInterface({ input: child.stdout });
  const answer = Promise.race([
    once(lines, "line").then(([line]) => JSON.parse(line) as HostAnswer),
    once(child, "exit").then(([code]) => ({ error: `exited with ${code} and said nothing` })),
  ]);
  return { process: child, answer };
}

/** The answer of a host that must have started. */
export async function ready(host: { answer: Promise<HostAnswer> }): Promise<Exclude<HostAnswer, { error: string }>> {
  const answer = await host.answer;
  if ("error" in answer) throw new Error(answer.error);
  return answer;
}

/** What the stand-in Worker tells about itself. */
export type FixtureFacts = {
  vars: Record<string, string>;
  counters: { name: string; value: number }[];
  keys: { key: string }[];
  enrolments: { id: string; uses: number }[];
  migrations: { id: number; name: string; applied_at: string }[];
};

/** Asks the stand-in Worker. */
export async function fixtureFacts(host: { url: string; adminToken: string }): Promise<FixtureFacts> {
  const headers = { authorization: `Bearer ${host.adminToken}` };
  return (await fetch(`${host.url}/admin/fixture`, { headers })).json() as Promise<FixtureFacts>;
}

/** Adds one row to the stand-in's Durable Object and answers how many it has. */
export async function hit(url: string): Promise<number> {
  const answer = (await (await fetch(`${url}/hit`, { method: "POST" })).json()) as { hits: number };
  return answer.hits;
}

/** Whether the edge answers. */
export async function isHealthy(url: string): Promise<boolean> {
  return fetch(`${url}/health`).then(
    (response) => response.ok,
    () => false,
  );
}
