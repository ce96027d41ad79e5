/** Bodies that nest deeper than a stack, or do not end where they should (jobs API 1.2). */
import { beforeAll, describe, expect, it } from "vitest";
import { type Account, newAccount, refusal } from "../support.ts";

let account: Account;
beforeAll(async () => {
  account = await newAccount();
});

const URL = "https://media.example.com/v1";
const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;

describe.each(["/jobs", "/jobs/bulk", "/metadata", "/user/slack"])("POST %s", (path) => {
  it.each(["unknown", "metadata", "tags"])("with %s nested 200,000 deep is 400 Invalid JSON body", async (field) => {
    const body = `{"url":"${URL}","jobs":[{"url":"${URL}"}],"${field}":${nested(200_000)}}`;
    const answer = await account.api("POST", path, body, { "x-idempotency-key": `deep-${field}` });
    expect(refusal(answer)).toEqual({ status: 400, error: "Invalid JSON body" });
  });
});

it("takes and echoes metadata as deep as its 4,096 bytes allow, under an idempotency key too", async () => {
  const metadata = JSON.parse(`{"a":${nested(2_040)}}`) as object;
  const headers = { "x-idempotency-key": "deep-metadata" };
  const made = await account.api<{ job_id: string }>("POST", "/jobs", { url: URL, metadata }, headers);
  expect(made.status).toBe(201);
  const job = await account.api("GET", `/jobs/${made.body.job_id}`);
  expect(JSON.stringify(job.body.metadata)).toBe(JSON.stringify(metadata));
});

it("brackets inside of strings are no nesting", async () => {
  const body = `{"url":"${URL}","unknown":"${'[{\\"'.repeat(5_000)}"}`;
  expect((await account.api("POST", "/jobs", body)).status).toBe(201);
});

it("a retry's body of unannounced length is given up at 1 MiB", async () => {
  const id = await account.createJob();
  const chunk = new TextEncoder().encode(" ".repeat(100_000));
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1;
      if (sent > 1_000) controller.close();
      else controller.enqueue(chunk);
    },
  });
  const answer = await account.stream(`/jobs/${id}/retry`, endless);
  expect(refusal(answer)).toEqual({ status: 413, error: "Request body is too large (max 1 MiB)" });
  expect(sent).toBeLessThan(100);
});
