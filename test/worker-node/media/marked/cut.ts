/** Runs a job on a local file as the node does after a download, and measures what comes out. */
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JobOptions } from "../../../../shared/contract/options.ts";
import type { FetchWay } from "../../../../worker-node/fetch/send.ts";
import { type MediaDeps, mediaDeps, produceMedia } from "../../../../worker-node/media/run-attempt.ts";
import { toSourceInfo } from "../../../../worker-node/media/source.ts";
import { removeAttempt } from "../../../../worker-node/process/leftovers.ts";
import type { Tools } from "../../../../worker-node/tools.ts";
import { Source, wayOut } from "../../fetch/source.ts";
import { mediaRequest } from "../attempt.ts";
import { type Measured, measure } from "./measure.ts";

export interface Cut extends Measured {
  effective: Awaited<ReturnType<typeof produceMedia>>["effective"];
  /** `transcode` slots taken. */
  slots: number;
}

/** A clip of a file that a server has, and what was asked of it. */
export interface ServedCut extends Cut {
  /** Bytes that the server gave, and the size of what it has. */
  sent: number;
  total: number;
  strategy: string | null;
}

/**
 * @param files What the site is said to have: one file with both, or the picture and then the sound.
 */
export async function cutLocal(tools: Tools, files: readonly string[], options: Partial<JobOptions>): Promise<Cut> {
  const real = mediaDeps(tools);
  const made = await cut(tools, files.length, options, null, (dir) => ({
    ...real.ytdlp,
    // The port answers with a local file; everything behind it is real.
    async download({ formatId, fileName }) {
      const path = join(dir, fileName);
      copyFileSync(files[Number(formatId)] ?? "", path);
      return { path, size: (await stat(path)).size, retries: 0 };
    },
  }));
  const { strategy: _, ...measured } = made;
  return measured;
}

/** So much that is no media stands behind a file: what is fetched of it is then a small part. */
const PADDING_BYTES = 8_000_000;

/** The same by the node's own fetch, from servers that give ranges. */
export async function cutServed(
  tools: Tools,
  files: readonly string[],
  options: Partial<JobOptions>,
  paddingBytes = PADDING_BYTES,
): Promise<ServedCut> {
  const out = wayOut();
  const sources = await Promise.all(files.map((path) => new Source(padded(readFileSync(path), paddingBytes)).start()));
  try {
    const urls = sources.map(({ url }) => url);
    const made = await cut(tools, files.length, options, { way: out.way, urls }, () => mediaDeps(tools).ytdlp);
    const sum = (of: (source: Source) => number) => sources.reduce((all, source) => all + of(source), 0);
    return { ...made, sent: sum(({ sentBytes }) => sentBytes), total: sum(({ content }) => content.length) };
  } finally {
    await Promise.all([out.close(), ...sources.map((source) => source.close())]);
  }
}

/** A box that players pass over (ISO/IEC 14496-12 section 8.1.2), behind the file. */
export function padded(file: Buffer, bytes: number): Buffer {
  const box = Buffer.alloc(bytes);
  if (bytes > 0) box.writeUInt32BE(bytes, 0);
  if (bytes > 0) box.write("free", 4, "latin1");
  return Buffer.concat([file, box]);
}

async function cut(
  tools: Tools,
  files: number,
  options: Partial<JobOptions>,
  served: { way: FetchWay; urls: readonly string[] } | null,
  ytdlp: (dir: string) => MediaDeps["ytdlp"],
): Promise<Cut & { strategy: string | null }> {
  const dir = mkdtempSync(join(tmpdir(), "trawl-cut-"));
  let slots = 0;
  const deps: MediaDeps = {
    ...mediaDeps(tools),
    ytdlp: ytdlp(dir),
    transcodeSlot: async () => {
      slots += 1;
      return () => {};
    },
  };
  const formats = Array.from({ length: files }, (_, at) => ({
    format_id: String(at),
    protocol: "https",
    ext: "mp4",
    ...(files > 1 ? { vcodec: at === 0 ? "avc1" : "none", acodec: at === 0 ? "none" : "mp4a" } : {}),
    ...(served === null ? {} : { url: served.urls[at] }),
  }));
  const request = mediaRequest("http://127.0.0.1/", dir, options, { direct: served?.way });
  const events = { onStep: () => {}, onProgress: () => {} };
  try {
    writeFileSync(join(dir, "info.json"), JSON.stringify({ formats }));
    const source = toSourceInfo({ id: "x", formats });
    const made = await produceMedia(request, source, deps, events, new AbortController().signal);
    const strategy = made.telemetry.download_strategy;
    return { ...(await measure(tools, made.files[0]?.path ?? "")), effective: made.effective, slots, strategy };
  } finally {
    await removeAttempt(dir);
  }
}
