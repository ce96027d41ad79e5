/**
 * A large file from a URL into the disk store, by the whole stack, against what a person would do by hand: `curl` to a
 * file, `cp` it to its place, `sync` it. And what the node's own process holds in memory meanwhile.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bench, inTurn, type Row, timed } from "./bench.ts";
import { program, startSource } from "./source.ts";
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
  limitMillis: 8 * 60_000,
  async run(): Promise<Row[]> {
    const [source, stack] = await Promise.all([startSource(), startStack(1)]);
    const folder = await mkdtemp(join(tmpdir(), "trawl-bench-"));
    try {
      const node = await nodeOf(stack.url);
      const url = `${source.url}/padded/${GIB}/video-360.mp4`;
      let turn = 0;
      const ours = () => timed(() => stack.deliver({ url, filename: `large ${++turn}` }));
      const byHand = async () => {
        const [got, placed] = [join(folder, "got"), join(folder, "placed")];
        const took = await timed(async () => {
          await program("curl", "-sf", "-o", got, url);
          await program("cp", got, placed);
          await program("sync", placed);
        });
        await Promise.all([rm(got), rm(placed)]);
        return took;
      };
      const { ours: mine, peer, ratio } = await inTurn(RUNS, ours, byHand);
      const what = "1 GiB into the disk store";
      const peak = await peakMib(node);
      return [
        { what, ours: mine, peer, against: "curl, cp, sync", unit: "ms", ratio, budget: { atMost: 1.15 }, runs: RUNS },
        {
          what: "memory of the node's process meanwhile",
          ours: peak,
          peer: null,
          against: null,
          unit: "MiB",
          ratio: null,
          budget: { atMost: 150 },
          runs: RUNS + 1,
        },
      ];
    } finally {
      await stack.stop();
      await source.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
} satisfies Bench;
