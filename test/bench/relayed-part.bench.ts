/**
 * What the MD5 of a part costs the Worker that passes it on to R2's binding (docs/decisions/116): processor time of workerd for
 * 1 GiB in parts under grants that ask for it, against grants that do not. R2 itself works in that process here, and counts on
 * both sides; the difference is ours.
 */
import { createHash, randomFillSync } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { EdgeRelay } from "../storage/peers/edge-relay.ts";
import { type Bench, inTurn, type Row } from "./bench.ts";

const MIB = 1_048_576;
const PART_BYTES = 32 * MIB;
const PARTS = 4;
const TO_GIB = 1024 / ((PART_BYTES / MIB) * PARTS);
const RUNS = 7;
/** `sysconf(_SC_CLK_TCK)` of every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const BUCKET = "files";

/** Milliseconds of processor time that our child has used, user and system. */
async function usedBy(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, "latin1")).split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

async function workerd(): Promise<number> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const [head = "", rest = ""] = (await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "")).split(") ");
    if (head.endsWith("(workerd") && Number(rest.split(" ")[1]) === process.pid) return Number(pid);
  }
  throw new Error("workerd does not run");
}

export default {
  name: "relayed part",
  limitMillis: 10 * 60_000,
  async run(): Promise<Row[]> {
    const relay = await EdgeRelay.start({ r2Buckets: [BUCKET] });
    try {
      const pid = await workerd();
      const bucket = await relay.miniflare.getR2Bucket(BUCKET);
      const bytes = randomFillSync(new Uint8Array(PART_BYTES));
      const md5 = createHash("md5").update(bytes).digest("base64");
      const send = async (asked: boolean) => {
        const upload = await bucket.createMultipartUpload("video.mp4");
        const uploadId = `1.1~${"0".repeat(32)}~${upload.uploadId}`;
        const before = await usedBy(pid);
        for (let part = 1; part <= PARTS; part++) {
          const url = await relay.url({ uploadId, key: "video.mp4", part }, { bucket: BUCKET }, asked);
          const headers: Record<string, string> = asked ? { "content-md5": md5 } : {};
          const answer = await fetch(url, { method: "PUT", headers, body: bytes });
          if (!answer.ok) throw new Error(`part: ${answer.status} ${await answer.text()}`);
        }
        const used = (await usedBy(pid)) - before;
        await upload.abort();
        return used * TO_GIB;
      };
      const measured = await inTurn(
        RUNS,
        () => send(true),
        () => send(false),
      );
      const row = { unit: "ms" as const, budget: null, runs: RUNS };
      return [{ what: "processor time of workerd for 1 GiB", against: "no digest", ...measured, ...row }];
    } finally {
      await relay.close();
    }
  },
} satisfies Bench;
