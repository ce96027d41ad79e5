/** An account with one of everything, for another one to look for. */
import { expect, vi } from "vitest";
import { answeringNode, wellInformed } from "../answering-node.ts";
import { s3Storage } from "../storage/support.ts";
import { type Account, newAccount } from "../support.ts";

export interface FirstAccount {
  account: Account;
  /** Of jobs, batches, deliveries, files: what stands in paths. */
  ids: string[];
  batch: string;
  job: string;
  cursor: string;
  /** Texts that nobody else may read. */
  secrets: string[];
}

const URL = "https://media.example.com/first-secret-url";
const HOOK = "https://hooks.test/r/200/first-secret-hook";

/** One of each feature of the library API; their numbers are those that every account's first ones have. */
const FEATURES: [path: string, body: Record<string, unknown>][] = [
  ["/api/presets", { cli: "--write-subs" }],
  ["/api/dl_fields", { field: "--first-secret" }],
  ["/api/conditions", { filter: "is_live", extras: { ignore_download: true } }],
  ["/api/notifications", { request: { url: HOOK } }],
  ["/api/tasks", { url: URL }],
  ["/api/tasks/definitions", { match_url: [URL], definition: { parse: { link: { type: "css", expression: "a" } } } }],
];

export async function openFirstAccount(): Promise<FirstAccount> {
  const account = await newAccount();
  const mine = {
    url: URL,
    folder: "first-secret-folder",
    webhook_url: HOOK,
    metadata: { of: "first-secret-metadata" },
  };
  const done = await account.createJob({ ...mine, filename: "first-secret-name" });
  const { node, close } = await answeringNode(account, wellInformed);
  const taken = await node.take();
  await node.deliver(taken, "first-secret-bytes", { title: "first-secret-title" });
  close();
  const view = await vi.waitFor(async () => {
    const { body } = await account.api<{ status: string; s3_url: string; files: { id: string }[] }>(
      "GET",
      `/jobs/${done}`,
    );
    if (body.status !== "Completed") throw new Error(`the job is ${body.status}`);
    return body;
  });
  const cancelled = await account.createJob(mine);
  await account.api("DELETE", `/jobs/${cancelled}`);
  const pending = await account.createJob(mine);
  const bulk = await account.api<{ batch_id: string; job_ids: string[] }>("POST", "/jobs/bulk", {
    jobs: [{ url: URL }, { url: URL }],
    paused: true,
  });
  const deliveries = await vi.waitFor(async () => {
    const { body } = await account.api<{ webhooks: { id: string }[] }>("GET", "/webhooks?status=delivered");
    // One that is still to be repeated would change its rows by itself.
    if (body.webhooks.length === 0) throw new Error("no webhook is delivered yet");
    return body.webhooks.map((each) => each.id);
  });
  const secret = await account.api<{ webhook_signing_secret: string }>("GET", "/user/webhook-secret");
  const bucket = s3Storage("b-first-secret", { access_key: "AKfirst-secret", secret_key: "secret-of-AKfirst-secret" });
  expect((await account.api("POST", "/user/s3", bucket)).status).toBe(200);
  await account.api("POST", "/user/slack", { webhook_url: "https://hooks.slack.com/services/first-secret-slack" });
  for (const [path, body] of FEATURES) {
    expect((await account.api("POST", path, { name: "first-secret-feature", ...body })).status).toBeLessThan(300);
  }
  const list = await account.api<{ next_cursor: string }>("GET", "/jobs?limit=1");
  const files = view.files.map((file) => file.id);
  const ids = [done, cancelled, pending, bulk.body.batch_id, ...bulk.body.job_ids, ...deliveries, ...files];
  return {
    account,
    ids,
    batch: bulk.body.batch_id,
    job: pending,
    cursor: list.body.next_cursor,
    secrets: [account.id, secret.body.webhook_signing_secret, "first-secret", ...ids],
  };
}
