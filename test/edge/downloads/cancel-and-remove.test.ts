/** `DELETE /api/downloads/{id}` and `DELETE /api/downloads/{id}/remove`. */
import { describe, expect, it } from "vitest";
import { extractedInfo, manifestOf, TestNode } from "../fleet-node.ts";
import { type Account, call, type Json, newAccount, store, textOf } from "../support.ts";
import { completed, detail, listTasks, newDownload, readTask, UNKNOWN_ID, untilStatus } from "./support.ts";

const NOT_FOUND = [404, { detail: "Download not found" }];
const OVER = [409, { detail: "Download cannot be cancelled (already over or finishing)" }];

/** A job whose files the store does not commit yet. */
async function finishing(account: Account): Promise<string> {
  const title = crypto.randomUUID();
  const id = await newDownload(account);
  const node = await TestNode.online(account);
  const job = await node.take();
  const extracted = await node.job(job, "extracted", { result: { kind: "single", info: extractedInfo({ title }) } });
  const { tickets } = extracted.body as { tickets: { upload_id: string; urls: { url: string }[] }[] };
  const url = new URL(tickets[0]?.urls[0]?.url ?? "");
  const put = await call(url.pathname + url.search, { method: "PUT", body: "bytes" });
  const key = `@${account.id}/videos/${title}.mp4`;
  await store(
    "POST",
    "fault",
    JSON.stringify({ call: "commit", key, times: 100, status: 503, answer: { error: "x" } }),
  );
  const manifest = await manifestOf(tickets[0]?.upload_id ?? "", "bytes", put.headers.get("etag") ?? "");
  expect((await node.job(job, "complete", { manifest })).body).toEqual({ state: "finishing" });
  return id;
}

describe("cancel", () => {
  it('cancels: {"message": "Download cancelled"}; it stays listed as cancelled', async () => {
    const account = await newAccount();
    const id = await newDownload(account);
    const answer = await account.api("DELETE", `/api/downloads/${id}`);
    expect([answer.status, answer.body]).toEqual([200, { message: "Download cancelled" }]);
    expect((await listTasks(account)).map((task) => [task.id, task.status])).toEqual([[id, "cancelled"]]);
    expect(await (await TestNode.online(account)).lease()).toEqual([]);
  });

  it("also a running one, whose node is told to stop", async () => {
    const account = await newAccount();
    const id = await newDownload(account);
    const node = await TestNode.online(account);
    const { token } = await node.take();
    expect((await account.api("DELETE", `/api/downloads/${id}`)).status).toBe(200);
    expect((await node.heartbeat([{ job: id, token }])).body).toMatchObject({ kill: [{ job: id, token }] });
    expect((await readTask(account, id)).status).toBe("cancelled");
  });

  it("409 when already over", async () => {
    const account = await newAccount();
    const cancelled = await newDownload(account);
    await account.api("DELETE", `/api/downloads/${cancelled}`);
    const done = await completed(account, "bytes");
    for (const id of [cancelled, done.id]) {
      expect(detail(await account.api("DELETE", `/api/downloads/${id}`))).toEqual(OVER);
    }
    expect(await readTask(account, done.id)).toEqual(done);
  });

  it("409 when finishing", async () => {
    const account = await newAccount();
    const id = await finishing(account);
    expect(detail(await account.api("DELETE", `/api/downloads/${id}`))).toEqual(OVER);
    expect((await readTask(account, id)).status).toBe("processing");
  });

  it.each([UNKNOWN_ID, "nope"])("404 for %s", async (id) => {
    const account = await newAccount();
    expect(detail(await account.api("DELETE", `/api/downloads/${id}`))).toEqual(NOT_FOUND);
  });
});

describe("remove", () => {
  it('hides the task and deletes its files: {"message": "Download removed"}; record and usage stay', async () => {
    const account = await newAccount();
    const kept = await newDownload(account);
    await account.api("DELETE", `/api/downloads/${kept}`);
    const { id, filename } = await completed(account, "bytes", { thumbnail: "GIF89a" });
    const usage = (await account.api("GET", "/usage")).body;
    const answer = await account.api("DELETE", `/api/downloads/${id}/remove`);
    expect([answer.status, answer.body]).toEqual([200, { message: "Download removed" }]);

    for (const path of [`downloads/${id}`, `download/${id}/file`, `thumbnails/${id}`, `stream/${filename}`]) {
      expect(detail(await account.api("GET", `/api/${path}`))).toEqual(NOT_FOUND);
    }
    for (const path of [id, `${id}/remove`]) {
      expect(detail(await account.api("DELETE", `/api/downloads/${path}`))).toEqual(NOT_FOUND);
    }
    const list = await account.api<Json[]>("GET", "/api/downloads");
    expect(list.body.map((task) => task.id)).toEqual([kept]);
    expect(list.headers.get("x-total-count")).toBe("1");
    expect(await listTasks(account, "?status=completed")).toEqual([]);

    const { objects } = await store<{ objects: string[] }>("GET", "");
    expect(objects.filter((key) => key.startsWith(`@${account.id}/`))).toEqual([]);
    const job = await account.api("GET", `/jobs/${id}`);
    expect(job.body).toMatchObject({ status: "Completed", s3_url: null, files: [], file_size: 5 });
    expect((await account.api("GET", "/jobs")).body).toMatchObject({ total: 2 });
    expect((await account.api("GET", "/usage")).body).toEqual(usage);
  });

  it("cancels first if it still runs", async () => {
    const account = await newAccount();
    const id = await newDownload(account);
    const node = await TestNode.online(account);
    const { token } = await node.take();
    expect((await account.api("DELETE", `/api/downloads/${id}/remove`)).status).toBe(200);
    expect((await node.heartbeat([{ job: id, token }])).body).toMatchObject({ kill: [{ job: id, token }] });
    expect(await listTasks(account)).toEqual([]);
    expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({ status: "Failed", step: "Cancelled" });
  });

  it("a parent's files are its children's: they stay", async () => {
    const account = await newAccount();
    const id = await newDownload(account);
    const node = await TestNode.online(account);
    const entries = [{ url: "https://media.example.com/a", title: "a" }];
    await node.job(await node.take(), "extracted", {
      result: { kind: "list", title: "L", entries, truncated: false },
    });
    const child = await node.take();
    await node.deliver(child, "bytes of the child");
    await untilStatus(account, id, "completed");
    expect((await account.api("DELETE", `/api/downloads/${id}/remove`)).status).toBe(200);
    const file = await call(`/api/download/${child.job}/file`, { headers: { "x-api-key": account.key } });
    expect(await textOf(file)).toBe("bytes of the child");
  });

  it("a task whose files are just being committed cannot go yet: 409 with Retry-After", async () => {
    const account = await newAccount();
    const id = await finishing(account);
    const answer = await account.api("DELETE", `/api/downloads/${id}/remove`);
    expect(detail(answer)).toEqual([409, { detail: "Download is finishing, try again" }]);
    expect(answer.headers.get("retry-after")).toBe("2");
  });

  it.each([UNKNOWN_ID, "nope"])("404 for %s", async (id) => {
    const account = await newAccount();
    expect(detail(await account.api("DELETE", `/api/downloads/${id}/remove`))).toEqual(NOT_FOUND);
  });
});
