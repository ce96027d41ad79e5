/** One case of the matrix: the real tools on the fixture site, and every claim about what comes out. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { inputArguments } from "../../../../worker-node/media/ffmpeg/input.ts";
import { type Probed, probe } from "../../../../worker-node/media/ffmpeg/probe.ts";
import { runFfmpeg } from "../../../../worker-node/media/ffmpeg/run.ts";
import { codecName } from "../../../../worker-node/media/plan/codecs.ts";
import type { MediaDeps } from "../../../../worker-node/media/run-attempt.ts";
import { removeAttempt } from "../../../../worker-node/process/leftovers.ts";
import { TINY_SECONDS } from "../../../origin/recipes.ts";
import { mediaRequest, runMedia } from "../attempt.ts";
import { type Case, expected, SOURCES, type SourceKind } from "./cases.ts";

const SIDE = 180;
const DURATION_TOLERANCE_SECONDS = 0.1;

export async function runCase(one: Case, origin: string, deps: MediaDeps): Promise<void> {
  const source: SourceKind = SOURCES[one.source];
  const dir = mkdtempSync(join(tmpdir(), "trawl-matrix-"));
  try {
    const made = await runMedia(mediaRequest(`${origin}/${source.path}`, dir, one.options), deps);
    const path = made.files[0]?.path ?? "";
    const probed = await probe(deps.ffprobe, path, { dir });
    const wanted = expected(one.options, source);
    const stream = (kind: string) => probed.streams.find((each) => each.kind === kind);
    expect(probed.formatName.split(",")).toContain(wanted.container);
    expect(codecName(stream("video")?.codec ?? null)).toBe(wanted.video);
    expect(codecName(stream("audio")?.codec ?? null)).toBe(wanted.audio);
    expect(made.effective).toMatchObject(wanted.echoed);
    expect(Math.abs((probed.durationSeconds ?? 0) - TINY_SECONDS)).toBeLessThan(DURATION_TOLERANCE_SECONDS);
    expect(made.effective.duration_seconds).toBeCloseTo(probed.durationSeconds ?? 0, 2);
    if (wanted.video !== null) {
      const { width, height } = stream("video") ?? {};
      expect([width, height]).toEqual(source.upright === true ? [SIDE, 320] : [320, SIDE]);
    }
    expect(made.telemetry.actual_quality).toBe(wanted.video === null ? "audio" : `${SIDE}p`);
    const bitrate =
      wanted.audio === source.audio && one.options.audio_codec === "copy" ? null : one.options.audio_bitrate;
    if (bitrate !== null) checkBitrate(probed, Number.parseInt(bitrate, 10));
    await decodes(path, dir, deps);
  } finally {
    await removeAttempt(dir);
  }
}

/** The class that was asked for: noise takes it whole. Containers that tell none are judged by the whole file. */
function checkBitrate(probed: Probed, kbit: number): void {
  const audio = probed.streams.find(({ kind }) => kind === "audio");
  if (audio?.bitRate == null) return;
  expect(audio.bitRate / 1000).toBeGreaterThan(kbit * 0.7);
  expect(audio.bitRate / 1000).toBeLessThan(kbit * 1.3);
}

/** Fails on the first thing that the decoder minds. */
async function decodes(path: string, dir: string, deps: MediaDeps): Promise<void> {
  const args = ["-xerror", "-err_detect", "explode", ...inputArguments(path), "-f", "null", "-y", "/dev/null"];
  await runFfmpeg(deps.ffmpeg, args, { dir, expectedSeconds: null });
}
