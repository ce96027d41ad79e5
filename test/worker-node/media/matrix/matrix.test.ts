import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AUDIO_CODECS, AUDIO_FORMATS, VIDEO_CODECS, VIDEO_FORMATS } from "../../../../shared/contract/options.ts";
import { type MediaDeps, mediaDeps } from "../../../../worker-node/media/run-attempt.ts";
import { type Origin, startOrigin } from "../../../origin/server.ts";
import { realTools } from "../tools.ts";
import { everyCase, expected, makeCase, SOURCES } from "./cases.ts";
import { runCase } from "./run-case.ts";

let origin: Origin;
let deps: MediaDeps;
beforeAll(async () => {
  const [site, tools] = await Promise.all([startOrigin(), realTools()]);
  origin = site;
  deps = mediaDeps(tools);
});
afterAll(() => origin.close());

const quick = { quality_preset: "lowest" } as const;
/** Each format, each codec and each kind of source at least once; `matrix.long.test.ts` has them all. */
const CASES = [
  makeCase("hls", {}),
  makeCase("dash", { ...quick, format: "mkv", video_codec: "h265", audio_codec: "mp3" }),
  makeCase("h264", { ...quick, format: "webm" }),
  makeCase("vp9", { ...quick, format: "mov", audio_codec: "aac", audio_bitrate: "320k" }),
  makeCase("upright", { ...quick, video_codec: "h264", audio_codec: "opus", audio_bitrate: "64k" }),
  makeCase("dash", { audio_only: true }),
  makeCase("hls", { format: "mp3", audio_bitrate: "128k" }),
  makeCase("upright", { format: "ogg" }),
  makeCase("vp9", { format: "opus" }),
];

describe("every conversion gives what was asked for", () => {
  it.each(CASES.map((one) => [one.source, JSON.stringify(one.asked), one] as const))(
    "%s with %s",
    async (_source, _asked, one) => {
      await runCase(one, origin.url, deps);
    },
  );

  it("with each format, each codec and each kind of source among these, and all of them in the long run", () => {
    const seen = (of: (one: (typeof CASES)[number]) => string) => new Set(CASES.map(of));
    expect(seen(({ options }) => options.format)).toEqual(new Set([...VIDEO_FORMATS, ...AUDIO_FORMATS]));
    expect(seen(({ source }) => source)).toEqual(new Set(Object.keys(SOURCES)));
    const made = CASES.map(({ options, source }) => expected(options, SOURCES[source]));
    const codecs = new Set(made.flatMap(({ video, audio }) => [video, audio]));
    for (const codec of [...VIDEO_CODECS, ...AUDIO_CODECS]) if (codec !== "copy") expect(codecs).toContain(codec);
    expect(everyCase()).toHaveLength(53 * Object.keys(SOURCES).length);
  });
});
