/** Nobody is starved and nothing is lost in the hands of an operator: fairness, politeness, drain, removal, skewed clocks. */
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { Api } from "../e2e/harness/api.ts";
import { atEnd } from "../e2e/harness/at-end.ts";
import { allDoneOnce, noStrays } from "../e2e/harness/clean.ts";
import { eventually } from "../e2e/harness/eventually.ts";
import { startNode } from "../e2e/harness/extra-node.ts";
import { attemptsOf } from "../e2e/harness/record.ts";
import { ended, Stack } from "../e2e/harness/stack.ts";
import { type Origin, startOrigin } from "../origin/server.ts";
import { admin, listed, order, startDoor } from "./recovery.ts";

let origin: Origin;
beforeEach(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
});

const held = (key: string) => `${origin.url}/hold/${key}/video-360.mp4`;

/** Another account, with a key of its own. */
async function newAccount(stack: Stack): Promise<Api> {
  const { id } = await admin<{ id: string }>(stack, "POST", "/admin/accounts", { name: "The other one" });
  const { key } = await admin<{ key: string }>(stack, "POST", `/admin/accounts/${id}/keys`, {});
  return new Api(stack.url, key);
}

test("an account with a long queue keeps another's first job waiting for one of its own to end, and no longer", async () => {
  const stack = await Stack.start({ slots: 2 });
  const other = await newAccount(stack);
  // Whichever of them gets a slot keeps it until its key is released.
  for (const key of ["first", "second"]) await stack.api.create({ url: held(key) });
  await Promise.all([origin.waitForHeld("first", 2), origin.waitForHeld("second", 2)]);
  const jobs = Array.from({ length: 60 }, () => ({ url: held("queue") }));
  expect((await stack.api.call("POST", "/jobs/bulk", { body: { jobs } })).status).toBe(201);
  const first = await other.create({ url: `${origin.url}/vertical.mp4` });
  expect(await other.job(first)).toMatchObject({ status: "Pending" });
  origin.release("first");
  // Had the slot gone to the long queue, it would never come free.
  expect(await other.finished(first)).toMatchObject({ status: "Completed", attempts: 1 });
  await origin.waitForHeld("queue", 2);
  for (const key of ["second", "queue"]) origin.release(key);
});

test("a node is polite: four downloads of a host at once, and its other slots are for other hosts", async () => {
  const stack = await Stack.start({ slots: 7 });
  const door = await startDoor(origin.url);
  door.open();
  const keys = ["a", "b", "c", "d", "e", "f"];
  const ids: string[] = [];
  for (const key of keys) ids.push(await stack.api.create({ url: held(key) }));
  await Promise.all(keys.slice(0, 4).map((key) => origin.waitForHeld(key, 2)));
  // Behind two that must wait.
  const elsewhere = await stack.api.create({ url: `${door.url}/vertical.mp4` });
  expect(await stack.api.finished(elsewhere)).toMatchObject({ status: "Completed" });
  for (const id of ids.slice(4)) expect(await stack.api.job(id)).toMatchObject({ status: "Pending", attempts: 0 });
  origin.release("a");
  await origin.waitForHeld("e", 2);
  for (const key of keys) origin.release(key);
  await allDoneOnce(stack, [...ids, elsewhere]);
});

test("a drained node finishes what it has and takes no more, until it is resumed", async () => {
  const stack = await Stack.start({ slots: 0 });
  await startNode(stack, "drained", { slots: 2 });
  const running = await stack.api.create({ url: held("drain") });
  await origin.waitForHeld("drain", 2);
  await order(stack, "drained", "drain");
  const later = await stack.api.create({ url: `${origin.url}/vertical.mp4` });
  origin.release("drain");
  expect(await stack.api.finished(running)).toMatchObject({ status: "Completed", attempts: 1 });
  expect(await stack.api.job(later)).toMatchObject({ status: "Pending", attempts: 0 });
  expect(await listed(stack, "drained")).toMatchObject({ state: "quiet", reason: "drained by the operator" });
  await order(stack, "drained", "resume");
  await allDoneOnce(stack, [running, later]);
});

test("a removed node ends its session at once: its work is another's, without a try, and its process ends", async () => {
  const stack = await Stack.start({ slots: 0 });
  const removed = await startNode(stack, "removed");
  const id = await stack.api.create({ url: held("taken-away") });
  await origin.waitForHeld("taken-away", 2);
  await admin(stack, "DELETE", `/admin/nodes/${(await listed(stack, "removed")).id}`);
  // Before any heartbeat: the answer to the operator is the end of it.
  expect(await stack.api.job(id)).toMatchObject({ status: "Pending", attempts: 1 });
  expect(await ended(removed.child)).toBe(1);
  await noStrays(stack);
  origin.release("taken-away");
  await startNode(stack, "next");
  const [job] = await allDoneOnce(stack, [id]);
  expect(job).toMatchObject({ node_id: "next", attempts: 2 });
  expect((await attemptsOf(stack, id)).map((each) => each.outcome)).toEqual(["released", "completed"]);
});

test("a second process of a node fences the first: what that held goes on at once, and it ends", async () => {
  const stack = await Stack.start({ slots: 0 });
  const first = await startNode(stack, "twin");
  const id = await stack.api.create({ url: held("fenced") });
  await origin.waitForHeld("fenced", 2);
  const second = await startNode(stack, "twin");
  await first.log.waitFor("node.fenced");
  expect(await ended(first.child)).toBe(1);
  origin.release("fenced");
  const [job] = await allDoneOnce(stack, [id]);
  expect(job).toMatchObject({ node_id: "twin", attempts: 2 });
  expect((await attemptsOf(stack, id)).map((each) => each.outcome)).toEqual(["lost", "completed"]);
  expect(second.child.exitCode).toBeNull();
});

test("a node with little room on its disk says so and takes nothing", async () => {
  const stack = await Stack.start({ slots: 0 });
  const full = await startNode(stack, "full", { env: { TRAWL_MIN_FREE_MB: "1000000000" } });
  await full.log.waitFor("disk.low");
  await eventually(async () => (await listed(stack, "full")).state === "quiet");
  expect((await listed(stack, "full")).reason).toMatch(/^\d+ MiB of disk are free; it takes no work under \d+ MiB$/);
  const id = await stack.api.create({ url: `${origin.url}/vertical.mp4` });
  await startNode(stack, "roomy");
  const [job] = await allDoneOnce(stack, [id]);
  expect(job).toMatchObject({ node_id: "roomy", attempts: 1 });
});

test("a node that can run nothing gives its job back, is in quarantine after three times, and works again once resumed", async () => {
  const stack = await Stack.start({ slots: 0 });
  const broken = await startNode(stack, "broken");
  // No folder can be made where a file is, not even by root.
  const work = join(broken.data, "work");
  await rm(work, { recursive: true });
  await writeFile(work, "");
  const id = await stack.api.create({ url: `${origin.url}/vertical.mp4` });
  await broken.log.waitFor("node.quarantined");
  expect(await listed(stack, "broken")).toMatchObject({
    state: "quarantined",
    reason: "3 faults in a row, the last one: The worker node cannot write to its work folder",
  });
  expect(await stack.api.job(id)).toMatchObject({ status: "Pending", error: null });
  await rm(work);
  await mkdir(work, { mode: 0o711 });
  await order(stack, "broken", "resume");
  const [job] = await allDoneOnce(stack, [id]);
  expect(job).toMatchObject({ attempts: 4 });
  expect((await attemptsOf(stack, id)).map((each) => each.outcome)).toEqual([
    ...Array(3).fill("node_fault"),
    "completed",
  ]);
});

test("clocks of nodes that are ten minutes off change nothing, and nobody else reads a node's data folder", async () => {
  const stack = await Stack.start({ slots: 0 });
  for (const [name, minutes] of [["ahead", 10] as const, ["behind", -10] as const]) {
    const skew = join(stack.root, `${name}.mjs`);
    await writeFile(
      skew,
      `const real = Date.now, by = ${minutes * 60_000}, Real = Date;
       globalThis.Date = class extends Real { constructor(...given) { if (given.length === 0) super(real() + by); else super(...given); } static now() { return real() + by; } };`,
    );
    const node = await startNode(stack, name, { env: { NODE_OPTIONS: `--import=${skew}` } });
    const said = Date.parse(String((await node.log.waitFor("node.ready")).time));
    expect(Math.round((said - Date.now()) / 60_000), "its clock is off").toBe(minutes);
    // The job takes longer than a lease: it lives by heartbeats, and its uploads by tickets that end.
    const began = Date.now();
    const id = await stack.api.create({ url: held(name) });
    await origin.waitForHeld(name, 2);
    const { last_seen } = await listed(stack, name);
    await eventually(async () => (await listed(stack, name)).last_seen > last_seen + 4_000);
    origin.release(name);
    const job = await stack.api.finished(id);
    expect(job).toMatchObject({ status: "Completed", attempts: 1, node_id: name });
    for (const time of [job.created_at, job.finished_at]) {
      expect(Number(time)).toBeGreaterThanOrEqual(began);
      expect(Number(time)).toBeLessThanOrEqual(Date.now());
    }
    // Under root its tools have users of their own, who may pass through it (0711) and neither read nor list it.
    expect((await stat(node.data)).mode & 0o066).toBe(0);
    expect((await stat(join(node.data, "identity.json"))).mode & 0o777).toBe(0o600);
    await node.stop();
  }
});
