/** Which of a source's formats to download (jobs API 3.1 `max_resolution`, 11.3, 11.4). Pure. */
import type { JobOptions } from "../../../shared/contract/options.ts";
import type { SourceFormat } from "../source.ts";
import { codecName } from "./codecs.ts";
import { CONTAINERS, keeps, wantsAudioOnly } from "./containers.ts";

export interface ChosenFormats {
  /** The format with the picture; it may carry the sound too. Null when only sound is wanted or offered. */
  video: SourceFormat | null;
  /** The format to take the sound from; the same object as `video` when that carries it. */
  audio: SourceFormat | null;
}

/** Why nothing was chosen, as a text for the user. */
export interface NoFormat {
  problem: string;
}

type Wish = Pick<JobOptions, "format" | "audio_only" | "max_resolution" | "video_codec" | "audio_codec" | "format_id">;

/** Preferred codecs from the shorter side upwards; what is not named comes last. */
const PREFERENCE: readonly { from: number; codecs: readonly string[] }[] = [
  { from: 2160, codecs: ["vp9", "av1", "h265", "h264"] },
  { from: 1440, codecs: ["vp9", "h264", "av1", "h265"] },
  { from: 0, codecs: ["h264", "h265", "vp9", "av1"] },
];

export function chooseFormats(wish: Wish, formats: readonly SourceFormat[]): ChosenFormats | NoFormat {
  if (wish.format_id !== null) return chooseNamed(wish, formats);
  const audioOnly = wantsAudioOnly(wish);
  const video = audioOnly ? null : bestVideo(wish, formats.filter(hasVideo));
  if (video === null) {
    const audio = bestAudio(wish, formats);
    return audio === null
      ? { problem: audioOnly ? "The source has no audio" : "The source has no media" }
      : { video, audio };
  }
  return { video, audio: audioBeside(wish, video, formats) };
}

/** Ids that an error text names. */
const MAX_NAMED_FORMATS = 20;

/** `format_id` beats `max_resolution`; a silent format still gets its sound. */
function chooseNamed(wish: Wish, formats: readonly SourceFormat[]): ChosenFormats | NoFormat {
  const named = namedFormats(wish.format_id ?? "", formats);
  if ("problem" in named) return named;
  const video = wantsAudioOnly(wish) ? undefined : named.find(hasVideo);
  // Of a pair the sound is the one without a picture.
  const audio = named.findLast((format) => !hasVideo(format)) ?? named.find(hasAudio);
  if (video === undefined) {
    return audio === undefined ? { problem: "The source has no audio" } : { video: null, audio };
  }
  return { video, audio: named.length > 1 ? (audio ?? null) : audioBeside(wish, video, formats) };
}

/** One id, which may have a plus in it, or two joined by one. */
function namedFormats(wanted: string, formats: readonly SourceFormat[]): readonly SourceFormat[] | NoFormat {
  const find = (id: string) => formats.find((format) => format.id === id);
  const whole = find(wanted);
  if (whole !== undefined) return [whole];
  for (let at = wanted.indexOf("+"); at > 0; at = wanted.indexOf("+", at + 1)) {
    const pair = [find(wanted.slice(0, at)), find(wanted.slice(at + 1))].filter((format) => format !== undefined);
    if (pair.length < 2) continue;
    if (pair.every(hasVideo) || !pair.some(hasVideo))
      return { problem: `Formats ${wanted} are not one of picture and one of sound` };
    return pair;
  }
  const offered = formats.map((format) => format.id).filter((id) => /^[A-Za-z0-9_+.-]{1,64}$/.test(id));
  return {
    problem: `Format ${wanted} is not available; the source offers ${offered.slice(-MAX_NAMED_FORMATS).join(", ")}`,
  };
}

/** The picture's own sound, unless it has none, or none that fits while another format has. */
function audioBeside(wish: Wish, video: SourceFormat, formats: readonly SourceFormat[]): SourceFormat | null {
  const separate = bestAudio(
    wish,
    formats.filter((format) => !hasVideo(format)),
  );
  if (!hasAudio(video)) return separate;
  if (separate === null || fitsAudio(wish, video) || !fitsAudio(wish, separate)) return video;
  return separate;
}

function bestVideo(wish: Wish, formats: readonly SourceFormat[]): SourceFormat | null {
  const limit = wish.max_resolution === "best" ? Number.POSITIVE_INFINITY : Number(wish.max_resolution);
  const within = formats.filter((format) => (shorterSide(format) ?? 0) <= limit);
  // Nothing small enough: the smallest that there is.
  const least = Math.min(...formats.map((format) => shorterSide(format) ?? 0));
  const offered = within.length > 0 ? within : formats.filter((format) => (shorterSide(format) ?? 0) === least);
  return best(offered, (format) => [
    Number(fitsVideo(wish, format)),
    shorterSide(format) ?? 0,
    // Of one size, what is already the codec that was asked for.
    Number(wish.video_codec !== "copy" && codecName(format.vcodec) === wish.video_codec),
    -codecRank(format),
    format.fps ?? 0,
    format.vbr ?? format.tbr ?? 0,
    // Of two that are alike, the one that comes in one piece.
    Number(/^https?$/.test(format.protocol)),
  ]);
}

/** Original language first, then what fits, then the highest bitrate; a picture that comes along is dead weight. */
function bestAudio(wish: Wish, formats: readonly SourceFormat[]): SourceFormat | null {
  return best(formats.filter(hasAudio), (format) => [
    format.languagePreference,
    Number(fitsAudio(wish, format)),
    -Number(hasVideo(format)),
    hasVideo(format) ? (format.abr ?? 0) : (format.abr ?? format.tbr ?? 0),
    // Muxed formats rarely tell their sound's bitrate: the smallest picture then.
    hasVideo(format) ? -(shorterSide(format) ?? 0) : 0,
    Number(codecName(format.acodec) === "aac"),
  ]);
}

/** No re-encode needed: the container keeps it, or it is the very codec that was asked for. */
function fitsVideo(wish: Wish, format: SourceFormat): boolean {
  const codec = likelyCodec(format.vcodec, format.ext, "video");
  // A named codec is made from whatever there is: then the resolution alone counts.
  return wish.video_codec !== "copy" || keeps(CONTAINERS[wish.format].video, codec);
}

function fitsAudio(wish: Wish, format: SourceFormat): boolean {
  const codec = likelyCodec(format.acodec, format.ext, "audio");
  if (wish.audio_codec !== "copy") return codec === wish.audio_codec || codec === null;
  return keeps(CONTAINERS[wish.format].audio, codec);
}

/** Plain links tell no codec, but their ending nearly always does. Only for choosing: the probe decides the work. */
function likelyCodec(codec: string | null, ext: string | null, kind: "video" | "audio"): string | null {
  if (codec !== null) return codecName(codec);
  if (ext === "webm") return kind === "video" ? "vp9" : "opus";
  return ext === "mp4" || ext === "m4v" || ext === "mov" || ext === "m4a" ? (kind === "video" ? "h264" : "aac") : null;
}

function codecRank(format: SourceFormat): number {
  const side = shorterSide(format) ?? 0;
  const codecs = PREFERENCE.find((one) => side >= one.from)?.codecs ?? [];
  const rank = codecs.indexOf(codecName(format.vcodec) ?? "");
  return rank < 0 ? codecs.length : rank;
}

/** `max_resolution` compares this, so that an upright 1080×1920 is "1080p" too. */
export function shorterSide(format: { width: number | null; height: number | null }): number | null {
  if (format.width !== null && format.height !== null) return Math.min(format.width, format.height);
  return format.height ?? format.width;
}

function hasVideo(format: SourceFormat): boolean {
  return format.vcodec !== "none";
}

function hasAudio(format: SourceFormat): boolean {
  return format.acodec !== "none";
}

/** The highest by the list of numbers, compared in order; of equals the later one, as yt-dlp sorts the worst first. */
function best(formats: readonly SourceFormat[], score: (format: SourceFormat) => number[]): SourceFormat | null {
  let winner: { format: SourceFormat; score: number[] } | null = null;
  for (const format of formats) {
    const own = score(format);
    if (winner === null || compare(own, winner.score) >= 0) winner = { format, score: own };
  }
  return winner?.format ?? null;
}

function compare(left: readonly number[], right: readonly number[]): number {
  const at = left.findIndex((value, index) => value !== right[index]);
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}
