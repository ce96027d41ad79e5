/** Jobs API 3.1, auto-correction: one case a row, quoted in the title; then what must hold for every request. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AUDIO_BITRATES,
  AUDIO_CODECS,
  AUDIO_FORMATS,
  isAudioFormat,
  type JobOptions,
  QUALITY_PRESETS,
  RESOLUTIONS,
  VIDEO_CODECS,
  VIDEO_FORMATS,
} from "../../shared/contract/options.ts";
import { CRF, normaliseOptions, type RequestedOptions } from "../../shared/normalise-options.ts";

const STEP_1 = "1 | unsupported `format` → `mp4`";
const STEP_2A = "2 | `audio_only` + `mp4`, `mkv`, `mov` → `m4a`";
const STEP_2B = "2 | `audio_only` + `webm` → `opus`";
const STEP_2C = "2 | audio `format` without `audio_only` → `audio_only` true";
const STEP_3 = "3 | `audio_bitrate` without `audio_codec` → `audio_codec` = `aac`, then step 4";
const STEP_4A = "4 | `webm` + `h264` → video `vp9`";
const STEP_4B = "4 | `webm` + `aac` → audio `opus`";
const STEP_4C = "4 | `ogg` or `opus` + `aac` → audio `opus`";
const STEP_4D = "4 | `mp3` + `aac` → audio `mp3`";
const STEP_4E = "4 | any other codec that the container cannot hold → the container's fallback (§11.4)";
const STEP_5 = "5 | `max_resolution` above the key's limit → the key's limit";
const DEFAULTS = "default";

type Row = [row: string, asked: RequestedOptions, becomes: Partial<JobOptions>, keyLimit?: string];

const ROWS: Row[] = [
  [STEP_1, { format: "avi" }, { format: "mp4", audio_only: false }],
  [STEP_1, { format: "MP4" }, { format: "mp4" }],
  [STEP_1, { format: "" }, { format: "mp4" }],
  [STEP_1, { format: "flac", audio_only: true }, { format: "m4a", audio_only: true }],
  [STEP_1, { format: "__proto__" }, { format: "mp4" }],
  ...(["mp4", "mkv", "mov"] as const).map(
    (format): Row => [STEP_2A, { format, audio_only: true }, { format: "m4a", audio_only: true }],
  ),
  [STEP_2B, { format: "webm", audio_only: true }, { format: "opus", audio_only: true }],
  ...AUDIO_FORMATS.map((format): Row => [STEP_2C, { format }, { format, audio_only: true }]),
  ...AUDIO_FORMATS.map((format): Row => [STEP_2C, { format, audio_only: false }, { format, audio_only: true }]),
  [STEP_3, { audio_bitrate: "128k" }, { audio_codec: "aac", audio_bitrate: "128k" }],
  [STEP_3, { format: "mkv", audio_bitrate: "64k" }, { audio_codec: "aac", audio_bitrate: "64k" }],
  [STEP_3, { format: "webm", audio_bitrate: "128k" }, { audio_codec: "opus", audio_bitrate: "128k" }],
  [STEP_3, { format: "mp3", audio_bitrate: "320k" }, { audio_codec: "mp3", audio_bitrate: "320k" }],
  [STEP_3, { format: "ogg", audio_bitrate: "320k" }, { audio_codec: "opus", audio_bitrate: "320k" }],
  [STEP_4A, { format: "webm", video_codec: "h264" }, { video_codec: "vp9" }],
  [STEP_4B, { format: "webm", audio_codec: "aac" }, { audio_codec: "opus" }],
  [STEP_4C, { format: "ogg", audio_codec: "aac" }, { audio_codec: "opus" }],
  [STEP_4C, { format: "opus", audio_codec: "aac" }, { audio_codec: "opus" }],
  [STEP_4D, { format: "mp3", audio_codec: "aac" }, { audio_codec: "mp3" }],
  [STEP_4E, { format: "webm", video_codec: "h265" }, { video_codec: "vp9" }],
  [STEP_4E, { format: "webm", audio_codec: "mp3" }, { audio_codec: "opus" }],
  [STEP_4E, { format: "mov", video_codec: "vp9" }, { video_codec: "h264" }],
  [STEP_4E, { format: "mov", audio_codec: "opus" }, { audio_codec: "aac" }],
  [STEP_4E, { format: "m4a", audio_codec: "opus" }, { audio_codec: "aac" }],
  [STEP_4E, { format: "m4a", audio_codec: "mp3" }, { audio_codec: "aac" }],
  [STEP_4E, { format: "mp3", audio_codec: "opus" }, { audio_codec: "mp3" }],
  [STEP_4E, { format: "ogg", audio_codec: "mp3" }, { audio_codec: "opus" }],
  [STEP_4E, { format: "webm", audio_only: true, audio_codec: "aac" }, { format: "opus", audio_codec: "opus" }],
  [
    `${STEP_4E}: mkv holds all`,
    { format: "mkv", video_codec: "vp9", audio_codec: "opus" },
    { video_codec: "vp9", audio_codec: "opus" },
  ],
  [
    `${STEP_4E}: mp4 holds vp9 and opus`,
    { video_codec: "vp9", audio_codec: "opus" },
    { video_codec: "vp9", audio_codec: "opus" },
  ],
  [STEP_5, { max_resolution: "2160" }, { max_resolution: "720" }, "720"],
  [STEP_5, {}, { max_resolution: "720" }, "720"],
  [STEP_5, { max_resolution: "480" }, { max_resolution: "480" }, "720"],
  [STEP_5, { max_resolution: "720" }, { max_resolution: "720" }, "720"],
  [`${STEP_5}: \`best\` limits nothing`, { max_resolution: "2160" }, { max_resolution: "2160" }, "best"],
  [DEFAULTS, {}, { format: "mp4", video_codec: "copy", audio_codec: "copy", audio_bitrate: null, video_quality: null }],
  [
    DEFAULTS,
    {},
    { max_resolution: "best", audio_only: false, playlist: "auto", playlist_limit: 500, max_duration: null },
  ],
  [`${DEFAULTS}: \`m4a\` if \`audio_only\``, { audio_only: true }, { format: "m4a", audio_codec: "copy" }],
  [`${DEFAULTS}: \`192k\` when transcoding`, { audio_codec: "mp3" }, { audio_bitrate: "192k" }],
  [
    '`audio_bitrate`: no effect with an explicit `audio_codec: "copy"`',
    { audio_codec: "copy", audio_bitrate: "320k" },
    { audio_codec: "copy", audio_bitrate: null },
  ],
  ["`video_quality`: default 23", { video_codec: "h264" }, { video_quality: 23 }],
  [
    "`video_quality`: used only if `video_codec` is not `copy`, echoed as sent",
    { video_quality: 18 },
    { video_codec: "copy", video_quality: 18 },
  ],
  [
    "`quality_preset` beats `video_quality`",
    { video_codec: "h264", video_quality: 40, quality_preset: "high" },
    { video_quality: 20 },
  ],
  [
    "`quality_preset` has no effect with `copy`",
    { quality_preset: "high" },
    { video_quality: null, quality_preset: "high" },
  ],
  [
    "`quality_preset` counts for the codec after correction",
    { format: "webm", video_codec: "h264", quality_preset: "high" },
    { video_codec: "vp9", video_quality: 28 },
  ],
  [
    "clip times keep their text and get their seconds",
    { clip_start: "1:30", clip_end: "00:02:00.5" },
    { clip_start: "1:30", clip_start_seconds: 90, clip_end_seconds: 120.5 },
  ],
];

describe("auto-correction never errors; effective values are stored and echoed", () => {
  it.each(ROWS)("%s: %j", (_, asked, becomes, keyLimit) => {
    expect(normaliseOptions(asked, keyLimit ?? null)).toMatchObject(becomes);
  });

  it.each([
    ["h264", [18, 20, 23, 28, 32]],
    ["h265", [20, 23, 26, 30, 34]],
    ["vp9", [24, 28, 31, 36, 42]],
  ] as const)("§11.3: the CRF of %s from `highest` to `lowest` is %j", (codec, values) => {
    expect(QUALITY_PRESETS.map((preset) => CRF[codec][preset])).toEqual(values);
  });
});

/** The table of §3.1, step by step and row by row, as a reader without the code would do it. */
function bySteps(asked: RequestedOptions, keyLimit: string | null) {
  let format: string | undefined = asked.format;
  let audioOnly = asked.audio_only ?? false;
  let audio: string | undefined = asked.audio_codec;
  let video: string = asked.video_codec ?? "copy";
  let resolution: string = asked.max_resolution ?? "best";
  const known: readonly string[] = [...VIDEO_FORMATS, ...AUDIO_FORMATS];
  // 1: unsupported `format`
  if (format !== undefined && !known.includes(format)) format = "mp4";
  format ??= audioOnly ? "m4a" : "mp4";
  // 2: `audio_only` with a video container; an audio `format` without `audio_only`
  if (audioOnly && ["mp4", "mkv", "mov"].includes(format)) format = "m4a";
  if (audioOnly && format === "webm") format = "opus";
  if (["m4a", "mp3", "ogg", "opus"].includes(format)) audioOnly = true;
  // 3: `audio_bitrate` without `audio_codec`
  if (asked.audio_bitrate !== undefined && audio === undefined) audio = "aac";
  audio ??= "copy";
  // 4: documented rows first, then the container's fallback
  if (format === "webm" && video === "h264") video = "vp9";
  if (format === "webm" && audio === "aac") audio = "opus";
  if ((format === "ogg" || format === "opus") && audio === "aac") audio = "opus";
  if (format === "mp3" && audio === "aac") audio = "mp3";
  const FALLBACKS: Record<string, { video?: [string[], string]; audio?: [string[], string] }> = {
    mp4: { video: [["h264", "h265", "vp9"], "h264"], audio: [["aac", "mp3", "opus"], "aac"] },
    mov: { video: [["h264", "h265"], "h264"], audio: [["aac", "mp3"], "aac"] },
    webm: { video: [["vp9"], "vp9"], audio: [["opus"], "opus"] },
    m4a: { audio: [["aac"], "aac"] },
    mp3: { audio: [["mp3"], "mp3"] },
    ogg: { audio: [["opus"], "opus"] },
    opus: { audio: [["opus"], "opus"] },
  };
  const { video: pictures, audio: sounds } = FALLBACKS[format] ?? {};
  if (pictures !== undefined && video !== "copy" && !pictures[0].includes(video)) video = pictures[1];
  if (sounds !== undefined && audio !== "copy" && !sounds[0].includes(audio)) audio = sounds[1];
  // 5: above the key's limit
  const order = ["360", "480", "720", "1080", "1440", "2160", "best"];
  if (keyLimit !== null && order.indexOf(resolution) > order.indexOf(keyLimit)) resolution = keyLimit;
  return { format, audio_only: audioOnly, video_codec: video, audio_codec: audio, max_resolution: resolution };
}

it("every combination of format, codecs, bitrate and `audio_only` becomes what the steps make of it, in their order", () => {
  const formats = [undefined, ...VIDEO_FORMATS, ...AUDIO_FORMATS, "avi", "MP4", ""];
  const absent = <Value>(values: readonly Value[]) => [undefined, ...values];
  let compared = 0;
  for (const format of formats)
    for (const audio_only of [undefined, false, true])
      for (const video_codec of absent(VIDEO_CODECS))
        for (const audio_codec of absent(AUDIO_CODECS))
          for (const audio_bitrate of [undefined, "320k"] as const) {
            const asked = { format, audio_only, video_codec, audio_codec, audio_bitrate } as RequestedOptions;
            expect(normaliseOptions(asked, null), JSON.stringify(asked)).toMatchObject(bySteps(asked, null));
            compared += 1;
          }
  expect(compared).toBe(12 * 3 * 5 * 5 * 2);
});

it("every `max_resolution` under every limit of a key becomes the lower of the two", () => {
  for (const max_resolution of [undefined, ...RESOLUTIONS])
    for (const limit of [null, ...RESOLUTIONS]) {
      const asked = { max_resolution } as RequestedOptions;
      expect(normaliseOptions(asked, limit).max_resolution).toBe(bySteps(asked, limit).max_resolution);
    }
});

/** §11.4: what each container may hold after correction, beside `copy`. */
const HOLDS: Record<string, { video: readonly string[]; audio: readonly string[] }> = {
  mp4: { video: ["h264", "h265", "vp9"], audio: ["aac", "mp3", "opus"] },
  mov: { video: ["h264", "h265"], audio: ["aac", "mp3"] },
  webm: { video: ["vp9"], audio: ["opus"] },
  mkv: { video: VIDEO_CODECS, audio: AUDIO_CODECS },
  m4a: { video: VIDEO_CODECS, audio: ["aac"] },
  mp3: { video: VIDEO_CODECS, audio: ["mp3"] },
  ogg: { video: VIDEO_CODECS, audio: ["opus"] },
  opus: { video: VIDEO_CODECS, audio: ["opus"] },
};

const option = <Value>(values: readonly Value[]) => fc.constantFrom(...values);
const requests: fc.Arbitrary<RequestedOptions> = fc.record(
  {
    format: fc.oneof(option([...VIDEO_FORMATS, ...AUDIO_FORMATS]), fc.string()),
    video_codec: option(VIDEO_CODECS),
    audio_codec: option(AUDIO_CODECS),
    audio_bitrate: option(AUDIO_BITRATES),
    video_quality: fc.integer({ min: 0, max: 51 }),
    quality_preset: option(QUALITY_PRESETS),
    max_resolution: option(RESOLUTIONS),
    audio_only: fc.boolean(),
    clip_start: option(["0", "1:30", "0.5"]),
    max_duration: fc.integer({ min: 1, max: 86_400 }),
  },
  { requiredKeys: [] },
);
const limits = fc.option(option(RESOLUTIONS));

describe("whatever is asked for", () => {
  it("the result is a combination that can be", () => {
    fc.assert(
      fc.property(requests, limits, (asked, limit) => {
        const options = normaliseOptions(asked, limit);
        const holds = HOLDS[options.format];
        expect([...VIDEO_FORMATS, ...AUDIO_FORMATS]).toContain(options.format);
        expect(options.audio_only).toBe(isAudioFormat(options.format));
        expect(["copy", ...(holds?.video ?? [])]).toContain(options.video_codec);
        expect(["copy", ...(holds?.audio ?? [])]).toContain(options.audio_codec);
        expect(options.audio_bitrate === null).toBe(options.audio_codec === "copy");
        if (options.video_codec !== "copy") expect(options.video_quality).not.toBeNull();
        if (limit !== null && limit !== "best") {
          expect(Number(options.max_resolution)).toBeLessThanOrEqual(Number(limit));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("correcting what was corrected changes nothing", () => {
    fc.assert(
      fc.property(requests, limits, (asked, limit) => {
        const once = normaliseOptions(asked, limit);
        expect(normaliseOptions(asRequest(once), limit)).toEqual(once);
      }),
      { numRuns: 2_000 },
    );
  });

  it("what is possible as asked is kept", () => {
    fc.assert(
      fc.property(requests, (asked) => {
        const options = normaliseOptions(asked, null);
        const { format, video_codec, audio_codec } = asked;
        const holds = HOLDS[options.format];
        if (format === options.format) expect(options.format).toBe(format);
        if (video_codec !== undefined && holds?.video.includes(video_codec)) {
          expect(options.video_codec).toBe(video_codec);
        }
        if (audio_codec !== undefined && holds?.audio.includes(audio_codec)) {
          expect(options.audio_codec).toBe(audio_codec);
        }
      }),
    );
  });
});

/** The options as a client would send them back: nothing that is null, and `copy` only if it was asked for by name. */
function asRequest(options: JobOptions): RequestedOptions {
  const { clip_start_seconds: _, clip_end_seconds: __, audio_codec_explicit: explicit, ...sent } = options;
  const entries = Object.entries(sent).filter(
    ([name, value]) => value !== null && (name !== "audio_codec" || value !== "copy" || explicit),
  );
  return Object.fromEntries(entries) as RequestedOptions;
}
