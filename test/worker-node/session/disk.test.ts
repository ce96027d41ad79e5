/** A node and its disk: what it begins, what it says of itself, and whose fault a full disk is. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MediaFailure } from "../../../worker-node/media/failure.ts";
import { DiskGate, MIN_FREE_DISK_MIB } from "../../../worker-node/session/disk-gate.ts";
import { aList, endless, fakeYtDlp, startEdge, startNode } from "./harness.ts";

const MIB = 1_048_576;
const ENOUGH = 10_000 * MIB;

describe("a node with little room on its disk", () => {
  it("asks for no work and says why, and takes it again when there is room", async () => {
    const edge = await startEdge();
    let free = 300 * MIB;
    const { events, node } = await startNode(edge, { ytdlp: fakeYtDlp(aList), freeBytes: async () => free });
    edge.offer();
    const beat = await edge.nth("heartbeat", 3);
    expect(beat.body).toEqual({
      holding: [],
      slots: { download: 0, live: 0 },
      state: "quiet",
      reason: "300 MiB of disk are free; it takes no work under 640 MiB",
    });
    expect(edge.named("lease")).toEqual([]);
    expect(events).toContainEqual({ event: "disk.low", fields: { free_mib: 300, min_free_mib: 512 } });
    expect(
      events.filter(({ event }) => event === "disk.low"),
      "on change, not on tick",
    ).toHaveLength(1);

    expect(node.isQuiet).toBe(true);
    free = ENOUGH;
    await edge.nth("extracted");
    expect(node.isQuiet).toBe(false);
    // Work is asked for at once, the next heartbeat comes in its own time.
    await edge.until(() => edge.named("heartbeat").at(-1)?.body.reason === undefined);
    expect(events).toContainEqual({ event: "disk.enough", fields: { free_mib: 10_000, min_free_mib: 512 } });
  });

  it("goes on with what it holds, and takes nothing beside it", async () => {
    const edge = await startEdge();
    let free = ENOUGH;
    const { node } = await startNode(edge, { ytdlp: fakeYtDlp(endless), freeBytes: async () => free });
    const first = edge.offer();
    await edge.nth("confirm");
    free = 0;
    await edge.until(() => edge.named("heartbeat").at(-1)?.body.state === "quiet");
    // Not before: a lease that was asked for while there was room would take it.
    edge.offer();
    const beats = edge.named("heartbeat").length;
    await edge.nth("heartbeat", beats + 3);
    expect(edge.named("heartbeat").at(-1)?.body.holding).toEqual([{ job: first.job, token: first.token }]);
    expect(node.busy).toBe(1);
  });
});

describe("the mark", () => {
  const gate = (look: () => number, minFreeMib?: number) =>
    new DiskGate({ dir: "/", minFreeMib, free: async () => look() * MIB, log: () => {} });

  it("is passed upwards only with a quarter more, so that a node does not come and go", async () => {
    let free = MIN_FREE_DISK_MIB;
    const disk = gate(() => free);
    expect(await disk.look()).toBeNull();
    free = MIN_FREE_DISK_MIB - 1;
    expect(await disk.look()).toContain("511 MiB");
    free = MIN_FREE_DISK_MIB * 1.25 - 1;
    expect(await disk.look()).not.toBeNull();
    free += 1;
    expect(await disk.look()).toBeNull();
  });

  it("is the operator's to set, and 0 is none", async () => {
    expect(await gate(() => 900, 1_000).look()).not.toBeNull();
    expect(await gate(() => 0, 0).look()).toBeNull();
  });

  it("is not reached by a disk that cannot be asked", async () => {
    const disk = new DiskGate({ dir: "/", free: () => Promise.reject(new Error("EIO")), log: () => {} });
    expect(await disk.look()).toContain("0 MiB");
  });
});

describe("a full disk", () => {
  /** What the edge hears of a job that ended so, when this much is free once its files are gone. */
  async function reported(freeAfter: number): Promise<unknown> {
    const edge = await startEdge();
    let free = ENOUGH;
    const ytdlp = fakeYtDlp(async ({ dir }) => {
      writeFileSync(`${dir}/part`, "bytes");
      free = freeAfter;
      throw new MediaFailure("disk");
    });
    const { folders } = await startNode(edge, { ytdlp, freeBytes: async () => free });
    edge.offer();
    const { body } = await edge.nth("fail");
    expect(await folders()).toEqual([]);
    return body;
  }

  it("is the job's own doing where there is room once its files are gone", async () => {
    expect(await reported(ENOUGH)).toMatchObject({ class: "disk", message: "Worker node ran out of disk space" });
  });

  it("is the node's fault where there is none: the job has done nothing", async () => {
    expect(await reported(200 * MIB)).toMatchObject({
      class: "node_fault",
      message: "Worker node ran out of disk space",
      permanent: false,
    });
  });
});

describe("a node that cannot write to its work folder", () => {
  it("reports a fault of its own, and no failure of the job", async () => {
    const edge = await startEdge();
    const node = await startNode(edge, { ytdlp: fakeYtDlp(aList) });
    // A file stands where the folder of attempts was; even root makes no folder in it.
    rmSync(node.workRoot, { recursive: true });
    writeFileSync(node.workRoot, "");
    edge.offer();
    expect((await edge.nth("fail")).body).toMatchObject({
      class: "node_fault",
      message: "The worker node cannot write to its work folder",
    });
    rmSync(node.workRoot);
    mkdirSync(node.workRoot);
    chmodSync(node.workRoot, 0o700);
    edge.offer();
    await edge.nth("extracted");
  });
});
