/** Accounts are walls: a second account's key sees and moves nothing of the first. */
import { beforeAll, describe, expect, it } from "vitest";
import { TestNode } from "../fleet-node.ts";
import {
  type Account,
  type Answer,
  call,
  type Json,
  newAccount,
  newKey,
  readStream,
  refusal,
  send,
  textOf,
} from "../support.ts";

let owner: Account;
let stranger: Account;
let pending: string;
let completed: string;

beforeAll(async () => {
  [owner, stranger] = [await newAccount(), await newAccount()];
  completed = await owner.createJob({ filename: "secret plans" });
  const node = await TestNode.online(owner);
  const events = call(`/jobs/${completed}/events`, { headers: { "x-api-key": owner.key } }).then(readStream);
  await node.deliver(await node.take(), "bytes of the owner");
  expect((await events).at(-1)?.event).toBe("job.completed");
  pending = await owner.createJob({ filename: "secret plans" });
});

/** Everything of an account that a client can see. */
async function seen(account: Account): Promise<unknown[]> {
  const { body } = await account.api<{ jobs: Json[] }>("GET", "/jobs");
  const jobs = await Promise.all(body.jobs.map((job) => account.api("GET", `/jobs/${job.id}`)));
  return [body, ...jobs.map((job) => ({ ...job.body, s3_url: null, files: null }))];
}

const NOT_FOUND = { status: 404, error: "Job not found" };

describe("with another account's key", () => {
  it.each([
    ["GET", ""],
    ["DELETE", ""],
    ["DELETE", "?force=true"],
    ["GET", "/events"],
    ["GET", "/events?last_event_id=1"],
  ])("%s /jobs/{id}%s is the 404 of an unknown id, for a live and for a finished job", async (method, rest) => {
    const before = await seen(owner);
    for (const id of [pending, completed]) {
      expect(refusal(await stranger.api(method, `/jobs/${id}${rest}`))).toEqual(NOT_FOUND);
    }
    expect(await seen(owner)).toEqual(before);
  });

  it("the list and its totals are empty, by cursor and batch too", async () => {
    const page = await owner.api<{ next_cursor: string }>("GET", "/jobs?limit=1");
    for (const query of ["", "?status=completed", `?cursor=${page.body.next_cursor}`, "?batch_id=x"]) {
      const { body } = await stranger.api("GET", `/jobs${query}`);
      expect(body).toMatchObject({ jobs: [], total: 0, filtered_total: 0 });
    }
  });

  it("a stream of an own job hears nothing of the other's", async () => {
    const id = await stranger.createJob();
    const events = call(`/jobs/${id}/events`, { headers: { "x-api-key": stranger.key } }).then(readStream);
    const doomed = await owner.createJob();
    await owner.api("DELETE", `/jobs/${doomed}`);
    await stranger.api("DELETE", `/jobs/${id}`);
    expect(JSON.stringify(await events)).not.toContain(doomed);
  });

  it("the same name and folder are free: each has its own", async () => {
    const id = await stranger.createJob({ filename: "secret plans" });
    const node = await TestNode.online(stranger);
    const events = call(`/jobs/${id}/events`, { headers: { "x-api-key": stranger.key } }).then(readStream);
    await node.deliver(await node.take(), "bytes of the stranger");
    await events;
    const [theirs, ours] = [await files(stranger, id), await files(owner, completed)];
    expect(theirs.key).toBe("videos/secret plans.mp4");
    expect(ours.key).toBe(theirs.key);
    expect(await textOf(await call(pathOf(theirs.url)))).toBe("bytes of the stranger");
    expect(await textOf(await call(pathOf(ours.url)))).toBe("bytes of the owner");
  });
});

describe("a file URL", () => {
  it("opens its own file only: neither ids nor signature of another fit", async () => {
    const ours = new URL((await files(owner, completed)).url);
    const id = await owner.createJob({ filename: "other" });
    const node = await TestNode.online(owner);
    const events = call(`/jobs/${id}/events`, { headers: { "x-api-key": owner.key } }).then(readStream);
    const jobs = await node.lease();
    const job = jobs.find((each) => each.job === id);
    if (job === undefined) throw new Error("not leased");
    await node.job(job, "confirm");
    await node.deliver(job, "other bytes");
    await events;
    const other = new URL((await files(owner, id)).url);
    expect((await call(other.pathname + ours.search)).status).toBe(403);
    expect((await call(ours.pathname + other.search)).status).toBe(403);
    expect((await call(other.pathname + other.search)).status).toBe(200);
  });

  it("is made anew by each read, and only for keys that may read", async () => {
    const answer = await owner.api("GET", `/jobs/${completed}`);
    expect(answer.body.s3_url).toMatch(
      /^https:\/\/edge\.test\/f\/[^?]+\/videos\/secret%20plans\.mp4\?expires=\d+&signature=/,
    );
    const { key } = await newKey(owner.id, { scopes: ["jobs:write"] });
    const refused: Answer = await send("GET", `/jobs/${completed}`, undefined, { "x-api-key": key });
    expect(refusal(refused)).toEqual({ status: 403, error: "This key lacks the scope 'jobs:read'" });
  });
});

async function files(account: Account, id: string): Promise<{ key: string; url: string }> {
  const { body } = await account.api<{ files: { key: string; url: string }[] }>("GET", `/jobs/${id}`);
  const [file] = body.files;
  if (file === undefined) throw new Error("no file");
  return file;
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
