/** The fleet protocol: one attempt from lease to outcome, and every report that comes too late. */
import { describe, expect, it, vi } from "vitest";
import { LeaseAnswer, type LeasedJob } from "../../../shared/contract/fleet.ts";
import { extractedInfo, manifestOf, putPart, TestNode } from "../fleet-node.ts";
import { type Account, call, type Json, newAccount, readStream, store } from "../support.ts";

async function fleet(): Promise<{ account: Account; node: TestNode; id: string }> {
  const account = await newAccount();
  const id = await account.createJob({ folder: "talks", filename: "A talk" });
  return { account, node: await TestNode.online(account), id };
}

/** Waits for the job's terminal event. */
async function ended(account: Account, id: string): Promise<Json> {
  const events = await readStream(await call(`/jobs/${id}/events`, { headers: { "x-api-key": account.key } }));
  expect(events.at(-1)?.event).toMatch(/^job\.(completed|failed|warning|skipped|cancelled)$/);
  return (await account.api("GET", `/jobs/${id}`)).body;
}

const LOST = { status: 409, body: { error: "lease_lost", message: expect.any(String) } };
const FAILURE = { message: "x", retry_after_seconds: null, permanent: false };

describe("an attempt that succeeds", () => {
  it("is leased, confirmed, looked up, uploaded, completed; the client sees each state", async () => {
    const { account, node, id } = await fleet();
    const read = async () => (await account.api("GET", `/jobs/${id}`)).body;
    const [job] = await node.lease();
    expect(job).toMatchObject({
      job: id,
      token: "1.1",
      url: "https://media.example.com/v1",
      confirm_within_ms: 15_000,
    });
    expect(await read()).toMatchObject({ status: "Pending", step: "Queued", attempts: 0, node_id: null });
    const leased = job as LeasedJob;
    expect((await node.job(leased, "confirm")).body).toEqual({ state: "running" });
    expect(await read()).toMatchObject({ status: "Processing", step: "Downloading", attempts: 1, node_id: "fra-07" });
    expect((await node.job(leased, "step", { step: "upload" })).body).toEqual({ state: "running" });
    expect(await read()).toMatchObject({ step: "Uploading", progress: 66 });
    const complete = await node.deliver(leased, "media bytes");
    expect(complete).toMatchObject({ status: 200, body: { state: "finishing" } });
    expect(await ended(account, id)).toMatchObject({
      status: "Completed",
      step: "Finished",
      progress: 100,
      title: "A talk",
      description: "Recorded on stage",
      release_date: "2026-10-25T00:00:00Z",
      file_size: 11,
      actual_quality: "1080p",
      download_speed_mbps: 15,
      error: null,
      files: [{ kind: "media", key: "videos/talks/A talk.mp4", size: 11, content_type: "video/mp4" }],
    });
    const again = await node.job(leased, "complete", { manifest: await manifestOf("x", "other", "e") });
    expect(again, "the winner hears the stored outcome").toMatchObject({ status: 200, body: { state: "completed" } });
    expect(await node.job(leased, "fail", { class: "media", ...FAILURE })).toMatchObject({
      body: { state: "completed" },
    });
    expect(await read()).toMatchObject({ status: "Completed" });
  });

  it("may leave the hash to a store that counts by itself", async () => {
    const { account, node, id } = await fleet();
    const job = await node.take();
    const looked = await node.job(job, "extracted", { result: { kind: "single", info: extractedInfo() } });
    const [ticket] = (looked.body as { tickets: { upload_id: string; urls: { url: string }[] }[] }).tickets;
    expect(ticket).toMatchObject({ counts_sha256: true });
    const put = await putPart(ticket?.urls[0]?.url ?? "", "bytes");
    const manifest = await manifestOf(ticket?.upload_id ?? "", "bytes", put.headers.get("etag") ?? "");
    const [{ sha256, ...file } = {}] = manifest.files as Json[];
    const complete = await node.job(job, "complete", { manifest: { ...manifest, files: [file] } });
    expect(complete).toMatchObject({ status: 200, body: { state: "finishing" } });
    expect(await ended(account, id)).toMatchObject({ status: "Completed", files: [{ sha256 }] });
  });

  it("may repeat each call: the same lease, confirm, look-up and ticket, no second upload", async () => {
    const { node } = await fleet();
    const requestId = crypto.randomUUID();
    const [first] = await node.lease(requestId);
    expect(await node.lease(requestId)).toEqual([{ ...first, confirm_within_ms: expect.any(Number) }]);
    expect(await node.lease()).toEqual([]);
    const job = first as LeasedJob;
    for (const _ of [1, 2]) expect((await node.job(job, "confirm")).body).toEqual({ state: "running" });
    const result = { kind: "single", info: extractedInfo() };
    const looks = [await node.job(job, "extracted", { result }), await node.job(job, "extracted", { result })];
    const uploads = looks.map((look) => (look.body as { tickets: { upload_id: string }[] }).tickets[0]?.upload_id);
    expect(uploads[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(uploads[1]).toBe(uploads[0]);
    const ticket = await node.job(job, "ticket", {
      kind: "media",
      language: null,
      size: 20_000_000,
      upload_id: uploads[0],
      from_part: 2,
    });
    expect(ticket.body).toMatchObject({
      ticket: { upload_id: uploads[0], part_size: 8_388_608, urls: [{ part_number: 2 }, { part_number: 3 }] },
    });
  });

  it("gets no more jobs than it has room for, each with what the contract says", async () => {
    const account = await newAccount();
    for (let n = 0; n < 3; n++) await account.createJob();
    const node = await TestNode.online(account);
    const two = await node.lease(crypto.randomUUID(), 2);
    expect(two).toHaveLength(2);
    expect(() => LeaseAnswer.parse({ jobs: two })).not.toThrow();
    expect(await node.lease(crypto.randomUUID(), 0)).toEqual([]);
    expect(await node.lease(crypto.randomUUID(), 5)).toHaveLength(1);
  });

  it("serves its own account only, if its enrolment says so", async () => {
    const { node } = await fleet();
    const other = await newAccount();
    await other.createJob();
    const jobs = await node.lease();
    expect(jobs).toHaveLength(1);
  });
});

describe("an attempt that fails", () => {
  it.each<[failureClass: string, status: string, errorType: string]>([
    ["removed", "Warning", "warning"],
    ["drm", "Skipped", "warning"],
    ["clip", "Failed", "error"],
  ])("for good (%s) ends the job as %s with its text, once", async (failureClass, status, errorType) => {
    const { account, node, id } = await fleet();
    const job = await node.take();
    const report = { ...FAILURE, class: failureClass, message: "yt-dlp: /tmp/a/b is gone" };
    for (const _ of [1, 2]) expect((await node.job(job, "fail", report)).status).toBe(200);
    expect(await ended(account, id)).toMatchObject({
      status,
      step: "Finished",
      error_type: errorType,
      error: "downloader: is gone",
    });
  });

  it("but may be repeated goes back to Pending, and its token is stale", async () => {
    const { account, node, id } = await fleet();
    const job = await node.take();
    expect((await node.job(job, "fail", { ...FAILURE, class: "network" })).body).toEqual({ state: "delayed" });
    expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({
      status: "Pending",
      error: null,
      attempts: 1,
    });
    for (const name of ["confirm", "step", "release"]) {
      expect(await node.job(job, name, { step: "mux" })).toMatchObject(LOST);
    }
  });

  it("takes back an upload of which the store has heard and nobody had its answer", async () => {
    const { account, node, id } = await fleet();
    const job = await node.take();
    const key = `@${account.id}/videos/talks/A talk.mp4`;
    const fault = { call: "begin", key, times: 2, status: 503, done: true };
    await store("POST", "fault", JSON.stringify({ ...fault, answer: { error: "unavailable" } }));
    const result = { kind: "single", info: extractedInfo() };
    expect((await node.job(job, "extracted", { result })).body).toEqual({ decision: "stop" });
    await vi.waitFor(async () => {
      const { uploads } = await store<{ uploads: { job: string }[] }>("GET", "list");
      expect(uploads.filter((upload) => upload.job === id)).toEqual([]);
    });
  });

  it("by release costs nothing: the job waits again and is handed out under the next token", async () => {
    const { account, node, id } = await fleet();
    const job = await node.take();
    expect((await node.job(job, "release")).body).toEqual({ state: "queued" });
    expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({ status: "Pending" });
    const next = await node.take();
    expect(next).toMatchObject({ job: id, token: "1.2" });
    expect(await node.job(job, "complete", { manifest: await manifestOf("x", "y", "z") })).toMatchObject(LOST);
  });
});

describe("a report is refused", () => {
  it("with 409 lease_lost for another node's job, an older token, a token of the future, an unknown job", async () => {
    const { account, node, id } = await fleet();
    const job = await node.take();
    const other = await TestNode.online(account);
    expect(await other.job(job, "step", { step: "mux" })).toMatchObject(LOST);
    for (const token of ["0.1", "1.0", "1.2", "2.1"]) {
      expect(await node.job({ job: id, token }, "step", { step: "mux" })).toMatchObject(LOST);
    }
    const unknown = { job: "01a2310c-0100-726b-b2a7-4de452e6b438", token: "1.1" };
    expect(await node.job(unknown, "step", { step: "mux" })).toMatchObject(LOST);
  });

  it.each<[string, string, Json]>([
    ["a token of another form", "confirm", { token: "1" }],
    ["no token", "confirm", { token: null }],
    ["an unknown step", "step", { step: "cook" }],
    ["an unknown failure class", "fail", { ...FAILURE, class: "tired" }],
    [
      "a title that is too long",
      "extracted",
      { result: { kind: "single", info: extractedInfo({ title: "a".repeat(501) }) } },
    ],
    ["an empty manifest", "complete", { manifest: { files: [] } }],
  ])("with 400 bad_request for %s, and nothing changes", async (_, name, body) => {
    const { account, node, id } = await fleet();
    const job = await node.take();
    expect(await node.job(job, name, body)).toMatchObject({ status: 400, body: { error: "bad_request" } });
    expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({ status: "Processing" });
  });

  it("with 400 for a manifest that names an upload of nobody, or whose parts do not add up", async () => {
    const { account, node, id } = await fleet();
    const job = await node.take();
    const result = { kind: "single", info: extractedInfo() };
    const looked = await node.job(job, "extracted", { result });
    const [ticket] = (looked.body as { tickets: { upload_id: string }[] }).tickets;
    const honest = await manifestOf(ticket?.upload_id ?? "", "bytes", "e");
    const [file] = honest.files as Json[];
    for (const files of [
      [{ ...file, upload_id: "0".repeat(32) }],
      [{ ...file, size: 6 }],
      [{ ...file, kind: "subtitle" }],
    ]) {
      const answer = await node.job(job, "complete", { manifest: { ...honest, files } });
      expect(answer).toMatchObject({ status: 400, body: { error: "bad_request" } });
    }
    expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({ status: "Processing" });
  });

  it("with 400 for a ticket before the look-up, with 404 for a job id that is none", async () => {
    const { node } = await fleet();
    const job = await node.take();
    const ask = { kind: "media", language: null, size: null, upload_id: null, from_part: 1 };
    expect(await node.job(job, "ticket", ask)).toMatchObject({ status: 400, body: { error: "bad_request" } });
    expect(await node.job({ ...job, job: "nope" }, "confirm")).toMatchObject({
      status: 404,
      body: { error: "not_found" },
    });
  });
});
