/** Nodes that are not ours: one written from `docs/fleet-protocol.md` alone, and one of that document's first version. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { beforeAll, expect, test } from "vitest";
import { type Origin, startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import { allDoneOnce } from "./harness/clean.ts";
import { enrolment } from "./harness/extra-node.ts";
import { ended, Stack } from "./harness/stack.ts";

const SCRIPT = join(import.meta.dirname, "fixtures", "own-node.ts");

let origin: Origin;
let stack: Stack;
beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  stack = await Stack.start({ slots: 0 });
});

async function ownNode(...dialect: "first"[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [SCRIPT, stack.url, await enrolment(stack), "2", ...dialect], {
    // Not below the stack's folder: it is none of its processes.
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH ?? "" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  atEnd(() => ended(child, () => child.kill("SIGKILL")));
  await once(createInterface({ input: child.stdout }), "line");
  return child;
}

const deliver = (names: readonly string[], folder: string) =>
  Promise.all(names.map((name) => stack.api.create({ url: `${origin.url}/${name}`, folder })));

test("a node written from the document alone delivers jobs, tells failures, and gives back what it holds", async () => {
  const node = await ownNode();
  const jobs = await allDoneOnce(stack, await deliver(["vertical.mp4", "audio.m4a", "video-360.mp4"], "own"));
  expect(jobs.map((job) => [job.node_id, job.attempts])).toEqual(jobs.map(() => ["of-my-own", 1]));
  const missing = await stack.api.finished(await stack.api.create({ url: `${origin.url}/nothing-here.mp4` }));
  expect(missing).toMatchObject({ status: "Warning", error: "The source answered 404" });
  const slow = await stack.api.create({ url: `${origin.url}/slow/20000/vertical.mp4`, folder: "own" });
  await stack.api.started(slow);
  expect(await ended(node, () => node.kill("SIGTERM"))).toBe(0);
  expect(await stack.api.job(slow)).toMatchObject({ status: "Pending", step: "Queued" });
  await stack.api.call("DELETE", `/jobs/${slow}`);
});

test("a node of the protocol's first version still works, and unknown fields are ignored on both sides", async () => {
  const node = await ownNode("first");
  const folder = "first";
  const ids = await deliver(["vertical.mp4", "audio.m4a"], folder);
  const jobs = await Promise.all(ids.map((id) => stack.api.finished(id)));
  expect(jobs.map((job) => [job.status, job.node_id])).toEqual(jobs.map(() => ["Completed", "of-the-first-version"]));
  expect(await ended(node, () => node.kill("SIGTERM"))).toBe(0);
});
