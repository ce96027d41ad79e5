/** One name per codec, whatever the source calls it: `avc1` (sites), `hevc` (ffmpeg), `h265` (our options). */
const NAMES: Readonly<Record<string, string>> = {
  avc1: "h264",
  avc2: "h264",
  avc3: "h264",
  avc: "h264",
  hevc: "h265",
  hev1: "h265",
  hvc1: "h265",
  dvh1: "h265",
  dvhe: "h265",
  vp09: "vp9",
  "vp9.2": "vp9",
  vp08: "vp8",
  av01: "av1",
  mp4a: "aac",
  "mp4a-latm": "aac",
  aac_latm: "aac",
  mp3float: "mp3",
};

/** Null stays null: unknown until the file has been probed. "none" means that there is no such stream. */
export function codecName(codec: string | null): string | null {
  if (codec === null || codec === "none") return codec;
  const lower = codec.toLowerCase();
  return NAMES[lower] ?? lower;
}

/** The style in which the jobs API shows a source's codec (`native_video_codec`). */
const SHORT: Readonly<Record<string, string>> = {
  h264: "avc1",
  h265: "hvc1",
  vp9: "vp09",
  vp8: "vp08",
  av1: "av01",
  aac: "mp4a",
};

export function shortCodec(codec: string | null): string | null {
  if (codec === null || codec === "none") return null;
  const name = codecName(codec) ?? codec;
  return (SHORT[name] ?? name).slice(0, 200);
}
