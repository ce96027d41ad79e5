/**
 * The presets that every account has (library API 7.2). They are code and no rows (docs/decisions/138): accounts of any
 * age have them, and nobody can change them.
 */
import type { Preset } from "./presets.ts";

const HEIGHT = (pixels: number) =>
  `--format-sort vcodec:h264,acodec:aac --format "bv*[height<=${pixels}]+ba/b[height<=${pixels}]" --merge-output-format mp4`;
const MEDIA_CENTRE =
  "%(channel,uploader|Unknown)s/Season %(release_date>%Y,upload_date>%Y|Unknown)s/%(release_date>%Y%m%d,upload_date>%Y%m%d|0)s - %(title)s [%(id)s].%(ext)s";
const THUMBNAIL = "--write-thumbnail --convert-thumbnails jpg";

/** The rest of the command line, and the template; by id, from 1. */
const SHIPPED: readonly { name: string; cli?: string; template?: string }[] = [
  { name: "default" },
  {
    name: "mobile",
    cli: "--merge-output-format mp4 --remux-video mp4 --embed-chapters --embed-metadata --embed-thumbnail",
  },
  { name: "1080p", cli: HEIGHT(1080) },
  { name: "720p", cli: HEIGHT(720) },
  { name: "audio_only", cli: "--extract-audio --audio-quality 0 --embed-metadata --embed-thumbnail" },
  { name: "info_reader_plugin", cli: `--write-info-json ${THUMBNAIL}`, template: MEDIA_CENTRE },
  { name: "nfo_maker_tv", cli: THUMBNAIL, template: MEDIA_CENTRE },
  { name: "nfo_maker_movie", cli: THUMBNAIL, template: MEDIA_CENTRE },
];

export const SHIPPED_PRESETS = SHIPPED.length;

/** @param keepArchive the account's setting `keep_archive`: without it they name no archive (library API, section 6). */
export function shippedPresets(keepArchive: boolean): (Preset & { id: number })[] {
  const first = ["--socket-timeout 30", ...(keepArchive ? ["--download-archive %(archive_file)s"] : [])];
  return SHIPPED.map(({ name, cli, template = "" }, index) => ({
    id: index + 1,
    name,
    description: "",
    folder: "",
    template,
    cookies: "",
    cli: [...first, ...(cli === undefined ? [] : [cli])].join("\n"),
    priority: 0,
  }));
}
