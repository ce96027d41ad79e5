/** Delivery of webhooks (jobs API 8.2): a receiver that fails, hangs, redirects and lies. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { LADDER_MS } from "../../../edge/courier/ladder.ts";
import { sendNotices } from "../../../edge/courier/send-notices.ts";
import { signatureHeaders } from "../../../edge/courier/sign.ts";
import { newKey, received, receiver, SECOND, START, TestCourier, TIMEOUT_MS } from "./support.ts";

/** One webhook to a receiver that behaves so, accepted and tried once. */
async function tried(behaviours: string, type: "job_completed" | "progress" = "job_completed") {
  const courier = await TestCourier.open();
  const key = newKey();
  const notice = await courier.notice({ type, url: receiver(behaviours, key) });
  expect(await courier.accept(notice)).toBe(1);
  await courier.run();
  return { courier, key, notice };
}

test("POST, `application/json`, the accepted bytes, signed with both schemes", async () => {
  const { courier, key, notice } = await tried("200");
  const requests = await received(key);
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({ method: "POST", url: notice.url, body: notice.body });
  const timestamp = START / 1000;
  const signed = await signatureHeaders({
    secret: await courier.secret(),
    id: notice.id,
    timestamp,
    body: notice.body,
  });
  const lowerCase = Object.fromEntries(Object.entries(signed).map(([name, value]) => [name.toLowerCase(), value]));
  expect(requests[0]?.headers).toMatchObject({ ...lowerCase, "content-type": "application/json" });
  expect(requests[0]?.headers["user-agent"]).toMatch(/^Trawl\//);
});

test("a delivered webhook is in the log with its figures", async () => {
  const { courier, notice } = await tried("200");
  expect(await courier.entry(notice.id)).toEqual({
    id: notice.id,
    type: "job_completed",
    job_id: notice.job_id,
    batch_id: null,
    url: notice.url,
    status: "delivered",
    attempts: 1,
    last_status_code: 200,
    last_error: null,
    response_time_ms: expect.any(Number),
    next_attempt_at: null,
    created_at: START,
    finished_at: START,
  });
});

test.each([200, 201, 202, 204, 226, 299])("%d is a 2xx and counts", async (status) => {
  const { courier, notice } = await tried(String(status));
  expect(await courier.entry(notice.id)).toMatchObject({ status: "delivered", last_status_code: status });
});

test.each([301, 302, 303, 304, 307, 308, 400, 401, 404, 429, 500, 503])(
  "only 2xx counts: %d does not",
  async (status) => {
    const { courier, notice } = await tried(String(status));
    expect(await courier.entry(notice.id)).toMatchObject({
      status: "pending",
      attempts: 1,
      last_status_code: status,
      last_error: `HTTP ${status}`,
      next_attempt_at: START + 5 * SECOND,
      finished_at: null,
    });
  },
);

test.each([301, 302, 303, 307, 308])("redirects are not followed: %d", async (status) => {
  const { key } = await tried(String(status));
  expect(await received(key)).toHaveLength(1);
  expect(await received(`${key}-redirected`)).toEqual([]);
});

test("8 tries down the ladder, each with the same bytes and id and a fresh timestamp, then `failed`", async () => {
  const { courier, key, notice } = await tried("500");
  const begins = [courier.now];
  for (const [index, delay] of LADDER_MS.entries()) {
    if (index === 0) continue;
    expect(await courier.entry(notice.id)).toMatchObject({ attempts: index, next_attempt_at: courier.now + delay });
    expect(await courier.alarmAt()).toBe(courier.now + delay);
    await courier.skip();
    begins.push(courier.now);
  }
  expect(await courier.entry(notice.id)).toMatchObject({
    status: "failed",
    attempts: 8,
    last_error: "HTTP 500",
    next_attempt_at: null,
    finished_at: courier.now,
  });
  expect(await courier.run()).toBe(false);
  const requests = await received(key);
  expect(requests).toHaveLength(8);
  expect(new Set(requests.map((request) => request.body))).toEqual(new Set([notice.body]));
  expect(new Set(requests.map((request) => request.headers["webhook-id"]))).toEqual(new Set([notice.id]));
  expect(requests.map((request) => Number(request.headers["webhook-timestamp"]))).toEqual(
    begins.map((begin) => begin / 1000),
  );
  // All of it within about 17 hours.
  expect((courier.now - START) / 3_600_000).toBeCloseTo(17.2, 1);
});

test("± 20 %: the dice decide inside it", async () => {
  const courier = await TestCourier.open();
  courier.random = 0;
  const notice = await courier.notice({ url: receiver("500", newKey()) });
  await courier.accept(notice);
  await courier.run();
  expect((await courier.entry(notice.id))?.next_attempt_at).toBe(START + 4 * SECOND);
});

test("a receiver that comes back gets it, and the log bears no error any more", async () => {
  const { courier, key, notice } = await tried("500,503,200");
  await courier.skip();
  await courier.skip();
  expect(await received(key)).toHaveLength(3);
  expect(await courier.entry(notice.id)).toMatchObject({
    status: "delivered",
    attempts: 3,
    last_status_code: 200,
    last_error: null,
  });
});

test("410 ends the tries", async () => {
  const { courier, key, notice } = await tried("500,410,200");
  await courier.skip();
  expect(await courier.entry(notice.id)).toMatchObject({ status: "failed", attempts: 2, last_error: "HTTP 410" });
  expect(await courier.run()).toBe(false);
  expect(await received(key)).toHaveLength(2);
});

test("`progress` gets one try", async () => {
  const { courier, notice } = await tried("500", "progress");
  expect(await courier.entry(notice.id)).toMatchObject({ type: "progress", status: "failed", attempts: 1 });
  expect(await courier.run()).toBe(false);
});

test("no answer in time is `timeout`", async () => {
  const { courier, notice } = await tried("hang,200");
  expect(await courier.entry(notice.id)).toMatchObject({
    status: "pending",
    attempts: 1,
    last_status_code: null,
    last_error: "timeout",
    response_time_ms: null,
  });
  await courier.skip();
  expect(await courier.entry(notice.id)).toMatchObject({ status: "delivered", attempts: 2 });
});

test.each([
  ["private", "private address"],
  ["own-port", "private address"],
  ["unresolvable", "unreachable"],
  ["unreachable", "unreachable"],
  ["timeout", "timeout"],
])("where the egress guard reached nobody (%s) the try has failed: %s", async (reason, error) => {
  const { courier, notice } = await tried(`egress-${reason}`);
  expect(await courier.entry(notice.id)).toMatchObject({
    status: "pending",
    last_status_code: null,
    last_error: error,
  });
});

test.each([
  [200, { status: "delivered", last_status_code: 200, last_error: null }],
  [500, { status: "pending", last_status_code: 500, last_error: "HTTP 500" }],
  [410, { status: "failed", last_status_code: 410, last_error: "HTTP 410" }],
])("a status counts though its body breaks off: %i", async (status, entry) => {
  const courier = await TestCourier.open();
  const notice = await courier.notice({ url: receiver("204", newKey()) });
  await courier.accept(notice);
  // What lies between here and a receiver of the tests would end the body as if it were whole.
  const breaking = vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    let pulls = 0;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) =>
      pulls++ === 0
        ? controller.enqueue(new Uint8Array(4))
        : controller.error(new TypeError("Network connection lost"));
    return new Response(new ReadableStream({ pull }), { status });
  });
  await courier.run();
  expect(breaking).toHaveBeenCalledOnce();
  breaking.mockRestore();
  expect(await courier.entry(notice.id)).toMatchObject({ ...entry, attempts: 1, response_time_ms: expect.any(Number) });
});

test.each(["endless", "stuck"])("a 200 counts though its body is %s", async (behaviour) => {
  const { courier, notice } = await tried(behaviour);
  expect(await courier.entry(notice.id)).toMatchObject({ status: "delivered", attempts: 1 });
});

test.each([
  ["http://127.0.0.1/in", "private address"],
  ["http://[::ffff:10.0.0.1]/in", "private address"],
  ["http://2130706433/in", "private address"],
  ["http://169.254.169.254/latest", "private address"],
  ["https://receiver.internal/in", "private address"],
  ["ftp://hooks.test/in", "invalid URL"],
])("the guard runs at each try: %s", async (url, error) => {
  const courier = await TestCourier.open();
  const notice = await courier.notice({ url });
  await courier.accept(notice);
  await courier.run();
  await courier.skip();
  expect(await courier.entry(notice.id)).toMatchObject({ status: "pending", attempts: 2, last_error: error });
});

test("each try is signed with the secret then in force", async () => {
  const { courier, key, notice } = await tried("500,200");
  const old = await courier.secret();
  await courier.account.api("POST", "/user/webhook-secret/rotate");
  await courier.skip();
  const signatures = await Promise.all(
    [
      { secret: old, timestamp: START / 1000 },
      { secret: await courier.secret(), timestamp: courier.now / 1000 },
    ].map((each) => signatureHeaders({ ...each, id: notice.id, body: notice.body })),
  );
  const requests = await received(key);
  expect(requests.map((request) => request.headers["webhook-signature"])).toEqual(
    signatures.map((headers) => headers["webhook-signature"]),
  );
  expect(requests.map((request) => request.headers["x-tornado-signature"])).toEqual(
    signatures.map((headers) => headers["X-Tornado-Signature"]),
  );
});

test("on the platform's own clock a webhook leaves without anybody's help, and its retry too", async () => {
  const courier = await TestCourier.open();
  await runInDurableObject(courier.stub, (object) => {
    // The dice shorten the first retry to four seconds; the rest of the world is the real one.
    object.world = { now: Date.now, random: () => 0, timeoutMs: TIMEOUT_MS };
  });
  const key = newKey();
  const notice = await courier.notice({ url: receiver("500,200", key), created_at: Date.now() });
  await sendNotices(env.COURIER, [notice]);
  await vi.waitFor(async () => expect(await received(key)).toHaveLength(2), { timeout: 15_000, interval: 100 });
  await vi.waitFor(async () => expect(await courier.entry(notice.id)).toMatchObject({ status: "delivered" }));
});

test("notices go to the couriers of their accounts", async () => {
  const [one, other] = [await TestCourier.open(), await TestCourier.open()];
  const notices = [await one.notice(), await other.notice(), await one.notice()];
  await sendNotices(env.COURIER, notices);
  await one.run();
  await other.run();
  expect((await one.list()).map((entry) => entry.id).sort()).toEqual([notices[0]?.id, notices[2]?.id].sort());
  expect((await other.list()).map((entry) => entry.id)).toEqual([notices[1]?.id]);
});

test("a notice that is accepted again is the same webhook: nothing is sent twice", async () => {
  const { courier, key, notice } = await tried("200");
  expect(await courier.accept(notice, notice)).toBe(0);
  expect(await courier.run()).toBe(false);
  await courier.skip();
  expect(await received(key)).toHaveLength(1);
});

test("what was accepted survives the object's eviction", async () => {
  const courier = await TestCourier.open();
  const key = newKey();
  const notice = await courier.notice({ url: receiver("500,200", key) });
  await courier.accept(notice);
  await evictDurableObject(courier.stub);
  await courier.enter();
  await courier.run();
  await evictDurableObject(courier.stub);
  await courier.enter();
  await courier.skip();
  expect(await courier.entry(notice.id)).toMatchObject({ status: "delivered", attempts: 2 });
});

test("while D1 is away nothing is tried, nothing is counted, and all of it is made good", async () => {
  const courier = await TestCourier.open();
  const key = newKey();
  const notice = await courier.notice({ url: receiver("200", key) });
  await courier.accept(notice);
  await env.DB.batch(
    ["accounts", "deliveries"].map((name) => env.DB.prepare(`ALTER TABLE ${name} RENAME TO ${name}_`)),
  );
  try {
    await courier.run();
    await courier.skip();
  } finally {
    await env.DB.batch(
      ["accounts", "deliveries"].map((name) => env.DB.prepare(`ALTER TABLE ${name}_ RENAME TO ${name}`)),
    );
  }
  expect(await received(key)).toEqual([]);
  expect((await courier.rows())[0]).toMatchObject({ status: "pending", attempts: 0 });
  await courier.skip();
  expect(await courier.entry(notice.id)).toMatchObject({ status: "delivered", attempts: 1 });
});

test("an account that is gone gets nothing any more", async () => {
  const courier = await TestCourier.open();
  const key = newKey();
  await courier.accept(await courier.notice({ url: receiver("200", key) }));
  await env.DB.prepare("UPDATE accounts SET state = 'deleting' WHERE id = ?").bind(courier.account.id).run();
  await courier.run();
  expect(await received(key)).toEqual([]);
  expect(await courier.rows()).toEqual([]);
});

test("addresses and bodies are sealed at rest, here and in D1, and bytes stay here only while they are needed", async () => {
  const courier = await TestCourier.open();
  const key = newKey();
  await courier.accept(await courier.notice({ url: receiver("500,200", key) }));
  const clear = (text: string) => text.includes("hooks.test") || text.includes("secret-link") || text.includes(key);
  const [waiting] = await courier.rows();
  expect(waiting).toMatchObject({
    sealed_url: expect.stringMatching(/^v1\.k1\./),
    sealed_body: expect.stringMatching(/^v1\.k1\./),
  });
  expect(clear(JSON.stringify(waiting))).toBe(false);
  await courier.run();
  await courier.skip();
  const logged = await env.DB.prepare("SELECT * FROM deliveries WHERE account_id = ?").bind(courier.account.id).first();
  expect(logged).toMatchObject({ sealed_url: expect.stringMatching(/^v1\.k1\./), status: "delivered" });
  expect(clear(JSON.stringify(logged))).toBe(false);
  expect((await courier.rows())[0]).toMatchObject({ status: "delivered", sealed_url: null, sealed_body: null });
});
