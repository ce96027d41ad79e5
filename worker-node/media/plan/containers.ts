/** What each container keeps by `copy`, what it falls back to, and how ffmpeg writes it (jobs API 11.4). */
import { type Format, isAudioFormat } from "../../../shared/contract/options.ts";

export type EncodedVideo = "h264" | "h265" | "vp9";
export type EncodedAudio = "aac" | "opus" | "mp3";

export interface Container {
  muxer: string;
  /** "all" for Matroska, which holds what there is. */
  video: readonly string[] | "all";
  audio: readonly string[] | "all";
  fallbackVideo: EncodedVideo;
  fallbackAudio: EncodedAudio;
  /** The index goes to the front, so that players start before the end has arrived. */
  faststart: boolean;
}

const mp4 = { fallbackVideo: "h264", fallbackAudio: "aac", faststart: true } as const;
const web = { fallbackVideo: "vp9", fallbackAudio: "opus", faststart: false } as const;
const ogg = { ...web, video: [], audio: ["opus"] } as const;

export const CONTAINERS: Readonly<Record<Format, Container>> = {
  mp4: { ...mp4, muxer: "mp4", video: ["h264", "h265", "vp9", "av1"], audio: ["aac", "mp3", "opus"] },
  mov: { ...mp4, muxer: "mov", video: ["h264", "h265"], audio: ["aac", "mp3"] },
  webm: { ...web, muxer: "webm", video: ["vp8", "vp9", "av1"], audio: ["opus", "vorbis"] },
  mkv: { ...mp4, muxer: "matroska", video: "all", audio: "all", faststart: false },
  m4a: { ...mp4, muxer: "ipod", video: [], audio: ["aac"] },
  mp3: { ...mp4, muxer: "mp3", video: [], audio: ["mp3"], fallbackAudio: "mp3", faststart: false },
  ogg: { ...ogg, muxer: "ogg" },
  opus: { ...ogg, muxer: "opus" },
};

/** Unknown (null) counts as fitting: the probe of the downloaded file has the last word. */
export function keeps(allowed: readonly string[] | "all", codec: string | null): boolean {
  return allowed === "all" || codec === null || allowed.includes(codec);
}

/** True when the job wants no picture at all. */
export function wantsAudioOnly(options: { format: Format; audio_only: boolean }): boolean {
  return options.audio_only || isAudioFormat(options.format);
}
