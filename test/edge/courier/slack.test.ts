/** `POST`, `DELETE` `/user/slack`, and what is sent there (jobs API 9.3). */
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { NoticeType } from "../../../edge/courier/notice.ts";
import { refusal } from "../support.ts";
import { newKey, received, START, TestCourier } from "./support.ts";

function slackUrl(behaviours: string, key: string): string {
  return `https://hooks.slack.com/services/T0/B0/r/${behaviours}/${key}`;
}

async function slackNotice(courier: TestCourier, type: NoticeType) {
  const body = JSON.stringify({ attachments: [{ color: "#d00000", text: type }] });
  return courier.notice({ channel: "slack", url: null, type, body });
}

test("200 `Slack webhook configured successfully`; `notify_level` is `all` by default", async () => {
  const { account } = await TestCourier.open();
  const answer = await account.api("POST", "/user/slack", { webhook_url: "https://hooks.slack.com/services/T0/B0/x" });
  expect(answer.status).toBe(200);
  expect(JSON.stringify(answer.body)).toBe(
    '{"message":"Slack webhook configured successfully","configured":true,"notify_level":"all"}',
  );
});

test.each([
  [{}, "webhook_url is required", "webhook_url"],
  [{ webhook_url: 7 }, "webhook_url must be a string", "webhook_url"],
  [{ webhook_url: null }, "webhook_url is required", "webhook_url"],
  [
    { webhook_url: "https://hooks.example.com/services/T0/B0/x" },
    "Slack webhook URL must start with https://hooks.slack.com/services/",
    "webhook_url",
  ],
  [
    { webhook_url: "http://hooks.slack.com/services/T0/B0/x" },
    "Slack webhook URL must start with https://hooks.slack.com/services/",
    "webhook_url",
  ],
  [
    { webhook_url: "https://hooks.slack.com/services/T0/B0/x", notify_level: "none" },
    "notify_level must be one of: all, errors_only, warnings_only",
    "notify_level",
  ],
  [
    { webhook_url: "https://hooks.slack.com/services/T0/B0/x", notify_level: true },
    "notify_level must be a string",
    "notify_level",
  ],
])("400 for %j: %s", async (body, error, field) => {
  const { account } = await TestCourier.open();
  expect(refusal(await account.api("POST", "/user/slack", body))).toEqual({ status: 400, error, field });
});

test("secret store down: 503 `Configuration could not be saved`, `Retry-After: 5`", async () => {
  const { account } = await TestCourier.open();
  await env.DB.prepare("ALTER TABLE endpoints RENAME TO endpoints_").run();
  try {
    const body = { webhook_url: "https://hooks.slack.com/services/T0/B0/x" };
    const answer = await account.api("POST", "/user/slack", body);
    expect(refusal(answer)).toEqual({ status: 503, error: "Configuration could not be saved" });
    expect(answer.headers.get("Retry-After")).toBe("5");
  } finally {
    await env.DB.prepare("ALTER TABLE endpoints_ RENAME TO endpoints").run();
  }
});

test("DELETE: 200 `Slack webhook removed`, then 404 `Slack webhook is not configured`", async () => {
  const { account } = await TestCourier.open();
  await account.api("POST", "/user/slack", { webhook_url: "https://hooks.slack.com/services/T0/B0/x" });
  const removed = await account.api("DELETE", "/user/slack");
  expect(removed.status).toBe(200);
  expect(JSON.stringify(removed.body)).toBe('{"message":"Slack webhook removed","configured":false}');
  expect(refusal(await account.api("DELETE", "/user/slack"))).toEqual({
    status: 404,
    error: "Slack webhook is not configured",
  });
});

test("the address is sealed in its row, and a second call replaces it", async () => {
  const courier = await TestCourier.open();
  const keys = [newKey(), newKey()] as const;
  for (const key of keys) await courier.account.api("POST", "/user/slack", { webhook_url: slackUrl("200", key) });
  const { results } = await env.DB.prepare("SELECT * FROM endpoints WHERE account_id = ?")
    .bind(courier.account.id)
    .all();
  expect(results).toHaveLength(1);
  expect(results[0]).toMatchObject({ kind: "slack", sealed_url: expect.stringMatching(/^v1\.k1\./) });
  await courier.accept(await slackNotice(courier, "job_failed"));
  await courier.run();
  expect(await received(keys[0])).toEqual([]);
  expect(await received(keys[1])).toHaveLength(1);
});

test.each([
  ["all", ["job_failed", "job_warning", "job_skipped"]],
  ["errors_only", ["job_failed"]],
  ["warnings_only", ["job_warning", "job_skipped"]],
])("`notify_level` %s hears of %j", async (notify_level, expected) => {
  const courier = await TestCourier.open();
  const key = newKey();
  await courier.account.api("POST", "/user/slack", { webhook_url: slackUrl("200", key), notify_level });
  const types = ["job_failed", "job_warning", "job_skipped"] as const;
  await courier.accept(...(await Promise.all(types.map((type) => slackNotice(courier, type)))));
  await courier.run();
  const texts = (await received(key)).map(
    (request) => (JSON.parse(request.body) as { attachments: { text: string }[] }).attachments[0]?.text,
  );
  expect(texts.sort()).toEqual([...expected].sort());
});

test("a message is plain JSON, unsigned, and not in the delivery log", async () => {
  const courier = await TestCourier.open();
  const key = newKey();
  await courier.account.api("POST", "/user/slack", { webhook_url: slackUrl("200", key) });
  const notice = await slackNotice(courier, "job_failed");
  await courier.accept(notice);
  await courier.run();
  const [request] = await received(key);
  expect(request).toMatchObject({ method: "POST", body: notice.body });
  expect(request?.headers["content-type"]).toBe("application/json");
  expect(Object.keys(request?.headers ?? {}).filter((name) => /webhook|tornado/.test(name))).toEqual([]);
  expect(await courier.list()).toEqual([]);
  const redelivery = await courier.account.api("POST", `/webhooks/${notice.id}/redeliver`);
  expect(refusal(redelivery)).toEqual({ status: 404, error: "Webhook not found" });
});

test("one try", async () => {
  const courier = await TestCourier.open();
  const key = newKey();
  await courier.account.api("POST", "/user/slack", { webhook_url: slackUrl("500", key) });
  await courier.accept(await slackNotice(courier, "job_failed"));
  await courier.run();
  expect(await courier.run()).toBe(false);
  await courier.skip();
  expect(await received(key)).toHaveLength(1);
});

test("what was told is remembered, its bytes are not", async () => {
  const courier = await TestCourier.open();
  const key = newKey();
  await courier.account.api("POST", "/user/slack", { webhook_url: slackUrl("200", key) });
  const notice = await slackNotice(courier, "job_failed");
  await courier.accept(notice);
  await courier.run();
  expect(await courier.rows()).toMatchObject([{ id: notice.id, status: "delivered", sealed_body: null }]);
  expect(await courier.accept(notice)).toBe(0);
  expect(await courier.run()).toBe(false);
  expect(await received(key)).toHaveLength(1);
});

test("an account without a Slack is told nothing, and nothing of it is kept", async () => {
  const courier = await TestCourier.open();
  await courier.accept(await slackNotice(courier, "job_failed"));
  await courier.run();
  expect(await courier.rows()).toEqual([]);
  expect(courier.now).toBe(START);
});
