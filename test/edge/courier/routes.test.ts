/** The routes of jobs API 8.3, 8.4 and 9.3. */
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { NO_WEBHOOK, webhookStatus } from "../../../edge/db/deliveries.ts";
import { newKey as newApiKey, refusal, send } from "../support.ts";
import { DAY, newKey, received, receiver, SECOND, START, TestCourier } from "./support.ts";

test("`GET /user/webhook-secret` makes it on the first call and answers the same afterwards", async () => {
  const { account } = await TestCourier.open();
  const first = await account.api("GET", "/user/webhook-secret");
  expect(first.status).toBe(200);
  expect(first.body).toEqual({ webhook_signing_secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/) });
  expect((await account.api("GET", "/user/webhook-secret")).body).toEqual(first.body);
});

test("first calls at the same time answer one secret", async () => {
  const courier = await TestCourier.open();
  const secrets = await Promise.all([1, 2, 3, 4].map(() => courier.secret()));
  expect(new Set(secrets).size).toBe(1);
});

test("`POST /user/webhook-secret/rotate` voids the old one at once", async () => {
  const courier = await TestCourier.open();
  const old = await courier.secret();
  const rotated = await courier.account.api("POST", "/user/webhook-secret/rotate");
  expect(rotated.status).toBe(200);
  expect(rotated.body).toEqual({ webhook_signing_secret: expect.stringMatching(/^whsec_/) });
  expect(rotated.body.webhook_signing_secret).not.toBe(old);
  expect(await courier.secret()).toBe(rotated.body.webhook_signing_secret);
});

test("a secret is one account's, and sealed in its row", async () => {
  const courier = await TestCourier.open();
  const secret = await courier.secret();
  expect(await (await TestCourier.open()).secret()).not.toBe(secret);
  const row = await env.DB.prepare("SELECT webhook_secret FROM accounts WHERE id = ?")
    .bind(courier.account.id)
    .first<{ webhook_secret: string }>();
  expect(row?.webhook_secret).toMatch(/^v1\.k1\./);
  expect(row?.webhook_secret).not.toContain(secret.slice(6));
});

test.each([
  ["GET", "/user/webhook-secret", "storage:write"],
  ["POST", "/user/webhook-secret/rotate", "storage:write"],
  ["POST", "/user/slack", "storage:write"],
  ["DELETE", "/user/slack", "storage:write"],
  ["GET", "/webhooks", "jobs:read"],
  ["POST", "/webhooks/01a2310c-2428-78d0-9738-f7d93d9c1724/redeliver", "jobs:write"],
])("%s %s needs the scope %s", async (method, path, scope) => {
  const { account } = await TestCourier.open();
  const others = ["jobs:read", "jobs:write", "storage:write", "usage:read"].filter((each) => each !== scope);
  const { key } = await newApiKey(account.id, { scopes: others });
  expect(refusal(await send(method, path, undefined, { "x-api-key": key }))).toEqual({
    status: 403,
    error: `This key lacks the scope '${scope}'`,
  });
});

/** An account with some deliveries, oldest first: delivered, failed for good, pending. */
async function withLog() {
  const courier = await TestCourier.open();
  const hook = (behaviours: string) => receiver(behaviours, newKey());
  const delivered = await courier.notice({ url: hook("200") });
  courier.now += SECOND;
  const failed = await courier.notice({ url: hook("410"), type: "job_failed" });
  courier.now += SECOND;
  const pending = await courier.notice({ url: hook("500"), type: "job_warning" });
  await courier.accept(delivered, failed, pending);
  await courier.run();
  return { courier, delivered, failed, pending };
}

test("`GET /webhooks`: newest first, with the documented keys in their order", async () => {
  const { courier, delivered, failed, pending } = await withLog();
  const answer = await courier.account.api("GET", "/webhooks");
  expect(answer.status).toBe(200);
  expect(Object.keys(answer.body)).toEqual(["webhooks", "limit", "next_cursor"]);
  expect(answer.body).toMatchObject({ limit: 20, next_cursor: null });
  const entries = await courier.list();
  expect(entries.map((entry) => entry.id)).toEqual([pending.id, failed.id, delivered.id]);
  expect(Object.keys(entries[0] ?? {})).toEqual(
    "id type job_id batch_id url status attempts last_status_code last_error response_time_ms next_attempt_at created_at finished_at".split(
      " ",
    ),
  );
  expect(entries[0]).toMatchObject({
    url: pending.url,
    status: "pending",
    last_error: "HTTP 500",
    last_status_code: 500,
  });
});

test("`job_id` and `status` filter; any other status is ignored", async () => {
  const { courier, delivered, failed, pending } = await withLog();
  const ids = async (query: string) => (await courier.list(query)).map((entry) => entry.id);
  expect(await ids(`?job_id=${failed.job_id}`)).toEqual([failed.id]);
  expect(await ids("?job_id=nobody")).toEqual([]);
  expect(await ids("?status=pending")).toEqual([pending.id]);
  expect(await ids("?status=delivered")).toEqual([delivered.id]);
  expect(await ids("?status=failed")).toEqual([failed.id]);
  expect(await ids(`?status=failed&job_id=${delivered.job_id}`)).toEqual([]);
  expect(await ids("?status=Pending")).toHaveLength(3);
  expect(await ids("?job_id=&status=&limit=&cursor=")).toHaveLength(3);
});

test("`limit` 20 (1–100) and `cursor` page through everything once", async () => {
  const courier = await TestCourier.open();
  // Two at a time share their millisecond.
  const notices = await Promise.all(
    Array.from({ length: 5 }, (_, index) => courier.notice({ created_at: START + Math.floor(index / 2) })),
  );
  await courier.accept(...notices);
  await courier.run();
  const seen: string[] = [];
  let cursor = "";
  for (let page = 0; page < 3; page++) {
    const { body } = await courier.account.api<{ webhooks: { id: string }[]; next_cursor: string | null }>(
      "GET",
      `/webhooks?limit=2${cursor}`,
    );
    seen.push(...body.webhooks.map((entry) => entry.id));
    cursor = `&cursor=${body.next_cursor}`;
    expect(body.next_cursor === null).toBe(page === 2);
  }
  expect(seen).toHaveLength(5);
  expect(new Set(seen)).toEqual(new Set(notices.map((notice) => notice.id)));
  const limits = async (query: string) => (await courier.account.api("GET", `/webhooks${query}`)).body.limit;
  expect(await Promise.all(["", "?limit=0", "?limit=101", "?limit=ten"].map(limits))).toEqual([20, 1, 100, 20]);
});

test("a bad cursor is 400 `Invalid cursor`", async () => {
  const { account } = await TestCourier.open();
  for (const cursor of ["x", "!!", btoa("1.2"), btoa("x.01a2310c-2428-78d0-9738-f7d93d9c1724")]) {
    const answer = await account.api("GET", `/webhooks?cursor=${encodeURIComponent(cursor)}`);
    expect(refusal(answer)).toEqual({ status: 400, error: "Invalid cursor" });
  }
});

test("the log is kept 30 days", async () => {
  const { courier } = await withLog();
  while (((await courier.alarmAt()) ?? 0) < START + 29 * DAY) await courier.skip();
  courier.now = START + 30 * DAY - SECOND;
  await courier.run();
  expect(await courier.list()).toHaveLength(3);
  courier.now = START + 30 * DAY + 11 * 60 * SECOND;
  await courier.run();
  expect(await courier.list()).toEqual([]);
  expect(await courier.rows()).toEqual([]);
  expect(await courier.alarmAt()).toBeNull();
});

test("redeliver, delivered: one try at once with the stored bytes and the same `webhook-id`", async () => {
  const courier = await TestCourier.open();
  const key = newKey();
  const notice = await courier.notice({ url: receiver("200,500", key) });
  await courier.accept(notice);
  await courier.run();
  courier.now += DAY;
  const answer = await courier.account.api("POST", `/webhooks/${notice.id}/redeliver`);
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({ id: notice.id, status: "pending", message: "Webhook delivery queued" });
  await courier.run();
  const requests = await received(key);
  expect(requests.map((request) => [request.body, request.headers["webhook-id"]])).toEqual([
    [notice.body, notice.id],
    [notice.body, notice.id],
  ]);
  // One try: the ladder does not begin again.
  expect(await courier.entry(notice.id)).toMatchObject({ status: "failed", attempts: 2, last_error: "HTTP 500" });
  expect(await courier.run()).toBe(false);
});

test("redeliver, failed: a receiver that is back gets it", async () => {
  const courier = await TestCourier.open();
  const key = newKey();
  const notice = await courier.notice({ url: receiver("410,200", key) });
  await courier.accept(notice);
  await courier.run();
  expect((await courier.account.api("POST", `/webhooks/${notice.id}/redeliver`)).status).toBe(200);
  await courier.run();
  expect(await courier.entry(notice.id)).toMatchObject({ status: "delivered", attempts: 2 });
});

test("redeliver, pending: the ladder's next try is made now, and the ladder goes on", async () => {
  const courier = await TestCourier.open();
  const notice = await courier.notice({ url: receiver("500", newKey()) });
  await courier.accept(notice);
  await courier.run();
  expect((await courier.account.api("POST", `/webhooks/${notice.id}/redeliver`)).status).toBe(200);
  await courier.run();
  expect(await courier.entry(notice.id)).toMatchObject({
    status: "pending",
    attempts: 2,
    next_attempt_at: START + 30 * SECOND,
  });
});

test("redeliver while a try is under way means one more", async () => {
  const courier = await TestCourier.open();
  const key = newKey();
  const notice = await courier.notice({ type: "progress", url: receiver("hang,200", key) });
  await courier.accept(notice);
  const running = courier.run();
  expect((await courier.account.api("POST", `/webhooks/${notice.id}/redeliver`)).status).toBe(200);
  await running;
  await courier.run();
  expect(await received(key)).toHaveLength(2);
  expect(await courier.entry(notice.id)).toMatchObject({ status: "delivered", attempts: 2 });
});

test("two accounts never share a row of the log, whatever their ids", async () => {
  const [courier, stranger] = [await TestCourier.open(), await TestCourier.open()];
  const notice = await courier.notice();
  await courier.accept(notice);
  await courier.run();
  stranger.now += SECOND;
  await stranger.accept({ ...notice, account_id: stranger.account.id, url: receiver("500", newKey()) });
  await stranger.run();
  expect(await courier.entry(notice.id)).toMatchObject({ status: "delivered", url: notice.url });
  expect(await stranger.list()).toEqual([]);
});

test("unknown, another account's, no UUID: 404 `Webhook not found`", async () => {
  const { courier, delivered } = await withLog();
  const stranger = await TestCourier.open();
  for (const [account, id] of [
    [courier.account, "01a2310c-2428-78d0-9738-f7d93d9c1724"],
    [stranger.account, delivered.id],
    [courier.account, "not-an-id"],
  ] as const) {
    const answer = await account.api("POST", `/webhooks/${id}/redeliver`);
    expect(refusal(answer)).toEqual({ status: 404, error: "Webhook not found" });
  }
  expect(await stranger.list()).toEqual([]);
});

test("`webhook_*` of a job: null while due or retried, then `delivered` or `failed`", async () => {
  const { courier, delivered, failed, pending } = await withLog();
  const status = (job: string | null) => webhookStatus(env.DB, courier.account.id, job ?? "");
  expect(await status(delivered.job_id)).toEqual({
    webhook_status: "delivered",
    webhook_attempts: 1,
    webhook_last_error: null,
    webhook_response_time_ms: expect.any(Number),
  });
  expect(await status(failed.job_id)).toMatchObject({ webhook_status: "failed", webhook_last_error: "HTTP 410" });
  expect(await status(pending.job_id)).toMatchObject({
    webhook_status: null,
    webhook_attempts: 1,
    webhook_last_error: "HTTP 500",
  });
  expect(await webhookStatus(env.DB, (await TestCourier.open()).account.id, delivered.job_id ?? "")).toEqual({
    webhook_status: null,
    webhook_attempts: null,
    webhook_last_error: null,
    webhook_response_time_ms: null,
  });
  expect(NO_WEBHOOK.webhook_status).toBe("no_webhook");
});

test("progress is not the outcome webhook", async () => {
  const courier = await TestCourier.open();
  const notice = await courier.notice({ type: "progress" });
  await courier.accept(notice);
  await courier.run();
  expect(await webhookStatus(env.DB, courier.account.id, notice.job_id ?? "")).toMatchObject({
    webhook_attempts: null,
  });
});
