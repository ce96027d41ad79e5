import { expect, test } from "vitest";
import { TestNode } from "../fleet-node.ts";
import { type Account, call, type Json, newAccount, readStream } from "../support.ts";

const entry = (name: string) => ({ url: `https://media.example.com/${name}`, title: `Episode ${name}` });
const list = (names: string[], truncated = false) => ({
  result: { kind: "list", title: "The Show", entries: names.map(entry), truncated },
});

async function expanded(account: Account, body: Json, names: string[]) {
  const id = await account.createJob({ url: "https://media.example.com/feed", ...body });
  const node = await TestNode.online(account);
  const job = await node.take();
  expect((await node.job(job, "extracted", list(names))).body).toEqual({ decision: "expanded" });
  const parent = await account.api<{ batch_id: string } & Json>("GET", `/jobs/${id}`);
  return { id, node, batch: parent.body.batch_id, parent: parent.body };
}

test("a job whose URL is a list becomes the parent of a batch that it is no part of", async () => {
  const account = await newAccount();
  const { batch, parent } = await expanded(account, { folder: "show" }, ["1", "2"]);
  expect(parent).toMatchObject({ status: "Processing", step: "Downloading", progress: 0, title: "The Show" });
  expect((await account.api("GET", `/batch/${batch}`)).body).toMatchObject({
    kind: "playlist",
    show_url: "https://media.example.com/feed",
    folder: "show",
    total_episodes: 2,
  });
  expect((await account.api("GET", "/jobs")).body).toMatchObject({ total: 3 });
  expect((await account.api("GET", "/usage")).body).toMatchObject({ usage_count: 3 });
});

test("the items of a list are handed out in the list's order", async () => {
  const account = await newAccount();
  const names = Array.from({ length: 12 }, (_, n) => String(n));
  const { node } = await expanded(account, {}, names);
  const taken = await node.lease();
  expect(taken.map((job) => job.url)).toEqual(names.slice(0, 4).map((name) => entry(name).url));
});

test("children inherit the options and never expand again", async () => {
  const account = await newAccount();
  const { node } = await expanded(account, { max_resolution: "480" }, ["1"]);
  const child = await node.take();
  expect(child.options).toMatchObject({ max_resolution: "480", playlist: "never" });
  expect((await node.job(child, "extracted", list(["x", "y"]))).body).toEqual({ decision: "stop" });
  expect((await account.api("GET", `/jobs/${child.job}`)).body).toMatchObject({
    status: "Warning",
    error: 'URL is a playlist; set playlist to "always" to download its items',
  });
});

test("a parent completes with its batch, and shows its first child's files as its own", async () => {
  const account = await newAccount();
  const { id, node, batch } = await expanded(account, {}, ["1", "2"]);
  for (const job of await node.lease()) {
    await node.job(job, "confirm");
    await node.deliver(job, `bytes of ${job.url}`, { title: job.url.slice(-1) });
  }
  const stream = await call(`/batch/${batch}/events`, { headers: { "x-api-key": account.key } });
  const events = await readStream(stream);
  expect(events.at(-1)).toMatchObject({
    event: "batch.completed",
    data: { status: "completed", completed_episodes: 2 },
  });
  const parent = await account.api<{ files: Json[] } & Json>("GET", `/jobs/${id}`);
  expect(parent.body).toMatchObject({ status: "Completed", progress: 100, s3_url: expect.any(String), error: null });
  expect(parent.body.files).toHaveLength(1);
});

test.each([
  [["removed"], "Warning", "1 of 2 items could not be downloaded"],
  [["removed", "removed"], "Failed", "None of the 2 items could be downloaded"],
])("of two children %j fail: the parent ends %s", async (failures, status, error) => {
  const account = await newAccount();
  const { id, node, batch } = await expanded(account, {}, ["1", "2"]);
  const left = [...failures];
  for (const job of await node.lease()) {
    await node.job(job, "confirm");
    const failure = left.shift();
    if (failure === undefined) await node.deliver(job, "bytes");
    else await node.job(job, "fail", { class: failure, message: "", retry_after_seconds: null, permanent: false });
  }
  await readStream(await call(`/batch/${batch}/events`, { headers: { "x-api-key": account.key } }));
  expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({ status, error });
  expect((await account.api("GET", `/batch/${batch}`)).body).toMatchObject({ status: "finished" });
});

test("a repeated report of the list inserts nothing twice", async () => {
  const account = await newAccount();
  await account.createJob({ url: "https://media.example.com/feed" });
  const node = await TestNode.online(account);
  const job = await node.take();
  await node.job(job, "extracted", list(["1", "2"]));
  expect((await node.job(job, "extracted", list(["1", "2"]))).status).toBe(409);
  expect((await account.api("GET", "/jobs")).body).toMatchObject({ total: 3 });
});

test("a forced cancel of a parent cancels its open children too", async () => {
  const account = await newAccount();
  const { id, batch } = await expanded(account, {}, ["1", "2"]);
  expect((await account.api("DELETE", `/jobs/${id}?force=true`)).status).toBe(200);
  expect((await account.api("GET", `/batch/${batch}`)).body).toMatchObject({
    status: "finished",
    cancelled_episodes: 2,
  });
  expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({ status: "Failed", step: "Cancelled" });
});

test("`paused` on a URL that turns out to be a list holds the children", async () => {
  const account = await newAccount();
  const { node, batch } = await expanded(account, { paused: true }, ["1", "2"]);
  expect((await account.api("GET", `/batch/${batch}`)).body).toMatchObject({ status: "paused" });
  expect(await node.lease()).toEqual([]);
});

test("entries that point inside are dropped; a list with none left is a warning", async () => {
  const account = await newAccount();
  const id = await account.createJob({ url: "https://media.example.com/feed" });
  const node = await TestNode.online(account);
  const job = await node.take();
  const inside = { url: "http://169.254.169.254/latest", title: "x" };
  const result = { kind: "list", title: null, entries: [inside], truncated: false };
  expect((await node.job(job, "extracted", { result })).body).toEqual({ decision: "stop" });
  expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({
    status: "Warning",
    error: "Playlist has no downloadable items",
  });
});
