/** The loops of one link: heartbeat, lease, progress, socket; each survives whatever the edge does. */

import { describe, expect, it } from "vitest";
import type { Slots } from "../../../shared/contract/fleet.ts";
import type { Fault } from "./fake-edge.ts";
import { aList, endless, fakeYtDlp, startEdge, startNode } from "./harness.ts";

const REBUILDING: Fault = { status: 503, error: "rebuilding" };

describe("heartbeats", () => {
  it("name all that the session holds and its free room, at the interval that the edge dictates", async () => {
    const edge = await startEdge();
    const node = await startNode(edge, {});
    const job = edge.offer();
    await edge.until(() => (edge.named("heartbeat").at(-1)?.body.holding as unknown[])?.length === 1);
    expect(edge.named("heartbeat").at(-1)?.body).toEqual({
      holding: [{ job: job.job, token: job.token }],
      slots: { download: 1, live: 4 },
      state: "running",
    });
    edge.intervals = { ...edge.intervals, heartbeat_ms: 5 };
    await edge.nth("heartbeat", edge.named("heartbeat").length + 10);
    expect(node.node.busy).toBe(1);
  });

  it.each<[string, Fault]>([
    ["refused", "refused"],
    ["lost", "lost"],
    ["of another shape", "garbage"],
    ["503", REBUILDING],
  ])("go on after answers that were %s, and the work with them", async (_, fault) => {
    const edge = await startEdge();
    const node = await startNode(edge, {});
    edge.offer();
    await edge.nth("confirm");
    const beats = edge.named("heartbeat").length;
    edge.fail("heartbeat", fault, fault);
    await edge.nth("heartbeat", beats + 5);
    expect(node.node.busy).toBe(1);
  });
});

describe("leases", () => {
  it("ask for free slots only, with a fresh request id each time, and the same one in a repeat", async () => {
    const edge = await startEdge();
    edge.fail("lease", "lost", REBUILDING);
    await startNode(edge, {});
    await edge.nth("lease", 4);
    const ids = edge.named("lease").map((call) => call.body.request_id);
    expect(new Set(ids.slice(0, 3)).size).toBe(1);
    expect(ids[3]).not.toBe(ids[0]);
    edge.offer();
    edge.offer();
    await edge.nth("confirm", 2);
    const slots = () => edge.named("lease").at(-1)?.body.slots as Slots;
    await edge.until(() => slots().download === 0);
    expect(slots(), "room for what records is left").toEqual({ download: 0, live: 4 });
    for (let count = 0; count < 4; count++) edge.offer({ slot: "live" });
    await edge.nth("confirm", 6);
    const asked = edge.named("lease").length;
    await edge.nth("heartbeat", edge.named("heartbeat").length + 4);
    expect(edge.named("lease").length, "a full node asks no more").toBeLessThanOrEqual(asked + 1);
  });

  it("take a job that a repeated answer names twice only once", async () => {
    const edge = await startEdge();
    const node = await startNode(edge, {});
    const job = edge.offer();
    edge.offers.push(job);
    await edge.nth("confirm");
    await edge.nth("heartbeat", edge.named("heartbeat").length + 2);
    expect(edge.named("confirm")).toHaveLength(1);
    expect(node.node.busy).toBe(1);
  });

  it("follow a ring at once, long before the poll", async () => {
    const edge = await startEdge();
    edge.intervals = { ...edge.intervals, poll_ms: 600_000 };
    await startNode(edge, { ytdlp: fakeYtDlp(aList) });
    await edge.socketsOpened(1);
    await edge.nth("lease");
    const job = edge.offer();
    edge.send({ type: "ring" });
    await edge.until(() => edge.calls.some((call) => call.path.includes(job.job)));
  });

  it("follow a slot that came free", async () => {
    const edge = await startEdge();
    edge.intervals = { ...edge.intervals, poll_ms: 600_000 };
    await startNode(edge, { ytdlp: fakeYtDlp(aList) });
    for (let n = 0; n < 3; n++) edge.offer();
    await edge.nth("extracted", 3);
  });
});

describe("the socket", () => {
  it("comes back after it was closed, cut or refused, with the session's key each time", async () => {
    const edge = await startEdge();
    edge.fail("socket", { status: 503, error: "x" });
    await startNode(edge, {});
    await edge.socketsOpened(1);
    edge.endSockets("close");
    await edge.socketsOpened(2);
    edge.endSockets("destroy");
    await edge.socketsOpened(3);
    expect(edge.named("socket").every((call) => call.sessionKey?.startsWith("1."))).toBe(true);
    expect(edge.named("socket")[0]?.path).toBe("/fleet/v1/partitions/p1%3Aauto%3A0/socket");
  });

  it("ignores what is no frame of the protocol", async () => {
    const edge = await startEdge();
    const node = await startNode(edge, {});
    await edge.socketsOpened(1);
    for (const text of ["", "x", "{}", '{"type":"shutdown"}', '{"type":"kill","attempts":[{"job":"x","token":"1"}]}']) {
      edge.send(text);
    }
    edge.offer();
    edge.send({ type: "ring" });
    await edge.nth("confirm");
    expect(node.node.busy).toBe(1);
  });

  it("does not hold up a node that is told to stop while the edge is out of reach", async () => {
    const edge = await startEdge();
    edge.fail("socket", "hang");
    const { node, stop, ended } = await startNode(edge, {});
    await edge.socketsOpened(1);
    const { job, token } = edge.offer();
    await edge.nth("confirm");
    // The node hears the socket: it is open at both ends.
    edge.send({ type: "kill", attempts: [{ job, token }] });
    await edge.until(() => node.busy === 0);
    await node.stop("lost");
    stop();
    await ended;
  });

  it("is not needed: without it work is polled for, done and reported", async () => {
    const edge = await startEdge();
    edge.fail("socket", ...Array<Fault>(500).fill({ status: 503, error: "x" }));
    await startNode(edge, { ytdlp: fakeYtDlp(aList) });
    edge.offer();
    await edge.nth("extracted");
    expect(edge.named("socket")).toEqual([]);
  });
});

describe("losing touch", () => {
  it("a node that heard nothing for a TTL goes on working, and is asked again when the edge is back", async () => {
    const edge = await startEdge();
    edge.intervals = { ...edge.intervals, lease_ttl_ms: 60, heartbeat_ms: 10 };
    const node = await startNode(edge, { ytdlp: fakeYtDlp(endless) });
    edge.offer();
    await edge.nth("confirm");
    edge.fail("heartbeat", ...Array<Fault>(8).fill("refused"));
    await edge.until(() => node.events.some((each) => each.event === "heartbeat.failed"));
    await edge.nth("heartbeat", edge.named("heartbeat").length + 9);
    expect(node.node.busy).toBe(1);
    expect(node.final).toEqual([]);
  });
});

describe("a node whose session is quiet", () => {
  it("asks for no work and says that it is quiet, until it has told of newer tools", async () => {
    const edge = await startEdge();
    edge.quiet = "yt-dlp 2026.05.01 is older than 2026.07.04";
    const { node, session, events } = await startNode(edge, {});
    await edge.nth("heartbeat", 3);
    expect(edge.named("heartbeat").map((call) => call.body.state)).toEqual(Array(3).fill("quiet"));
    expect(edge.named("lease")).toEqual([]);
    expect(events).toContainEqual({ event: "session.quiet", fields: { reason: edge.quiet } });
    edge.quiet = null;
    await session.renew();
    node.askForWork();
    await edge.nth("lease");
    expect(edge.named("sessions").map((call) => call.body.resume)).toEqual([null, 1]);
    await edge.until(() => edge.named("heartbeat").at(-1)?.body.state === "running");
  });
});
