import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { QUALITY_PRESETS } from "../../../../shared/contract/options.ts";
import { CRF } from "../../../../shared/normalise-options.ts";
import { runFfmpeg } from "../../../../worker-node/media/ffmpeg/run.ts";
import { stepArguments } from "../../../../worker-node/media/plan/arguments.ts";
import { planSteps, type StepInput } from "../../../../worker-node/media/plan/steps.ts";
import { type MediaDeps, mediaDeps } from "../../../../worker-node/media/run-attempt.ts";
import { jobOptions } from "../../../job-options.ts";
import { type Origin, startOrigin } from "../../../origin/server.ts";
import { realTools } from "../tools.ts";
import { everyCase } from "./cases.ts";
import { runCase } from "./run-case.ts";

let origin: Origin;
let deps: MediaDeps;
let dir: string;
beforeAll(async () => {
  const [site, tools] = await Promise.all([startOrigin(), realTools()]);
  origin = site;
  deps = mediaDeps(tools);
  dir = mkdtempSync(join(tmpdir(), "trawl-presets-"));
});
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await origin.close();
});

describe("every format with every codec from every kind of source", () => {
  it.each(everyCase().map((one) => [one.source, JSON.stringify(one.asked), one] as const))(
    "%s with %s",
    async (_source, _asked, one) => {
      await runCase(one, origin.url, deps);
    },
  );
});

describe("each preset has its number, and each is smaller than the one before", () => {
  it.each(["h264", "h265", "vp9"] as const)("%s", async (codec) => {
    const path = join(dir, "noise.mkv");
    const picture = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2,noise=alls=12:allf=t:all_seed=1"];
    execFileSync(deps.ffmpeg.command[0] ?? "", ["-v", "error", "-y", ...picture, "-c:v", "libx264", "-qp", "4", path]);
    const input: StepInput = { video: { index: 0, codec: "h264", width: 320, height: 180 }, audio: null, plain: null };
    const sizes: number[] = [];
    for (const quality_preset of QUALITY_PRESETS) {
      const steps = planSteps(jobOptions({ format: "mkv", video_codec: codec, quality_preset, video_quality: 51 }), [
        input,
      ]);
      if (steps === null) throw new Error("no plan");
      const output = join(dir, `${codec}-${quality_preset}.mkv`);
      const args = stepArguments(
        steps,
        { inputs: [{ path, skip: 0 }], output },
        { preroll: 0, length: null, copyUntil: null },
      );
      expect(args[args.indexOf("-crf") + 1]).toBe(String(CRF[codec][quality_preset]));
      await runFfmpeg(deps.ffmpeg, args, { dir, expectedSeconds: null });
      sizes.push(statSync(output).size);
    }
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(new Set(sizes).size).toBe(QUALITY_PRESETS.length);
  });
});
