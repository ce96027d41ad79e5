/** What the stack writes while it works (operator's manual, TRAWL_LOG): one line a change, ids on both sides, no secret. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type Origin, startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import type { LogEvent } from "./harness/log-lines.ts";
import { Stack } from "./harness/stack.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SECRET = "a-value-that-no-line-may-have";

let origin: Origin;
let stack: Stack;

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  stack = await Stack.start({ slots: 1, env: { TRAWL_LOG: "debug" } });
});

test("edge and node tell of an attempt with the same ids and the caller's trace", async () => {
  const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
  const created = await stack.api.call<{ job_id: string }>("POST", "/jobs", {
    body: { url: `${origin.url}/video-360.mp4` },
    headers,
  });
  const job = created.body.job_id;
  expect(await stack.api.finished(job)).toMatchObject({ status: "Completed" });
  const mine = (event: LogEvent) => event.job === job;
  // Only the edge knows what the job is afterwards.
  const edge = await stack.log.waitFor("attempt.ended", (event) => mine(event) && event.state !== undefined);
  const node = await stack.log.waitFor("attempt.ended", (event) => mine(event) && event.state === undefined);
  const ready = await stack.log.waitFor("node.ready");
  expect(edge).toMatchObject({ outcome: "completed", state: "completed", level: "info" });
  for (const line of [edge, node]) {
    expect(line).toMatchObject({ job, attempt: expect.stringMatching(/^\d+\.1$/), node: ready.node, trace: TRACE });
  }
  expect(node.attempt).toBe(edge.attempt);
});

test("no line holds a key, a token, a cookie, or the query of anybody's URL", async () => {
  const job = await stack.api.finished(
    await stack.api.create({
      url: `${origin.url}/status/404/video-360.mp4?token=${SECRET}-url&apikey=${SECRET}-api`,
      cookies: `127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t${SECRET}-cookie`,
      webhook_url: `${origin.url}/status/410?signature=${SECRET}-hook`,
    }),
  );
  expect(job.status).not.toBe("Completed");
  await stack.log.waitFor("attempt.failed", (event) => event.job === job.id);
  await stack.log.waitFor("attempt.ended", (event) => event.job === job.id && event.state !== undefined);
  // Something that the edge refuses, with a key that it does not know.
  await fetch(`${stack.url}/jobs`, { headers: { "x-api-key": `sk_${SECRET}-key` } });
  await fetch(`${stack.url}/admin/nodes`, { headers: { authorization: `Bearer adm_${SECRET}-admin` } });
  expect(await stack.stop()).toBe(0);

  const kept = JSON.parse(await readFile(join(stack.data, "credentials.json"), "utf8")) as Record<string, string>;
  const identity = JSON.parse(await readFile(join(stack.data, "node", "identity.json"), "utf8")) as {
    private_key: string;
  };
  const { api_key, admin_token, secret, kek, store_secret } = kept;
  const secrets = [SECRET, api_key, admin_token, secret, kek, store_secret, identity.private_key.split("\n")[1]];
  for (const each of secrets) expect(each?.length ?? 0).toBeGreaterThan(20);
  for (const line of stack.log.lines) for (const each of secrets) expect(line).not.toContain(each);
});

test("each line is one JSON object with its time, its level and an event named noun.verb", () => {
  expect(stack.log.lines.length).toBeGreaterThan(10);
  for (const line of stack.log.lines) {
    expect(JSON.parse(line)).toMatchObject({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: expect.stringMatching(/^(?:debug|info|warn|error)$/),
      event: expect.stringMatching(/^[a-z_]+\.[a-z_]+$/),
    });
  }
});
