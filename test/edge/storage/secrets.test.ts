/** Whatever a client entrusts stands nowhere in clear: no row, no log, no event, no answer, nothing that a node is sent. */
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { forgetCredentials } from "../../../edge/db/targets.ts";
import { TestNode } from "../fleet-node.ts";
import { type Answer, admin, call, newAccount, readStream } from "../support.ts";
import { allRows } from "../tables.ts";
import { deliver, eventually, newBucket, s3, s3Storage, untilStatus, useStorage } from "./support.ts";

afterEach(() => vi.restoreAllMocks());

/** Everything that the Worker's half of this isolate writes. */
function recordLogs(): string[] {
  const lines: string[] = [];
  for (const method of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, method).mockImplementation((...words: unknown[]) => void lines.push(words.map(String).join(" ")));
  }
  return lines;
}

it("a job with inline storage, a webhook and a failure tells its secrets to the provider alone", async () => {
  const logs = recordLogs();
  const account = await newAccount();
  const bucket = newBucket("secrets");
  const secret = `secret-of-AK${bucket}`;
  const storage = { provider: "s3", ...s3Storage(bucket) };
  const hook = `https://hooks.test/r/200/${bucket}`;
  const told: string[] = [];
  const tell = (answer: Answer) => told.push(JSON.stringify(answer.body) + JSON.stringify([...answer.headers]));

  const created = await account.api("POST", "/jobs", {
    url: "https://media.example.com/v1",
    storage,
    webhook_url: hook,
  });
  tell(created);
  const id = String(created.body.job_id);
  tell(
    await account.api("POST", "/jobs", { url: "https://media.example.com/v1", storage: { ...storage, region: "x" } }),
  );
  tell(await account.api("POST", "/user/s3", { ...storage, bucket: "not-there" }));

  const node = await TestNode.online(account);
  // What the fleet API answers this node, byte by byte.
  const ask = node.call.bind(node);
  node.call = async (...args) => {
    const answer = await ask(...args);
    tell(answer);
    return answer;
  };
  const job = await node.take();
  told.push(JSON.stringify(job));
  tell(await account.api("GET", `/jobs/${id}`));
  tell(await admin("GET", `/admin/jobs/${id}`));
  await node.deliver(job, "the bytes");
  await untilStatus(account, id, "Completed");
  // A second one, whose storage refuses in the middle.
  await useStorage(account, bucket);
  const failing = await account.createJob({ webhook_url: hook });
  const taken = await node.take();
  await s3.fail({ operation: "begin", bucket, times: 1, how: { status: 403, code: "AccessDenied" } });
  tell(await node.job(taken, "extracted", { result: { kind: "list", title: null, entries: [], truncated: false } }));
  await untilStatus(account, failing, "Warning");
  for (const path of ["/user/s3", "/jobs", "/webhooks", `/jobs/${id}`, `/jobs/${failing}`, "/dashboard/jobs"]) {
    tell(await account.api("GET", path));
  }
  tell(await admin("GET", `/admin/jobs/${failing}`));
  tell(await admin("GET", `/admin/accounts/${account.id}`));
  const stream = await call(`/jobs/${id}/events?last_event_id=0`, { headers: { "x-api-key": account.key } });
  told.push(JSON.stringify(await readStream(stream)));
  await eventually(async () => {
    const received = await (await fetch(`https://receiver.fake/requests/${bucket}`)).text();
    expect(received).toContain("job_completed");
    told.push(received);
  });

  const everything = [...told, ...logs, ...(await allRows())].join("\n");
  expect(everything).toContain(bucket);
  expect(everything).not.toContain(secret);
  // The one URL of inline storage is a bearer link: clear in the owner's answers and webhooks, sealed in rows.
  expect((await allRows()).join("\n")).not.toContain("X-Amz-Signature");
});

it("credentials of a configuration that was replaced go once no live job needs them", async () => {
  const account = await newAccount();
  const bucket = newBucket("secrets");
  const sealed = async () => {
    const { results } = await env.DB.prepare(
      "SELECT t.bucket FROM target_credentials c JOIN targets t ON t.id = c.target_id WHERE t.account_id = ? ORDER BY t.bucket",
    )
      .bind(account.id)
      .all<{ bucket: string }>();
    return results.map((row) => row.bucket);
  };
  await useStorage(account, bucket);
  const id = await account.createJob();
  const next = newBucket("secrets");
  await useStorage(account, next);
  const later = Date.now() + 2 * 60 * 60_000;
  // Not yet its time; then its time, but a job still needs it.
  await forgetCredentials(env.DB, Date.now(), 1_000);
  await forgetCredentials(env.DB, later, 1_000);
  expect(await sealed()).toEqual([bucket, next].toSorted());
  const node = await TestNode.online(account);
  await node.deliver(await node.take(), "the bytes");
  await untilStatus(account, id, "Completed");
  await eventually(async () => {
    await forgetCredentials(env.DB, later + 2 * 60 * 60_000, 1_000);
    expect(await sealed()).toEqual([next]);
  });
  expect((await deliver(account, "more", { filename: "More" })).files).toHaveLength(1);
});
