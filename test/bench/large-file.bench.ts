/**
 * A large file from a URL into the disk store and into a bucket, by the whole stack, against what a person would do by hand:
 * `curl` to a file, then `cp` it to its place and `sync` it, or `curl` it up. And what the node's own process holds in memory
 * meanwhile.
 */
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bench, inTurn, type Row, timed } from "./bench.ts";
import { program, startBucket, startSource } from "./source.ts";
import { startStack } from "./stack.ts";

const GIB = 1024 ** 3;
const RUNS = 3;

/** The node of a stack: the process that was told the stack's address. */
async function nodeOf(url: string): Promise<number> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (words.includes("node") && words.includes("--edge") && words.includes(url)) return Number(pid);
  }
  throw new Error("the stack has no node");
}

/** Most memory that the process ever held, MiB. */
async function peakMib(pid: number): Promise<number> {
  const kib = /^VmHWM:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}

export default {
  name: "large file",
  limitMillis: 12 * 60_000,
  async run(): Promise<Row[]> {
    const folder = await mkdtemp(join(tmpdir(), "trawl-bench-"));
    const kept = join(folder, "bucket");
    await mkdir(kept);
    const [source, bucket, stack] = await Promise.all([startSource(), startBucket(kept), startStack(1)]);
    try {
      const node = await nodeOf(stack.url);
      const url = `${source.url}/padded/${GIB}/video-360.mp4`;
      const [got, placed] = [join(folder, "got"), join(folder, "placed")];
      const keys = { bucket: "large-files", region: "us-east-1", access_key: "AK0123456789ABCD", secret_key: "secret" };
      const storage = { provider: "s3", endpoint: bucket.url, ...keys };
      let turn = 0;

      const disk = await inTurn(
        RUNS,
        () => timed(() => stack.deliver({ url, filename: `large ${++turn}` })),
        async () => {
          const took = await timed(async () => {
            await program("curl", "-sf", "-o", got, url);
            await program("cp", got, placed);
            await program("sync", placed);
          });
          await Promise.all([rm(got), rm(placed)]);
          return took;
        },
      );
      const peakForDisk = await peakMib(node);

      const emptied = async (key: string) => {
        await program("curl", "-sf", "-X", "DELETE", `${bucket.url}/large-files/${key}`);
      };
      const s3 = await inTurn(
        RUNS,
        async () => {
          const filename = `large-${++turn}`;
          const took = await timed(() => stack.deliver({ url, filename, storage }));
          await emptied(`videos/${filename}.mp4`);
          return took;
        },
        async () => {
          const took = await timed(async () => {
            await program("curl", "-sf", "-o", got, url);
            await program("curl", "-sf", "-T", got, `${bucket.url}/large-files/by-hand`);
          });
          await Promise.all([rm(got), emptied("by-hand")]);
          return took;
        },
      );
      const peak = await peakMib(node);
      const row = { unit: "ms" as const, budget: { atMost: 1.15 }, runs: RUNS };
      const held = { peer: null, against: null, unit: "MiB" as const, ratio: null, budget: { atMost: 150 } };
      return [
        { what: "1 GiB into the disk store", against: "curl, cp, sync", ...disk, ...row },
        { what: "1 GiB into a bucket", against: "curl down, curl up", ...s3, ...row },
        { what: "memory of the node's process: disk", ours: peakForDisk, ...held, runs: RUNS + 1 },
        { what: "memory of the node's process: disk, then bucket", ours: peak, ...held, runs: 2 * (RUNS + 1) },
      ];
    } finally {
      await stack.stop();
      await Promise.all([source.stop(), bucket.stop()]);
      await rm(folder, { recursive: true, force: true });
    }
  },
} satisfies Bench;
