/** One hand-out on the node, from offer to report, when the edge or the line to it fails. */
import { readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MediaFailure } from "../../../worker-node/media/failure.ts";
import type { Extracted, YtDlpContext } from "../../../worker-node/media/ytdlp/port.ts";
import type { FakeEdge, Fault } from "./fake-edge.ts";
import { aList, endless, fakeYtDlp, startEdge, startNode, type TestNode } from "./harness.ts";

const LOST: Fault = { status: 409, error: "lease_lost" };
const REBUILDING: Fault = { status: 503, error: "rebuilding" };

/** A node whose look-ups are counted; each begins with `begun`. */
async function nodeWith(
  edge: FakeEdge,
  extract: (context: YtDlpContext) => Promise<Extracted>,
): Promise<TestNode & { looks: () => number; begun: Promise<void> }> {
  const begun = Promise.withResolvers<void>();
  let looks = 0;
  const node = await startNode(edge, {
    ytdlp: fakeYtDlp((context) => {
      looks++;
      begun.resolve();
      return extract(context);
    }),
  });
  return { ...node, begun: begun.promise, looks: () => looks };
}

/** Resolves when nothing runs any more: a slot that came free is told by a heartbeat that holds nothing. */
async function idle(edge: FakeEdge, node: TestNode): Promise<void> {
  await edge.until(() => node.node.busy === 0);
}

const namesOf = (edge: FakeEdge, job: string): string[] =>
  edge.calls.filter((call) => call.path.includes(`/jobs/${job}/`)).map((call) => call.name);

describe("an attempt", () => {
  it("confirms before it touches the source, reports what it found, and leaves nothing behind", async () => {
    const edge = await startEdge();
    let confirmedFirst = false;
    const node = await nodeWith(edge, async () => {
      confirmedFirst = edge.named("confirm").length === 1;
      return aList();
    });
    const job = edge.offer();
    const extracted = await edge.nth("extracted");
    expect(extracted.body).toMatchObject({ token: job.token, result: { kind: "list", title: "A list" } });
    await idle(edge, node);
    expect(confirmedFirst).toBe(true);
    expect(namesOf(edge, job.job)).toEqual(["confirm", "extracted"]);
    expect(await node.folders()).toEqual([]);
  });

  it("keeps the job's cookies in its folder alone, for as long as it runs, also when it fails", async () => {
    const edge = await startEdge();
    edge.on("confirm", () => ({ state: "running", cookies: ".example.com\tTRUE\t/\tTRUE\t0\tsid\tsecret\n" }));
    const seen = Promise.withResolvers<{ mode: number; text: string }>();
    const node = await nodeWith(edge, async ({ cookiesFile = "", dir }) => {
      seen.resolve({ mode: statSync(cookiesFile).mode & 0o777, text: readFileSync(cookiesFile, "utf8") });
      expect(cookiesFile.startsWith(`${dir}/`)).toBe(true);
      throw new MediaFailure("private");
    });
    edge.offer();
    expect(await seen.promise).toEqual({ mode: 0o600, text: expect.stringContaining("sid\tsecret") });
    expect((await edge.nth("fail")).body).toMatchObject({ class: "private" });
    await idle(edge, node);
    expect(await node.folders()).toEqual([]);
    expect(JSON.stringify(node.events)).not.toContain("secret");
  });

  it.each<[string, string, Fault[]]>([
    ["the confirm's answer is lost", "confirm", ["lost"]],
    ["the confirm meets an edge that is starting", "confirm", [REBUILDING, REBUILDING]],
    ["the report's answer is lost", "extracted", ["lost"]],
    ["the report meets an expired session", "extracted", [{ status: 401, error: "session_expired" }]],
  ])("goes on when %s: the call is repeated, the source is looked at once", async (_, name, faults) => {
    const edge = await startEdge();
    edge.fail(name, ...faults);
    const node = await nodeWith(edge, aList);
    const job = edge.offer();
    await edge.nth(name, faults.length + 1);
    await edge.nth("extracted");
    await idle(edge, node);
    expect(node.looks()).toBe(1);
    expect(namesOf(edge, job.job)).not.toContain("fail");
  });

  it("whose offer is gone (lease_lost on confirm) never touches the source and reports nothing", async () => {
    const edge = await startEdge();
    edge.fail("confirm", LOST);
    const node = await nodeWith(edge, endless);
    const job = edge.offer();
    await edge.nth("confirm");
    await idle(edge, node);
    expect(node.looks()).toBe(0);
    expect(namesOf(edge, job.job)).toEqual(["confirm"]);
  });

  it("that cannot confirm in time gives the offer back, and never looks at the source", async () => {
    const edge = await startEdge();
    edge.fail("confirm", "hang");
    const node = await nodeWith(edge, endless);
    const job = edge.offer({ confirm_within_ms: 60 });
    await edge.nth("confirm");
    await idle(edge, node);
    expect(node.looks()).toBe(0);
    expect(namesOf(edge, job.job)).toEqual(["confirm", "release"]);
  });

  it.each<[string, (edge: FakeEdge, held: { job: string; token: string }) => void]>([
    ["a frame on the socket", (edge, held) => edge.send({ type: "kill", attempts: [held] })],
    ["the answer to a heartbeat", (edge, held) => edge.kill.push(held)],
  ])("is killed by %s: it stops, reports nothing, and its slot is free", async (_, kill) => {
    const edge = await startEdge();
    const node = await nodeWith(edge, endless);
    await edge.socketsOpened(1);
    const { job, token } = edge.offer();
    await node.begun;
    kill(edge, { job, token });
    await idle(edge, node);
    expect(namesOf(edge, job)).toEqual(["confirm"]);
    expect(await node.folders()).toEqual([]);
    const next = edge.offer();
    await edge.until(() => namesOf(edge, next.job).includes("confirm"));
  });

  it("is not killed by a frame that names another token of its job", async () => {
    const edge = await startEdge();
    const node = await nodeWith(edge, endless);
    await edge.socketsOpened(1);
    const { job } = edge.offer({ token: "1.2" });
    await node.begun;
    edge.send({ type: "kill", attempts: [{ job, token: "1.1" }] });
    edge.kill.push({ job, token: "1.1" });
    const beats = edge.named("heartbeat").length;
    await edge.nth("heartbeat", beats + 3);
    expect(node.node.busy).toBe(1);
  });

  it("that failed reports its class once, and again if the answer was lost", async () => {
    const edge = await startEdge();
    edge.fail("fail", "lost", REBUILDING);
    const node = await nodeWith(edge, () => Promise.reject(new Error("boom")));
    edge.offer();
    await edge.nth("fail", 3);
    await idle(edge, node);
    const bodies = edge.named("fail").map((call) => call.body);
    expect(bodies).toEqual(Array(3).fill(bodies[0]));
    expect(bodies[0]).toMatchObject({ token: "1.1", class: "media", permanent: false });
  });

  it("past its deadline is ended and reported as timeout", async () => {
    const edge = await startEdge();
    const node = await nodeWith(edge, endless);
    edge.offer({ deadline_ms: 50 });
    expect((await edge.nth("fail")).body).toMatchObject({ class: "timeout", message: "Processing timed out" });
    await idle(edge, node);
  });

  it.each(["stop", "expanded"])("drops everything when the edge decides %s", async (decision) => {
    const edge = await startEdge();
    edge.on("extracted", () => ({ decision }));
    const node = await nodeWith(edge, aList);
    const job = edge.offer();
    await edge.nth("extracted");
    await idle(edge, node);
    expect(namesOf(edge, job.job)).toEqual(["confirm", "extracted"]);
  });
});

describe("the end of a node", () => {
  it("drained: what was confirmed is given back by release, and what may have been too", async () => {
    const edge = await startEdge();
    const node = await nodeWith(edge, endless);
    const confirmed = edge.offer();
    await node.begun;
    edge.fail("confirm", "hang");
    const offered = edge.offer();
    await edge.nth("confirm", 2);
    await node.node.stop("drained");
    expect(namesOf(edge, confirmed.job)).toEqual(["confirm", "release"]);
    expect(namesOf(edge, offered.job)).toEqual(["confirm", "release"]);
  });

  it("is not held up by an outcome that the edge does not hear of: only recordings are waited for", async () => {
    const edge = await startEdge();
    edge.fail("fail", ...Array<Fault>(500).fill(REBUILDING));
    const node = await nodeWith(edge, () => Promise.reject(new Error("boom")));
    edge.offer();
    await edge.nth("fail");
    await node.node.recorded();
    expect(node.node.busy).toBe(1);
    edge.mend("fail");
    await idle(edge, node);
  });

  it("quiet: it waits for what runs and takes no more, and says so", async () => {
    const edge = await startEdge();
    const gate = Promise.withResolvers<void>();
    const node = await nodeWith(edge, async () => {
      await gate.promise;
      return aList();
    });
    edge.offer();
    await node.begun;
    const drained = node.node.drain();
    await edge.until(() => edge.named("heartbeat").at(-1)?.body.state === "quiet");
    const leases = edge.named("lease").length;
    edge.send({ type: "ring" });
    const beats = edge.named("heartbeat").length;
    await edge.nth("heartbeat", beats + 4);
    expect(edge.named("lease").length).toBeLessThanOrEqual(leases + 1);
    gate.resolve();
    await drained;
    expect(edge.named("extracted")).toHaveLength(1);
    expect(edge.named("release")).toEqual([]);
  });

  it("fenced: it is told to the process, and nothing more is reported", async () => {
    const edge = await startEdge();
    const node = await nodeWith(edge, endless);
    const job = edge.offer();
    await node.begun;
    edge.fail("heartbeat", { status: 409, error: "session_fenced" });
    await edge.until(() => node.final.length > 0);
    expect(node.final[0]?.code).toBe("session_fenced");
    await node.node.stop("lost");
    expect(namesOf(edge, job.job)).toEqual(["confirm"]);
  });
});
