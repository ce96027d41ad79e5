/** Live jobs at the boundary: what a node is given and told, and what the client reads meanwhile. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { LeasedJob } from "../../../shared/contract/fleet.ts";
import { extractedInfo, TestNode } from "../fleet-node.ts";
import { type Account, type Json, newAccount } from "../support.ts";

const HOUR = 3_600_000;
const NOT_BEGUN = { class: "not_begun", message: "x", retry_after_seconds: null, permanent: false };

async function fleet(
  options: Json,
): Promise<{ account: Account; node: TestNode; id: string; read: () => Promise<Json> }> {
  const account = await newAccount();
  const id = await account.createJob(options);
  const read = async () => (await account.api("GET", `/jobs/${id}`)).body;
  return { account, node: await TestNode.online(account), id, read };
}

async function lease(node: TestNode, download: number, live: number): Promise<LeasedJob[]> {
  const answer = await node.call("lease", { request_id: crypto.randomUUID(), slots: { download, live } });
  expect(answer.status).toBe(200);
  return (answer.body as unknown as { jobs: LeasedJob[] }).jobs;
}

const looked = (isLive: boolean) => ({
  result: { kind: "single", info: extractedInfo({ is_live: isLive, duration_seconds: null }) },
});

describe("a live recording", () => {
  it("that was asked for is handed to a live slot, with its deadline", async () => {
    const { node, id, read } = await fleet({ live_recording: true, max_duration: 7_200 });
    expect(await lease(node, 4, 0)).toEqual([]);
    const [job] = await lease(node, 0, 1);
    expect(job).toMatchObject({ job: id, slot: "live", deadline_ms: 2.5 * HOUR });
    expect(await read()).toMatchObject({ live_recording: true, max_duration: 7_200 });
  });

  it("that shows at the look sets live_recording by itself, has six hours and a half, and no progress", async () => {
    const { node, read } = await fleet({});
    const job = await node.take();
    expect(job).toMatchObject({ slot: "download", deadline_ms: 2 * HOUR });
    expect(await read()).toMatchObject({ live_recording: false, progress: 0 });
    const answer = await node.job(job, "extracted", looked(true));
    expect(answer.body).toMatchObject({ decision: "go", deadline_ms: 6.5 * HOUR });
    await node.job(job, "step", { step: "download" });
    expect(await read()).toMatchObject({
      ...{ live_recording: true, status: "Processing", step: "Downloading", progress: null, eta_seconds: null },
      max_duration: null,
    });
    expect((await node.job(job, "release")).body).toEqual({ state: "queued" });
    expect(await lease(node, 4, 0)).toEqual([]);
    expect(await lease(node, 4, 1)).toMatchObject([{ token: "1.2", slot: "live", deadline_ms: 6.5 * HOUR }]);
  });

  it("of something that is not live is an ordinary download, and no new deadline is told", async () => {
    const { node } = await fleet({ live_recording: true });
    const [job] = await lease(node, 0, 1);
    await node.job(job as LeasedJob, "confirm");
    const answer = await node.job(job as LeasedJob, "extracted", looked(false));
    expect(Object.keys(answer.body)).toEqual(["decision", "tickets"]);
  });
});

describe("a stream that has not begun", () => {
  it("is waited for as pending, with what D1 needs to go on waiting; a plain cancel ends it", async () => {
    const { account, node, id, read } = await fleet({ wait_for_video: true });
    const job = await node.take();
    const failed = await node.job(job, "fail", { ...NOT_BEGUN, starts_in_seconds: 300 });
    expect(failed.body).toEqual({ state: "waiting" });
    expect(await read()).toMatchObject({ status: "Pending", step: "Queued", attempts: 1, error: null });
    expect(await lease(node, 4, 4)).toEqual([]);
    // A list waits until D1 has all that came before it.
    await account.api("GET", "/jobs");
    const row = await env.DB.prepare(
      "SELECT state, wait_until - starts_at AS rest, not_before - starts_at AS early FROM jobs WHERE id = ?",
    )
      .bind(id)
      .first();
    expect(row).toEqual({ state: "waiting", rest: 24 * HOUR - 300_000, early: 0 });
    expect((await account.api("DELETE", `/jobs/${id}`)).status).toBe(200);
    expect(await read()).toMatchObject({ status: "Failed", step: "Cancelled", error: "Job cancelled by user" });
  });

  it("is a warning where nobody waits for it", async () => {
    const { node, read } = await fleet({});
    expect((await node.job(await node.take(), "fail", NOT_BEGUN)).body).toEqual({ state: "warning" });
    expect(await read()).toMatchObject({ status: "Warning", error_type: "warning" });
  });

  it.each([-1, 1.5, "soon", 1e9])("and begins in %j seconds is refused, and nothing changes", async (seconds) => {
    const { node, read } = await fleet({ wait_for_video: true });
    const answer = await node.job(await node.take(), "fail", { ...NOT_BEGUN, starts_in_seconds: seconds });
    expect(answer).toMatchObject({ status: 400, body: { error: "bad_request" } });
    expect(await read()).toMatchObject({ status: "Processing" });
  });
});
