/** A clip out of the middle of a long file in one piece: the part that it needs, against the whole. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ROOT } from "../../scripts/test/run.ts";
import { startEgressProxy } from "../../worker-node/egress/proxy.ts";
import { mediaDeps, produceMedia } from "../../worker-node/media/run-attempt.ts";
import { toSourceInfo } from "../../worker-node/media/source.ts";
import { resolveTools } from "../../worker-node/tools.ts";
import { jobOptions } from "../job-options.ts";
import { ensureMedia } from "../origin/media.ts";
import { type Bench, inTurn, type Row, timed } from "./bench.ts";
import { program, startSource } from "./source.ts";

/** Of 8 s each, H.264 at 2 Mbit/s: ten minutes, 158 MB. */
const LOOPS = 75;
const BYTES_PER_SECOND = 8_000_000;
const CLIP = { clip_start_seconds: 303.3, clip_end_seconds: 323.3 };
const RUNS = 3;
/** No name of an MP4: then the whole is fetched. */
const WHOLE = "unknown";

export default {
  name: "clip",
  limitMillis: 4 * 60_000,
  async run(): Promise<Row[]> {
    const tools = await resolveTools({ env: process.env, checkout: ROOT });
    const folder = await mkdtemp(join(tmpdir(), "trawl-bench-"));
    const files = await mediaWith(folder, tools.ffmpeg.command[0] ?? "");
    const source = await startSource(files);
    const proxy = await startEgressProxy({ allowPrivate: true });
    let fetched = 0;
    const cut = async (ext: string): Promise<void> => {
      const dir = await mkdtemp(join(folder, "job-"));
      const egress = proxy.openAttempt(basename(dir));
      const url = `${source.url}/slow/${BYTES_PER_SECOND}/ten-minutes.mp4`;
      const formats = [{ format_id: "0", protocol: "http", ext, url }];
      await writeFile(join(dir, "info.json"), JSON.stringify({ formats }));
      const limits = { maxFilesizeBytes: null, maxDurationSeconds: null };
      const request = { url, options: jobOptions(CLIP), dir, proxyUrl: null, direct: egress.direct, ...limits };
      const events = { onStep: () => {}, onProgress: () => {} };
      const info = toSourceInfo({ id: "x", formats });
      await produceMedia(request, info, mediaDeps(tools), events, new AbortController().signal);
      fetched = egress.bytes().received;
      await rm(dir, { recursive: true });
    };
    try {
      const time = await inTurn(
        RUNS,
        () => timed(() => cut("mp4")),
        () => timed(() => cut(WHOLE)),
      );
      const bytes = await inTurn(
        1,
        async () => cut("mp4").then(() => fetched / 2 ** 20),
        async () => cut(WHOLE).then(() => fetched / 2 ** 20),
      );
      const what = `20 s of ten minutes, ${BYTES_PER_SECOND / 1e6} MB/s a connection`;
      const row = { what, against: "the whole fetched", runs: RUNS };
      return [
        { ...row, ...time, unit: "ms", budget: { atMost: 0.6 } },
        { ...row, ...bytes, what: `${what}: fetched`, unit: "MiB", budget: { atMost: 0.1 } },
      ];
    } finally {
      await proxy.close();
      await source.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
} satisfies Bench;

/** The media of the fixture site, and a long file among them. */
async function mediaWith(folder: string, ffmpeg: string): Promise<string> {
  const media = await ensureMedia();
  const mine = join(folder, "media", basename(media));
  await mkdir(mine, { recursive: true });
  for (const name of await readdir(media)) await symlink(join(media, name), join(mine, name));
  const loops = ["-stream_loop", String(LOOPS - 1), "-i", join(media, "video-720.mp4")];
  await program(ffmpeg, "-v", "error", "-nostdin", ...loops, "-c", "copy", join(mine, "ten-minutes.mp4"));
  return join(folder, "media");
}
