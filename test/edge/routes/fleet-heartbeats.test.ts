/** The fleet protocol: heartbeats, and the socket that carries only what may be lost. */
import { describe, expect, it } from "vitest";
import { PARTITION_PATH, TestNode } from "../fleet-node.ts";
import { type Account, call, newAccount, readStream } from "../support.ts";

async function fleet(): Promise<{ account: Account; node: TestNode; id: string }> {
  const account = await newAccount();
  const id = await account.createJob({ folder: "talks", filename: "A talk" });
  return { account, node: await TestNode.online(account), id };
}

const FAILURE = { message: "x", retry_after_seconds: null, permanent: false };

describe("a heartbeat", () => {
  it("names what the session holds no more, so that its node kills it", async () => {
    const { node } = await fleet();
    const job = await node.take();
    const held = { job: job.job, token: job.token };
    expect((await node.heartbeat([held])).body).toMatchObject({ kill: [], intervals: { lease_ttl_ms: 60_000 } });
    const unknown = { job: "01a2310c-0100-726b-b2a7-4de452e6b438", token: "1.1" };
    expect((await node.heartbeat([held, unknown])).body.kill).toEqual([unknown]);
    const stale = { job: job.job, token: "1.9" };
    expect((await node.heartbeat([stale])).body.kill).toEqual([stale]);
  });

  it("dictates a faster pace while somebody reads the job", async () => {
    const { account, node, id } = await fleet();
    const job = await node.take();
    const held = [{ job: job.job, token: job.token }];
    await account.api("GET", `/jobs/${id}`);
    expect((await node.heartbeat(held)).body).toMatchObject({ intervals: { progress_ms: 1_000 } });
    expect((await node.heartbeat([])).body).toMatchObject({ intervals: { progress_ms: 10_000 } });
  });
});

describe("the socket", () => {
  it("rings a node when work arrives, takes progress, and ignores what the protocol does not have", async () => {
    const account = await newAccount();
    const node = await TestNode.online(account);
    await node.heartbeat();
    const { socket: webSocket, first } = await node.connect();
    const id = await account.createJob();
    expect(await first).toEqual({ type: "ring" });
    const job = await node.take();
    const stream = await call(`/jobs/${id}/events`, { headers: { "x-api-key": account.key } });
    webSocket.send("no json");
    webSocket.send(JSON.stringify({ type: "shutdown" }));
    const entry = { step: "download", fraction: 0.5, eta_seconds: 9, speed_bytes_per_second: 1_000 };
    webSocket.send(JSON.stringify({ type: "progress", jobs: [{ job: id, token: "1.9", ...entry, fraction: 0.9 }] }));
    webSocket.send(JSON.stringify({ type: "progress", jobs: [{ job: id, token: job.token, ...entry }] }));
    const seen = readStream(stream);
    await untilProgress(account, id);
    await node.job(job, "fail", { ...FAILURE, class: "removed" });
    expect((await seen).map((each) => [each.event, each.data.progress ?? null])).toEqual([
      ["snapshot", null],
      ["job.progress", 16.5],
      ["job.warning", 0],
    ]);
    webSocket.close();
  });

  it("without an upgrade is 400", async () => {
    const node = await TestNode.online(await newAccount());
    const headers = { authorization: `Bearer ${node.session?.session_key}` };
    expect((await call(`${PARTITION_PATH}/socket`, { headers })).status).toBe(400);
  });
});

/** A frame on a socket has no answer: the job's own view tells when it has arrived. */
async function untilProgress(account: Account, id: string): Promise<void> {
  for (;;) {
    const { body } = await account.api("GET", `/jobs/${id}`);
    if (body.eta_seconds !== null) return expect(body).toMatchObject({ eta_seconds: 9, speed_bytes_per_second: 1_000 });
  }
}
