import { describe, expect, it } from "vitest";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { stepArguments } from "../../../worker-node/media/plan/arguments.ts";
import { chooseSubtitles } from "../../../worker-node/media/plan/side-files.ts";
import { planSteps, type StepInput } from "../../../worker-node/media/plan/steps.ts";
import { type MediaPlan, planMedia } from "../../../worker-node/media/plan.ts";
import { type SourceInfo, toSourceInfo } from "../../../worker-node/media/source.ts";
import { jobOptions } from "../../job-options.ts";

/** Formats in few words: `id video-codec/audio-codec shorter×longer kbit protocol.ext`; `-` = none, `?` = unknown. */
function source(lines: string[], more: Record<string, unknown> = {}): SourceInfo {
  const codec = (text: string | undefined) => (text === "-" ? "none" : text === "?" ? null : text);
  const formats = lines.map((line) => {
    const [format_id, codecs = "", size = "", tbr, where = "https.mp4"] = line.split(/\s+/);
    const [vcodec, acodec] = codecs.split("/").map(codec);
    const [width, height] = size.split("x").map((side) => Number(side) || null);
    const [protocol, ext] = where.split(".");
    return { format_id, vcodec, acodec, width, height, tbr: Number(tbr) || null, protocol, ext };
  });
  return toSourceInfo({ id: "x", extractor_key: "Test", duration: 100, formats, ...more });
}

const YOUTUBE = source([
  "sb0 none/none 48x27 0 mhtml.mhtml",
  "139 -/mp4a.40.5 - 48 https.m4a",
  "140 -/mp4a.40.2 - 129 https.m4a",
  "251 -/opus - 135 https.webm",
  "18 avc1.42001E/mp4a.40.2 640x360 500 https.mp4",
  "134 avc1.4d401e/- 640x360 400 https.mp4",
  "136 avc1.4d401f/- 1280x720 1500 https.mp4",
  "247 vp9/- 1280x720 1200 https.webm",
  "137 avc1.640028/- 1920x1080 4000 https.mp4",
  "248 vp9/- 1920x1080 2500 https.webm",
  "399 av01.0.08M.08/- 1920x1080 2000 https.mp4",
  "271 vp9/- 2560x1440 8000 https.webm",
  "401 av01.0.12M.08/- 3840x2160 10000 https.mp4",
  "313 vp9/- 3840x2160 17000 https.webm",
]);
const VERTICAL = source(["a avc1/mp4a 360x640 600", "b avc1/mp4a 720x1280 1500", "c avc1/mp4a 1080x1920 3000"]);
const HLS = source([
  "1200 avc1.4d401e/mp4a.40.2 640x360 1200 m3u8_native.mp4",
  "2600 avc1.4d401f/mp4a.40.2 1280x720 2600 m3u8_native.mp4",
]);
const FILE = source(["mp4 ?/? - 0 https.mp4"]);
const PAGE = source([
  "w ?/? x360 0 https.webm",
  "s ?/? x360 0 https.mp4",
  "m ?/? x720 0 https.mp4",
  "l ?/? x1080 0 https.mp4",
]);
const PODCAST = source(["mpeg -/mp3 - 128 https.mp3"]);
const SILENT = source(["s avc1/- 640x360 500"]);
const BIG_ONLY = source(["b avc1/mp4a 3840x2160 9000", "m avc1/mp4a 2560x1440 6000"]);

const VERTICAL_BIG = source(["b avc1/mp4a 720x1280 1500", "c avc1/mp4a 1080x1920 3000"]);
const AV1_ONLY = source(["h avc1/mp4a 1280x720 2000", "a av01/opus 640x360 500 https.webm"]);
const MIXED = source(["o -/opus - 100 https.webm", "v vp9/mp4a 1280x720 2000 https.mp4"]);
const BOTH_WAYS = source(["file avc1/mp4a 1280x720 2000", "hls avc1/mp4a 1280x720 2000 m3u8_native.mp4"]);
const FAST = toSourceInfo({
  formats: [
    { format_id: "fast", vcodec: "avc1", acodec: "mp4a", width: 1280, height: 720, fps: 60, tbr: 1500 },
    { format_id: "slow", vcodec: "avc1", acodec: "mp4a", width: 1280, height: 720, fps: 30, tbr: 2500 },
  ],
});
const DUBBED = toSourceInfo({
  formats: [
    { format_id: "own", vcodec: "none", acodec: "mp4a", abr: 96, language_preference: 10 },
    { format_id: "dub", vcodec: "none", acodec: "mp4a", abr: 128, language_preference: -1 },
  ],
});

function plan(options: Partial<JobOptions>, info: SourceInfo): MediaPlan {
  const made = planMedia(jobOptions(options), info);
  if ("problem" in made) throw new Error(made.problem);
  return made;
}

describe("planMedia chooses formats", () => {
  const rows: [string, Partial<JobOptions>, SourceInfo, string][] = [
    ["the best picture and sound at best", {}, YOUTUBE, "313+251"],
    ["VP9 or H.264 at 1440", { max_resolution: "1440" }, YOUTUBE, "271+251"],
    ["H.264 at 1080", { max_resolution: "1080" }, YOUTUBE, "137+251"],
    ["H.264 at 720", { max_resolution: "720" }, YOUTUBE, "136+251"],
    ["the next lower where the height is not offered", { max_resolution: "480" }, YOUTUBE, "18"],
    ["the smallest where none is small enough", { max_resolution: "360" }, BIG_ONLY, "m"],
    ["what WebM keeps", { format: "webm", max_resolution: "1080" }, YOUTUBE, "248+251"],
    ["what MOV keeps, though smaller", { format: "mov" }, YOUTUBE, "137+140"],
    ["anything for Matroska", { format: "mkv" }, YOUTUBE, "313+251"],
    ["AAC for M4A", { format: "m4a", audio_only: true }, YOUTUBE, "140"],
    ["Opus for Ogg", { format: "ogg", audio_only: true }, YOUTUBE, "251"],
    ["the highest bitrate where none fits", { format: "mp3", audio_only: true }, YOUTUBE, "251"],
    ["the sound of the codec that was asked for", { audio_codec: "aac", max_resolution: "1080" }, YOUTUBE, "137+140"],
    ["the best picture for a re-encode", { format: "mov", video_codec: "h264" }, YOUTUBE, "313+140"],
    ["an upright video by its shorter side", { max_resolution: "720" }, VERTICAL, "b"],
    ["the variant that is small enough", { max_resolution: "480" }, HLS, "1200"],
    ["the best variant", {}, HLS, "2600"],
    ["a muxed variant with the smallest picture for its sound", { format: "m4a", audio_only: true }, HLS, "1200"],
    ["the one file that there is", {}, FILE, "mp4"],
    ["the one file for its sound", { format: "mp3", audio_only: true }, FILE, "mp4"],
    ["by the ending where a site tells no codecs", { format: "webm" }, PAGE, "w"],
    ["by the height where a site tells no codecs", { max_resolution: "720" }, PAGE, "m"],
    ["a sound file though a video was asked for", {}, PODCAST, "mpeg"],
    ["a silent video", {}, SILENT, "s"],
    ["of one size what is the named codec already", { video_codec: "vp9", max_resolution: "1080" }, YOUTUBE, "248+251"],
    ["the named codec is no reason for a smaller picture", { video_codec: "h264" }, YOUTUBE, "313+251"],
    ["more frames a second of one size", {}, FAST, "fast"],
    ["an upright video, none small enough", { max_resolution: "360" }, VERTICAL_BIG, "b"],
    ["no more than the limit of an upright one", { max_resolution: "1080" }, VERTICAL, "c"],
    ["the sound in the original language", { format: "m4a", audio_only: true }, DUBBED, "own"],
    ["one file rather than fragments of the same", {}, BOTH_WAYS, "file"],
    ["AV1 in WebM where nothing else fits", { format: "webm" }, AV1_ONLY, "a"],
    ["a sound that fits beside a muxed one that does not", { format: "webm" }, MIXED, "v+o"],
    ["the format that was named", { format_id: "247", max_resolution: "360" }, YOUTUBE, "247+251"],
    ["the named format alone when it has sound", { format_id: "18" }, YOUTUBE, "18"],
    ["the named sound", { format_id: "139" }, YOUTUBE, "139"],
    ["the named pair", { format_id: "137+140", max_resolution: "360" }, YOUTUBE, "137+140"],
    ["the named pair the other way round", { format_id: "140+137" }, YOUTUBE, "137+140"],
    ["the named sound instead of the picture's own", { format_id: "18+251" }, YOUTUBE, "18+251"],
    ["the sound of a named pair", { format_id: "137+140", format: "m4a", audio_only: true }, YOUTUBE, "140"],
  ];
  it.each(rows)("%s", (_title, options, info, ids) => {
    expect(
      plan(options, info)
        .downloads.map((format) => format.id)
        .join("+"),
    ).toBe(ids);
  });

  it.each([
    ["no sound in it", { format: "m4a", audio_only: true } as const, SILENT, "The source has no audio"],
    ["no formats", {}, source([]), "The source has no media"],
    [
      "not the format that was named",
      { format_id: "1080+140" },
      HLS,
      "Format 1080+140 is not available; the source offers 1200, 2600",
    ],
    ["two pictures", { format_id: "137+136" }, YOUTUBE, "Formats 137+136 are not one of picture and one of sound"],
    ["no sound in the format named", { format_id: "137", audio_only: true }, YOUTUBE, "The source has no audio"],
  ])("and says what is wrong with a source that has %s", (_title, options, info, problem) => {
    expect(planMedia(jobOptions(options), info)).toEqual({ problem });
  });

  it("estimates the size from sizes, else from bitrate and duration", () => {
    expect(plan({ max_resolution: "1080" }, YOUTUBE).sizeEstimate).toBe(((4000 + 135) * 1000 * 100) / 8);
    expect(plan({}, FILE).sizeEstimate).toBeNull();
  });
});

const H264_AAC: StepInput = {
  video: { index: 0, codec: "h264", width: 640, height: 360 },
  audio: { index: 1, codec: "aac", channels: 2 },
  plain: "mp4",
};
const TS: StepInput = { ...H264_AAC, plain: null };
const VP9_OPUS: StepInput = {
  video: { index: 0, codec: "vp9", width: 640, height: 360 },
  audio: { index: 1, codec: "opus", channels: 2 },
  plain: "webm",
};
const MP3: StepInput = { video: null, audio: { index: 0, codec: "mp3", channels: 2 }, plain: "mp3" };
const PICTURE: StepInput = { ...H264_AAC, audio: null, plain: null };
const SOUND: StepInput = { video: null, audio: { index: 0, codec: "aac", channels: 2 }, plain: "m4a" };

describe("planSteps re-encodes only what must be", () => {
  /** kind, video, audio, echoed codecs. */
  const rows: [string, Partial<JobOptions>, StepInput[], string][] = [
    ["a plain file is moved", {}, [H264_AAC], "move copy copy -/-"],
    ["an HLS download is remuxed", {}, [TS], "remux copy copy -/-"],
    ["picture and sound are put together", {}, [PICTURE, SOUND], "remux copy copy -/-"],
    ["another container is a remux", { format: "mkv" }, [H264_AAC], "remux copy copy -/-"],
    ["MOV from MP4 is a remux", { format: "mov" }, [H264_AAC], "remux copy copy -/-"],
    ["MP4 keeps VP9 and Opus", {}, [VP9_OPUS], "remux copy copy -/-"],
    ["MOV does not", { format: "mov" }, [VP9_OPUS], "transcode h264:23 aac:192k h264/aac"],
    ["WebM is moved", { format: "webm" }, [VP9_OPUS], "move copy copy -/-"],
    ["WebM re-encodes H.264 and AAC", { format: "webm" }, [H264_AAC], "transcode vp9:31 opus:192k vp9/opus"],
    ["sound alone is taken out untouched", { format: "m4a", audio_only: true }, [H264_AAC], "remux - copy -/-"],
    ["an M4A is moved", { format: "m4a", audio_only: true }, [SOUND], "move - copy -/-"],
    ["MP3 from AAC", { format: "mp3", audio_only: true }, [H264_AAC], "transcode - mp3:192k -/mp3"],
    ["MP3 from MP3", { format: "mp3", audio_only: true }, [MP3], "move - copy -/-"],
    ["Opus from AAC", { format: "opus", audio_only: true }, [SOUND], "transcode - opus:192k -/opus"],
    ["a sound file in a video container", {}, [MP3], "remux - copy -/-"],
    ["a named codec that is there already", { video_codec: "h264" }, [TS], "remux copy copy -/-"],
    ["a named codec with a quality", { video_codec: "h264", video_quality: 30 }, [TS], "transcode h264:30 copy -/-"],
    [
      "the preset beats the number",
      { video_codec: "h265", video_quality: 30, quality_preset: "low" },
      [TS],
      "transcode h265:30 copy -/-",
    ],
    ["h265, lowest", { video_codec: "h265", quality_preset: "lowest" }, [TS], "transcode h265:34 copy -/-"],
    ["vp9, highest", { video_codec: "vp9", quality_preset: "highest" }, [TS], "transcode vp9:24 copy -/-"],
    [
      "a named codec with a clip is cut exactly",
      { video_codec: "h264", clip_start_seconds: 2 },
      [TS],
      "transcode h264:23 copy -/-",
    ],
    ["a clip by copy", { clip_start_seconds: 2 }, [H264_AAC], "remux copy copy -/-"],
    [
      "a bitrate means a re-encode",
      { audio_codec: "aac", audio_bitrate: "64k" },
      [H264_AAC],
      "transcode copy aac:64k -/-",
    ],
    ["a named audio codec that is there already", { audio_codec: "aac" }, [TS], "remux copy copy -/-"],
    [
      "a bitrate has no effect on copy by name",
      { format: "mp3", audio_only: true, audio_codec_explicit: true, audio_bitrate: "64k" },
      [SOUND],
      "transcode - mp3:192k -/mp3",
    ],
  ];
  it.each(rows)("%s", (_title, options, inputs, expected) => {
    const steps = planSteps(jobOptions(options), inputs);
    const video =
      steps?.video == null ? "-" : steps.video.mode === "copy" ? "copy" : `${steps.video.codec}:${steps.video.crf}`;
    const audio =
      steps?.audio == null ? "-" : steps.audio.mode === "copy" ? "copy" : `${steps.audio.codec}:${steps.audio.bitrate}`;
    const { video_codec, audio_codec } = steps?.effective ?? {};
    expect(`${steps?.kind} ${video} ${audio} ${video_codec ?? "-"}/${audio_codec ?? "-"}`).toBe(expected);
  });

  it.each<[string, Partial<JobOptions>, StepInput, number | null]>([
    ["to the limit where it is encoded anyway", { video_codec: "h264", max_resolution: "240" }, TS, 240],
    ["for a fallback too", { format: "webm", max_resolution: "240" }, TS, 240],
    ["never up", { video_codec: "h264", max_resolution: "720" }, TS, null],
    ["not where the limit is kept", { video_codec: "h264", max_resolution: "360" }, TS, null],
    ["not without a limit", { video_codec: "h264" }, TS, null],
    ["not a format that was named", { video_codec: "h264", max_resolution: "240", format_id: "ts" }, TS, null],
  ])("scales down %s", (_title, options, input, side) => {
    const video = planSteps(jobOptions({ video_quality: 23, ...options }), [input])?.video;
    expect(video).toMatchObject({ mode: "encode", side });
  });

  it("does not encode to make a copy smaller", () => {
    expect(planSteps(jobOptions({ max_resolution: "240" }), [TS])).toMatchObject({ kind: "remux" });
  });

  it("echoes the quality of a fallback, not of what was asked for", () => {
    const quality = (options: Partial<JobOptions>) => planSteps(jobOptions(options), [TS])?.effective.video_quality;
    expect(quality({ format: "webm" })).toBe(31);
    expect(quality({ format: "webm", quality_preset: "low" })).toBe(36);
    expect(quality({ video_codec: "h264", video_quality: 30 })).toBeNull();
    expect(quality({})).toBeNull();
  });

  it("has no plan for a file with nothing that was asked for", () => {
    expect(planSteps(jobOptions({ format: "m4a", audio_only: true }), [PICTURE])).toBeNull();
  });
});

describe("stepArguments", () => {
  const args = (
    options: Partial<JobOptions>,
    inputs: StepInput[],
    skip = [0, 0],
    length: number | null = null,
  ): string => {
    const steps = planSteps(jobOptions(options), inputs);
    if (steps === null) throw new Error("no plan");
    const files = skip.map((seconds, at) => ({ path: `/w/source-${at}`, skip: seconds }));
    return stepArguments(steps, { inputs: files, output: "/w/output" }, { preroll: 0, length, copyUntil: length }).join(
      " ",
    );
  };

  it("opens local files only, with demuxers that read one file only", () => {
    const line = args({}, [TS]);
    expect(line).toMatch(/^-protocol_whitelist file -format_whitelist \S+ -i file:\/w\/source-0 /);
    expect(line).not.toMatch(/hls|concat|dash|image2/);
  });
  it("puts picture and sound of two files together, the index in front", () => {
    const line = args({}, [PICTURE, SOUND]);
    expect(line).toContain("-map 0:0 -c:v copy -map 1:0 -c:a copy");
    expect(line).toContain("-movflags +faststart");
  });
  it("opens only the file that is used", () => {
    expect(args({ format: "m4a", audio_only: true }, [PICTURE, SOUND])).toContain(
      "-i file:/w/source-1 -vn -map 0:0 -c:a copy",
    );
  });
  it("seeks in each input by its own clock and bounds the length", () => {
    const clip = { clip_start_seconds: 3, clip_end_seconds: 5.5, video_codec: "h264" } as const;
    const line = args(clip, [PICTURE, SOUND], [3, 2.92], 2.5);
    expect(line).toMatch(/-ss 3\.000000 -i file:\/w\/source-0 .* -ss 2\.920000 -i file:\/w\/source-1 -t 2\.500000/);
  });
  it("lets a file that begins later begin later", () => {
    expect(args({}, [PICTURE, SOUND], [-0.08, 0])).toContain("-itsoffset 0.080000 -i file:/w/source-0");
  });
  it("keeps each picture at its own time when it encodes", () => {
    expect(args({ video_codec: "vp9" }, [TS])).toContain("-fps_mode vfr -enc_time_base -1");
  });
  it("drops copied pictures that lie outside, on a clock that it knows", () => {
    const clip = { clip_start_seconds: 3, clip_end_seconds: 5.5 };
    expect(args(clip, [H264_AAC], [2, 0], 3.5)).toContain(
      "-bsf:v noise=drop=lt(pts\\,startpts)+gte(dts\\,315000.0) -video_track_timescale 90000",
    );
    expect(args({ ...clip, format: "mkv" }, [H264_AAC], [2, 0], 3.5)).toContain("gte(dts\\,3500.0) -map");
    expect(args({}, [TS])).not.toContain("-bsf");
  });
  it("names H.265 as Apple wants it", () => {
    expect(args({ video_codec: "h265" }, [TS])).toContain("-tag:v hvc1");
    expect(args({ format: "mkv", video_codec: "h265" }, [TS])).not.toContain("-tag:v");
  });
  it("makes odd sides even", () => {
    const odd = { ...TS, video: { index: 0, codec: "vp8", width: 641, height: 361 } };
    expect(args({}, [odd])).toContain("-vf crop=");
    expect(args({ format: "mov" }, [VP9_OPUS])).not.toContain("-vf");
  });
  it("keeps libopus within what it takes", () => {
    const mono = { ...SOUND, audio: { index: 0, codec: "aac", channels: 1 } };
    expect(args({ format: "opus", audio_only: true, audio_codec: "opus", audio_bitrate: "320k" }, [mono])).toContain(
      "-b:a 256k",
    );
    const surround = { ...SOUND, audio: { index: 0, codec: "aac", channels: 6 } };
    expect(args({ format: "opus", audio_only: true }, [surround])).toContain("-ac 2");
  });
});

describe("chooseSubtitles", () => {
  const track = (language: string, automatic = false, ext = "vtt") => ({ language, automatic, ext });
  const choose = (
    tracks: ReturnType<typeof track>[],
    language: string | null = "de",
    subtitle_languages: string[] = [],
  ) =>
    chooseSubtitles({ download_subtitles: true, subtitle_languages }, { language, subtitles: tracks }).map(
      (one) => `${one.language}${one.automatic ? " auto" : ""}`,
    );

  it.each([
    ["made, own language", [track("en"), track("de"), track("de", true)], ["de"]],
    ["made, own base language", [track("en"), track("de-AT")], ["de-AT"]],
    ["made, English", [track("fr"), track("en"), track("de", true)], ["en"]],
    ["made, any", [track("fr"), track("de", true)], ["fr"]],
    ["automatic, own", [track("en", true), track("de", true)], ["de auto"]],
    ["automatic, English", [track("fr", true), track("en", true)], ["en auto"]],
    ["none", [track("fr", true)], []],
  ])("%s", (_title, tracks, expected) => {
    expect(choose(tracks)).toEqual(expected);
  });

  it("takes one for each language that was named", () => {
    const tracks = [track("de"), track("pt-BR"), track("fr", true), track("en")];
    expect(choose(tracks, null, ["fr", "pt", "ja"])).toEqual(["fr auto", "pt-BR"]);
  });
  it.each([
    ["en", "en-US", true],
    ["en-GB", "en", true],
    ["en-GB", "en-US", true],
    ["zh-Hant", "zh-Hans", false],
    ["zh-TW", "zh-Hant", true],
    ["pt_BR", "pt-br", true],
    ["en", "eng", false],
  ])("finds for %s the track %s: %s", (asked, offered, found) => {
    expect(choose([track("fr"), track(offered)], null, [asked])).toEqual(found ? [offered] : []);
  });
  it("brings a track that two tags mean once", () => {
    expect(choose([track("en-US")], null, ["en", "en-US", "en-GB"])).toEqual(["en-US"]);
  });
  it("takes none unless asked", () => {
    expect(
      chooseSubtitles(
        { download_subtitles: false, subtitle_languages: ["de"] },
        { language: null, subtitles: [track("de")] },
      ),
    ).toEqual([]);
  });
});
