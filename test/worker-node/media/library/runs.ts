/** Jobs of the library API on the fixture site: yt-dlp run by a user's options, through the guard, and what came of it. */
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type EgressProxy, startEgressProxy } from "../../../../worker-node/egress/proxy.ts";
import { userProxy } from "../../../../worker-node/media/library/user-proxy.ts";
import {
  extractMedia,
  type MediaDeps,
  type MediaRequest,
  type ProducedFile,
  produceMedia,
} from "../../../../worker-node/media/run-attempt.ts";
import { makeFolder, ToolUsers } from "../../../../worker-node/process/confine.ts";
import { removeAttempt } from "../../../../worker-node/process/leftovers.ts";
import { type Origin, startOrigin } from "../../../origin/server.ts";
import { mediaRequest, never } from "../attempt.ts";

const TEMPLATE = "%(title)s.%(ext)s";
const CHAPTERS = "%(title)s - %(section_number)s %(section_title)s.%(ext)s";

export interface RunOptions {
  args?: readonly string[];
  template?: string;
  fields?: Record<string, string | number | null>;
  more?: Partial<MediaRequest>;
  signal?: AbortSignal;
}

/** A site, a guard in front of it, and the attempts that were made; `close` removes all. */
export class LibraryBench {
  readonly origin: Origin;
  readonly guard: EgressProxy;
  readonly #deps: MediaDeps;
  /** As a node has it: root gives each attempt a uid of its own. */
  readonly #root = mkdtempSync(join(tmpdir(), "trawl-library-"));
  readonly #users = process.getuid?.() === 0 ? new ToolUsers(this.#root) : null;
  readonly #dirs: string[] = [];
  #count = 0;

  private constructor(origin: Origin, guard: EgressProxy, deps: MediaDeps) {
    this.origin = origin;
    this.guard = guard;
    this.#deps = deps;
    chmodSync(this.#root, 0o711);
  }

  static async open(deps: MediaDeps): Promise<LibraryBench> {
    const [origin, guard] = await Promise.all([startOrigin(), startEgressProxy({ allowPrivate: true })]);
    return new LibraryBench(origin, guard, deps);
  }

  /** Removes the folders of the attempts so far. */
  async clear(): Promise<void> {
    await Promise.all(this.#dirs.splice(0).map(removeAttempt));
  }

  async close(): Promise<void> {
    await this.guard.close();
    await this.origin.close();
    rmSync(this.#root, { recursive: true });
  }

  async #request(
    path: string,
    { args = [], template = TEMPLATE, fields = {}, more = {} }: RunOptions,
  ): Promise<MediaRequest> {
    const dir = join(this.#root, `attempt-${++this.#count}`);
    await makeFolder(dir, this.#users);
    this.#dirs.push(dir);
    const library = { args: [...args], template, template_chapter: CHAPTERS, fields };
    return mediaRequest(path.includes("://") ? path : `${this.origin.url}/${path}`, dir, { library }, more);
  }

  /** What one look finds. */
  async look(path: string, options: RunOptions = {}) {
    return extractMedia(await this.#request(path, options), this.#deps, options.signal ?? never());
  }

  /** Look and run. Bytes that came past the guard would be missing in `guarded`. */
  async run(path: string, options: RunOptions = {}) {
    const { signal = never() } = options;
    const request = await this.#request(path, options);
    const way = this.guard.openAttempt(request.dir, userProxy(options.args ?? []));
    const told = new Set<string>();
    const tell = (word: string) => void told.add(word);
    try {
      const guarded = { ...request, proxyUrl: way.proxyUrl };
      const found = await extractMedia(guarded, this.#deps, signal);
      if (found.kind === "list") throw new Error("a list");
      const fractions: (number | null)[] = [];
      const made = await produceMedia(
        guarded,
        found.source,
        this.#deps,
        {
          onStep: tell,
          onProgress: ({ postprocessor, fraction }) => {
            if (postprocessor === undefined) fractions.push(fraction);
            else tell(postprocessor);
          },
        },
        signal,
      );
      const names = made.files.map(({ kind, language, name }) => [kind, language, name].filter(Boolean).join(" "));
      return {
        ...made,
        info: found.info,
        dir: request.dir,
        names,
        told: [...told],
        fractions,
        guarded: way.bytes().received,
      };
    } finally {
      way.close();
    }
  }
}

/** `h264 aac` and so on, and the seconds. */
export async function shapeOf(file: ProducedFile | undefined): Promise<{ codecs: string; seconds: number }> {
  const entries = "stream=codec_name:format=duration";
  const args = ["-v", "error", "-show_entries", entries, "-of", "json", file?.path ?? ""];
  const { stdout } = await promisify(execFile)("ffprobe", args);
  const { streams, format } = JSON.parse(stdout) as {
    streams: { codec_name: string }[];
    format: { duration: string };
  };
  return { codecs: streams.map((one) => one.codec_name).join(" "), seconds: Number(format.duration) };
}
