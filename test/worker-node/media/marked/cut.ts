/** Runs a job on a local file as the node does after a download, and measures what comes out. */
import { copyFileSync, mkdtempSync } from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JobOptions } from "../../../../shared/contract/options.ts";
import { type MediaDeps, mediaDeps, produceMedia } from "../../../../worker-node/media/run-attempt.ts";
import { toSourceInfo } from "../../../../worker-node/media/source.ts";
import { removeAttempt } from "../../../../worker-node/process/leftovers.ts";
import type { Tools } from "../../../../worker-node/tools.ts";
import { jobOptions } from "../job-options.ts";
import { type Measured, measure } from "./measure.ts";

export interface Cut extends Measured {
  effective: Awaited<ReturnType<typeof produceMedia>>["effective"];
  /** `transcode` slots taken. */
  slots: number;
}

/**
 * @param files What the site is said to have: one file with both, or the picture and then the sound.
 */
export async function cutLocal(tools: Tools, files: readonly string[], options: Partial<JobOptions>): Promise<Cut> {
  const dir = mkdtempSync(join(tmpdir(), "trawl-cut-"));
  let slots = 0;
  const real = mediaDeps(tools);
  const deps: MediaDeps = {
    ...real,
    // The port answers with a local file; everything behind it is real.
    ytdlp: {
      ...real.ytdlp,
      async download({ formatId, fileName }) {
        const path = join(dir, fileName);
        copyFileSync(files[Number(formatId)] ?? "", path);
        return { path, size: (await stat(path)).size, retries: 0 };
      },
    },
    transcodeSlot: async () => {
      slots += 1;
      return () => {};
    },
  };
  const apart = files.length > 1;
  const formats = files.map((_, at) => ({
    format_id: String(at),
    protocol: "https",
    ext: "mp4",
    ...(apart ? { vcodec: at === 0 ? "avc1" : "none", acodec: at === 0 ? "none" : "mp4a" } : {}),
  }));
  const request = {
    url: "http://127.0.0.1/",
    options: jobOptions(options),
    dir,
    proxyUrl: null,
    maxFilesizeBytes: null,
    maxDurationSeconds: null,
  };
  const events = { onStep: () => {}, onProgress: () => {} };
  try {
    const source = toSourceInfo({ id: "x", formats });
    const made = await produceMedia(request, source, deps, events, new AbortController().signal);
    return { ...(await measure(tools, made.files[0]?.path ?? "")), effective: made.effective, slots };
  } finally {
    await removeAttempt(dir);
  }
}
