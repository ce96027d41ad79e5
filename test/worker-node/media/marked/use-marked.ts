/** Makes marked media for a test file, and cuts and measures them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { JobOptions } from "../../../../shared/contract/options.ts";
import type { Tools } from "../../../../worker-node/tools.ts";
import { realTools } from "../tools.ts";
import { type Cut, cutLocal } from "./cut.ts";
import { type Measured, measure } from "./measure.ts";
import { makeMarked, SOURCES, type SourceName } from "./sources.ts";

export function useMarked(names: readonly SourceName[]) {
  let dir: string;
  let tools: Tools;
  const measured = new Map<SourceName, Promise<Measured>>();
  beforeAll(async () => {
    tools = await realTools();
    dir = mkdtempSync(join(tmpdir(), "trawl-marked-"));
    await makeMarked(tools.ffmpeg.command[0] ?? "", dir, names);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const pathOf = (name: SourceName) => join(dir, SOURCES[name].file);
  return {
    /** Once per source. */
    sourceOf(name: SourceName): Promise<Measured> {
      const known = measured.get(name) ?? measure(tools, pathOf(name));
      measured.set(name, known);
      return known;
    },
    /** Several names: the picture of the first, the sound of the second. */
    cut(
      from: SourceName | readonly SourceName[],
      start: number | null,
      end: number | null,
      more: Partial<JobOptions> = {},
    ): Promise<Cut> {
      const paths = [from].flat().map((name) => pathOf(name as SourceName));
      return cutLocal(tools, paths, { clip_start_seconds: start, clip_end_seconds: end, ...more });
    },
  };
}
