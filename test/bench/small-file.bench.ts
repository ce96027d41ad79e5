/**
 * Small files, where start-up costs are all there is: one job against plain `yt-dlp` on the same URL, fifty with four slots
 * against `xargs -P4 yt-dlp`, and one look at a source by each adapter.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, run } from "../../scripts/test/run.ts";
import { commandLineYtDlp } from "../../worker-node/media/ytdlp/command-line.ts";
import { startWarmHost } from "../../worker-node/media/ytdlp/host/warm-host.ts";
import type { YtDlp } from "../../worker-node/media/ytdlp/port.ts";
import { resolveTools, type Tools } from "../../worker-node/tools.ts";
import { type Origin, startOrigin } from "../origin/server.ts";
import { type Bench, inTurn, type Row, timed } from "./bench.ts";
import { type BenchStack, startStack } from "./stack.ts";

const RUNS = 7;
const MANY = 50;
const SLOTS = 4;
const PEER_LIMIT_MILLIS = 5 * 60_000;

interface Site {
  origin: Origin;
  tools: Tools;
  root: string;
}

/** Plain yt-dlp with this checkout's modules; throws when it fails. */
async function plain({ tools, root }: Site, args: readonly string[], names: readonly string[]): Promise<void> {
  const dir = await mkdtemp(join(root, "peer-"));
  const command = [...tools.ytdlp.command, "--ignore-config", "--quiet", "--no-progress", ...args]
    .map(quoted)
    .join(" ");
  const lines = names.map(quoted).join(" ");
  const script = `cd ${quoted(dir)} && printf '%s\\n' ${lines} | xargs -P${SLOTS} -I@ ${command.replaceAll("'@'", "@")}`;
  const { code, output } = await run(["sh", "-c", script], {
    env: { ...tools.ytdlp.env },
    limitMillis: PEER_LIMIT_MILLIS,
  });
  if (code !== 0) throw new Error(`plain yt-dlp failed: ${output}`);
  await rm(dir, { recursive: true });
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

async function oneFile(site: Site, stack: BenchStack, file: string, format: string, budget: number): Promise<Row> {
  const url = `${site.origin.url}/${file}`;
  const sides = await inTurn(
    RUNS,
    () => timed(() => stack.deliver({ url, format })),
    () => timed(() => plain(site, ["-o", "@", url], ["out"])),
  );
  return {
    what: `one small file, ${file}`,
    ...sides,
    against: "yt-dlp",
    unit: "ms",
    budget: { atMost: budget },
    runs: RUNS,
  };
}

async function manyFiles(site: Site, stack: BenchStack): Promise<Row> {
  const url = `${site.origin.url}/video-360.mp4`;
  const names = Array.from({ length: MANY }, (_, at) => `clip-${at}`);
  // One pair and no warming: the single files before it have warmed both sides, and a pair is a hundred downloads.
  const ours = await timed(() => stack.deliverAll(names.map((filename) => ({ url, filename }))));
  const peer = await timed(() => plain(site, ["-o", "@", url], names));
  return {
    what: `${MANY} small files, ${SLOTS} slots`,
    ours,
    peer,
    ratio: ours / peer,
    against: `xargs -P${SLOTS} yt-dlp`,
    unit: "ms",
    budget: { atMost: 0.4 },
    runs: 1,
  };
}

async function oneLook(site: Site, what: string, ytdlp: YtDlp): Promise<Row> {
  const url = `${site.origin.url}/video-360.mp4`;
  const look = async (): Promise<void> => {
    const dir = await mkdtemp(join(site.root, "look-"));
    const context = { dir, proxyUrl: null, signal: new AbortController().signal };
    await ytdlp.extract({ url, playlist: "auto", listLimit: 10 }, context);
    await rm(dir, { recursive: true });
  };
  const sides = await inTurn(
    RUNS,
    () => timed(look),
    () => timed(() => plain(site, ["--dump-single-json", url], ["-"])),
  );
  return { what, ...sides, against: "yt-dlp -J", unit: "ms", budget: null, runs: RUNS };
}

const bench: Bench = {
  name: "small files",
  limitMillis: 15 * 60_000,
  async run() {
    const root = await mkdtemp(join(tmpdir(), "trawl-small-"));
    const tools = await resolveTools({ env: process.env, checkout: ROOT });
    const origin = await startOrigin();
    const site = { origin, tools, root };
    const rows: Row[] = [];
    try {
      rows.push(await oneLook(site, "one look, command line", commandLineYtDlp(tools.ytdlp, tools.jsRuntime)));
      const { python } = tools.ytdlp;
      if (python !== null) {
        const warm = await startWarmHost({
          tool: { ...tools.ytdlp, python },
          jsRuntime: tools.jsRuntime,
          log: () => {},
        });
        rows.push(await oneLook(site, "one look, warm host", warm));
        await warm.stop();
      }
      const stack = await startStack(SLOTS);
      try {
        rows.push(await oneFile(site, stack, "video-360.mp4", "mp4", 0.6));
        rows.push(await oneFile(site, stack, "video-360.webm", "webm", 0.6));
        rows.push(await manyFiles(site, stack));
      } finally {
        await stack.stop();
      }
      return rows;
    } finally {
      await origin.close();
      await rm(root, { recursive: true, force: true });
    }
  },
};

export default bench;
