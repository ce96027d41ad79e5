/** What the jobs API says must come out (3.1, 11.4), written down a second time and independently of the plan. */
import {
  AUDIO_CODECS,
  AUDIO_FORMATS,
  type Format,
  type JobOptions,
  VIDEO_CODECS,
  VIDEO_FORMATS,
} from "../../../../shared/contract/options.ts";
import { normaliseOptions, type RequestedOptions } from "../../../../shared/normalise-options.ts";

export interface SourceKind {
  path: string;
  video: string;
  audio: string;
  upright?: boolean;
}

export const SOURCES = {
  h264: { path: "tiny/h264.mp4", video: "h264", audio: "aac" },
  vp9: { path: "tiny/vp9.webm", video: "vp9", audio: "opus" },
  hls: { path: "tiny/hls/index.m3u8", video: "h264", audio: "aac" },
  dash: { path: "tiny/dash/manifest.mpd", video: "h264", audio: "aac" },
  upright: { path: "tiny/upright.mp4", video: "h264", audio: "aac", upright: true },
} as const satisfies Readonly<Record<string, SourceKind>>;

/** 11.4: kept by `copy`, and what stands in for the rest. Null: everything is kept. */
const CONTAINERS: Readonly<
  Record<Format, { name: string; video: string[] | null; audio: string[] | null; fallback: [string, string] }>
> = {
  mp4: { name: "mov", video: ["h264", "h265", "vp9", "av1"], audio: ["aac", "mp3", "opus"], fallback: ["h264", "aac"] },
  mov: { name: "mov", video: ["h264", "h265"], audio: ["aac", "mp3"], fallback: ["h264", "aac"] },
  webm: { name: "matroska", video: ["vp8", "vp9", "av1"], audio: ["opus", "vorbis"], fallback: ["vp9", "opus"] },
  mkv: { name: "matroska", video: null, audio: null, fallback: ["", ""] },
  m4a: { name: "mov", video: [], audio: ["aac"], fallback: ["", "aac"] },
  mp3: { name: "mp3", video: [], audio: ["mp3"], fallback: ["", "mp3"] },
  ogg: { name: "ogg", video: [], audio: ["opus"], fallback: ["", "opus"] },
  opus: { name: "ogg", video: [], audio: ["opus"], fallback: ["", "opus"] },
};

export interface Expected {
  container: string;
  video: string | null;
  audio: string;
  /** What the job says, where that is not what was asked for. */
  echoed: { video_codec: string | null; audio_codec: string | null };
}

export function expected(options: JobOptions, source: SourceKind): Expected {
  const { name, video, audio, fallback } = CONTAINERS[options.format];
  const come = (wanted: string, kept: string[] | null, has: string, other: string) =>
    wanted !== "copy" ? wanted : kept === null || kept.includes(has) ? has : other;
  const [picture, sound] = [
    options.audio_only ? null : come(options.video_codec, video, source.video, fallback[0]),
    come(options.audio_codec, audio, source.audio, fallback[1]),
  ];
  const echo = (wanted: string, has: string, made: string | null) =>
    wanted === "copy" && made !== null && made !== has ? made : null;
  return {
    container: name,
    video: picture,
    audio: sound,
    echoed: {
      video_codec: echo(options.video_codec, source.video, picture),
      audio_codec: echo(options.audio_codec, source.audio, sound),
    },
  };
}

export interface Case {
  source: keyof typeof SOURCES;
  asked: RequestedOptions;
  options: JobOptions;
}

export function makeCase(source: keyof typeof SOURCES, asked: RequestedOptions): Case {
  return { source, asked, options: normaliseOptions(asked, null) };
}

/** Each format with each codec of picture and sound, with and without the picture; what comes to the same is there once. */
export function everyCase(): Case[] {
  const quick = { quality_preset: "lowest" } as const;
  const requests = [...VIDEO_FORMATS, ...AUDIO_FORMATS].flatMap((format) =>
    VIDEO_CODECS.flatMap((video_codec) =>
      AUDIO_CODECS.flatMap((audio_codec) =>
        [false, true].map(
          (audio_only): RequestedOptions => ({ ...quick, format, video_codec, audio_codec, audio_only }),
        ),
      ),
    ),
  );
  const cases = (Object.keys(SOURCES) as (keyof typeof SOURCES)[]).flatMap((source) =>
    requests.map((asked) => makeCase(source, asked)),
  );
  const key = ({ source, options: { format, video_codec, audio_codec, audio_only } }: Case) =>
    // Without a picture its codec says nothing.
    [source, format, audio_only ? "" : video_codec, audio_codec].join(" ");
  return [...new Map(cases.map((one) => [key(one), one])).values()];
}
