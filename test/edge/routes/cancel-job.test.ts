/** `DELETE /jobs/{id}` (jobs API 3.7). */
import { describe, expect, it } from "vitest";
import { TestNode } from "../fleet-node.ts";
import { newAccount, refusal } from "../support.ts";

const REFUSED = { status: 400, error: "Job cannot be cancelled (not in queue or already processing)" };
const CANCELLED = {
  status: "Failed",
  step: "Cancelled",
  error: "Job cancelled by user",
  error_type: "error",
  finished_at: expect.any(Number),
};

describe("cancelling", () => {
  it("a pending job: 200, seen at once, and no node ever gets it", async () => {
    const account = await newAccount();
    const id = await account.createJob();
    const answer = await account.api("DELETE", `/jobs/${id}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "Job cancelled successfully", job_id: id });
    expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject(CANCELLED);
    const node = await TestNode.online(account);
    expect(await node.lease()).toEqual([]);
  });

  it("an offered job that no node has confirmed is still pending: 200, and the confirm comes too late", async () => {
    const account = await newAccount();
    const id = await account.createJob();
    const node = await TestNode.online(account);
    const [offer] = await node.lease();
    expect(offer?.job).toBe(id);
    expect((await account.api("DELETE", `/jobs/${id}`)).status).toBe(200);
    const confirm = await node.job({ job: id, token: offer?.token ?? "" }, "confirm");
    expect(confirm).toMatchObject({ status: 409, body: { error: "lease_lost" } });
  });

  it("a running job: 400, with ?force=true 200, and what its node reports later changes nothing", async () => {
    const account = await newAccount();
    const id = await account.createJob();
    const node = await TestNode.online(account);
    const job = await node.take();
    expect(refusal(await account.api("DELETE", `/jobs/${id}`))).toEqual(REFUSED);
    expect(refusal(await account.api("DELETE", `/jobs/${id}?force=false`))).toEqual(REFUSED);
    expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({ status: "Processing", step: "Downloading" });
    expect((await account.api("DELETE", `/jobs/${id}?force=true`)).status).toBe(200);
    expect((await node.heartbeat([{ job: id, token: job.token }])).body).toMatchObject({
      kill: [{ job: id, token: job.token }],
    });
    const failed = await node.job(job, "fail", {
      class: "network",
      message: "x",
      retry_after_seconds: null,
      permanent: false,
    });
    expect(failed).toMatchObject({ status: 409, body: { error: "lease_lost" } });
    expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject(CANCELLED);
  });

  it("a job that is over: 400, with force too, and it stays as it is", async () => {
    const account = await newAccount();
    const id = await account.createJob();
    await account.api("DELETE", `/jobs/${id}`);
    const before = (await account.api("GET", `/jobs/${id}`)).body;
    for (const query of ["", "?force=true"]) {
      expect(refusal(await account.api("DELETE", `/jobs/${id}${query}`))).toEqual(REFUSED);
    }
    expect((await account.api("GET", `/jobs/${id}`)).body).toEqual(before);
  });
});
