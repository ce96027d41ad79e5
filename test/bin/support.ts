import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";
import { testDir } from "../leaks.ts";
import { ADMIN_TOKEN, API_KEY, type FakeEdge, type FakeEdgeOptions, startFakeEdge } from "./fake-edge.ts";

/** The command line, as it runs in the clone. */
export const CLI = fileURLToPath(new URL("../../bin/trawl.ts", import.meta.url));

const atEnd: (() => unknown)[] = [];

// Not `onTestFinished`: that runs after the leak check, which would find what is about to be stopped.
afterEach(async () => {
  for (let step = atEnd.pop(); step !== undefined; step = atEnd.pop()) await step();
});

/** Runs when the test ends, before the leak check. */
export function stopAtEnd(step: () => unknown): void {
  atEnd.push(step);
}

/** A fake edge that is closed when the test ends. */
export async function fakeEdge(options: FakeEdgeOptions = {}): Promise<FakeEdge> {
  const edge = await startFakeEdge(options);
  atEnd.push(() => edge.close());
  return edge;
}

/** The environment of a client of this edge. */
export function clientOf(edge: FakeEdge): Record<string, string> {
  return { TRAWL_EDGE: edge.url, TRAWL_API_KEY: API_KEY, TRAWL_ADMIN_TOKEN: ADMIN_TOKEN };
}

/** What a command line did. */
export type Outcome = { code: number | null; stdout: string; stderr: string };

/** Runs the command line as a process of its own, with nothing in its environment but what is given. */
export async function trawl(args: string[], env: Record<string, string> = {}, cwd?: string): Promise<Outcome> {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: cwd ?? (await testDir("cwd")),
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code, stdout, stderr };
}
