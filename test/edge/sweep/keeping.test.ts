/**
 * What is stored is what the rows say, after every way a job can go: the bytes in the managed store are those of the file
 * rows that are not deleted. The usage counter is cumulative transfer (jobs API 9.1): what is stored, and what was and went.
 */
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { sweepRemovals } from "../../../edge/routes/admin/remove-account.ts";
import { extractedInfo, TestNode } from "../fleet-node.ts";
import { eventually, untilStatus } from "../storage/support.ts";
import { type Account, admin, newAccount, store } from "../support.ts";
import { DAY, faultAt, runFiles, runRecords } from "./support.ts";

const GIB = 2 ** 30;

class Shelf {
  readonly account: Account;
  readonly node: TestNode;
  /** Bytes of files that were delivered, and of those that went since. */
  delivered = 0;
  gone = 0;

  private constructor(account: Account, node: TestNode) {
    this.account = account;
    this.node = node;
  }

  static async open(): Promise<Shelf> {
    // The first account's keys have no prefix that tells them from others'.
    await newAccount();
    const account = await newAccount();
    return new Shelf(account, await TestNode.online(account));
  }

  async deliver(bytes: string, body = {}): Promise<string> {
    const id = await this.account.createJob(body);
    await this.node.deliver(await this.node.take(), bytes);
    await untilStatus(this.account, id, "Completed");
    this.delivered += bytes.length;
    return id;
  }

  async stored(): Promise<number> {
    const { sizes } = await store<{ sizes: Record<string, number> }>("GET", "state");
    const own = Object.entries(sizes).filter(([key]) => key.startsWith(`@${this.account.id}/`));
    return own.reduce((sum, [, size]) => sum + size, 0);
  }

  /** Bytes in the store, by the rows, and by the counter. */
  async check(): Promise<void> {
    await this.account.api("GET", "/jobs");
    const rows = await env.DB.prepare(
      "SELECT coalesce(sum(size), 0) AS n FROM files WHERE account_id = ? AND target_id = 'managed' AND deleted_at IS NULL",
    )
      .bind(this.account.id)
      .first<{ n: number }>();
    const { body: stats } = await this.account.api("GET", "/dashboard/stats");
    const { body: usage } = await this.account.api("GET", "/usage");
    const here = this.delivered - this.gone;
    expect({ stored: await this.stored(), rows: rows?.n, used: stats.storage_used_bytes }).toEqual({
      stored: here,
      rows: here,
      used: this.delivered,
    });
    expect(usage).toMatchObject({
      storage_usage_gb: Math.round((this.delivered / GIB) * 100) / 100,
      storage_reserved_gb: 0,
    });
  }
}

it("through creates, deletes, retries, cancels, retention, history and the removal of the account", async () => {
  const shelf = await Shelf.open();
  const { account, node } = shelf;
  const first = await shelf.deliver("first file", { filename: "same" });
  const second = await shelf.deliver("the second file", { filename: "same" });
  await shelf.check();

  // A delete; and one whose answer from the store stays out, which the sweep ends.
  await account.api("DELETE", `/jobs/${first}/file`);
  shelf.gone += "first file".length;
  await shelf.check();
  const stuck = await shelf.deliver("a stuck file", { filename: "stuck" });
  await faultAt("delete", `@${account.id}/videos/stuck.mp4`);
  expect((await account.api("DELETE", `/jobs/${stuck}/file`)).status).toBe(503);
  await shelf.check();
  await runFiles(2 * 60_000, "0");
  shelf.gone += "a stuck file".length;
  await shelf.check();

  // An attempt that fails with its file half way, and the retry that delivers.
  const failing = await account.createJob({ filename: "again" });
  const attempt = await node.take();
  await node.job(attempt, "extracted", { result: { kind: "single", info: extractedInfo() } });
  const failure = { class: "private", message: "Video is private", retry_after_seconds: null, permanent: false };
  expect((await node.job(attempt, "fail", failure)).status).toBe(200);
  await shelf.check();
  const retried = await account.api<{ job_id: string }>("POST", `/jobs/${failing}/retry`);
  await node.deliver(await node.take(), "the retried file");
  await untilStatus(account, retried.body.job_id, "Completed");
  shelf.delivered += "the retried file".length;
  await shelf.check();

  // A running job that is cancelled, one of the downloads API that is removed with its file.
  const cancelled = await account.createJob();
  await node.job(await node.take(), "extracted", { result: { kind: "single", info: extractedInfo() } });
  expect((await account.api("DELETE", `/jobs/${cancelled}?force=true`)).status).toBe(200);
  const removed = await shelf.deliver("a removed download");
  expect((await account.api("DELETE", `/api/downloads/${removed}/remove`)).status).toBe(200);
  shelf.gone += "a removed download".length;
  await shelf.check();

  // A commit whose answer is lost is found done by the next one.
  const fault = {
    call: "commit",
    key: `@${account.id}/videos/lost.mp4`,
    times: 1,
    done: true,
    status: 500,
    answer: {},
  };
  await store("POST", "fault", JSON.stringify(fault));
  await shelf.deliver("a file with a lost answer", { filename: "lost" });
  await shelf.check();

  // Retention takes what is there, history the records; the counter keeps what was carried.
  await runFiles(8 * DAY);
  shelf.gone = shelf.delivered;
  await shelf.check();
  expect((await account.api("GET", `/jobs/${second}`)).body).toMatchObject({ status: "Completed", files: [] });
  expect(await runRecords(8 * DAY)).toMatchObject({ jobs: expect.any(Number) });
  await shelf.check();
  expect((await account.api("GET", "/jobs")).body).toMatchObject({ jobs: [], total: 0 });
  await shelf.deliver("one for the end");
  await shelf.check();

  await admin("DELETE", `/admin/accounts/${account.id}`);
  await eventually(async () => {
    await sweepRemovals(env, Date.now());
    expect(await env.DB.prepare("SELECT id FROM accounts WHERE id = ?").bind(account.id).first()).toBeNull();
  });
  expect(await shelf.stored()).toBe(0);
  await eventually(async () => {
    const { uploads } = await store<{ uploads: { key: string }[] }>("GET", "state");
    expect(uploads.filter(({ key }) => key.startsWith(`@${account.id}/`))).toEqual([]);
  });
});
