/** Texts of bad fields (jobs API 3.2). Of a text that many fields share, one stands for all. */
import {
  AUDIO_BITRATES,
  AUDIO_CODECS,
  PLAYLIST_MODES,
  QUALITY_PRESETS,
  RESOLUTIONS,
  VIDEO_CODECS,
} from "../../shared/contract/options.ts";
import type { Refusal } from "./describe.ts";

function one(field: string, error: string): Refusal {
  return { error, field };
}
function oneOf(field: string, values: readonly string[]): Refusal {
  return one(field, `${field} must be one of: ${values.join(", ")}`);
}
function between(field: string, min: number, max: number): Refusal {
  return one(field, `${field} must be an integer between ${min} and ${max}`);
}

export const URL_REFUSALS = [
  one("url", "url is required"),
  one("url", "url must be a string"),
  one("url", "url must be a valid http or https URL"),
  one("url", "url must not point to a private address"),
];

/** Fields that a single job and a bulk request share. */
export const OPTION_REFUSALS = [
  one("audio_only", "audio_only must be a boolean"),
  one("max_duration", "max_duration must be an integer"),
  one("metadata", "metadata must be an object"),
  one("tags", "tags must be an array"),
  oneOf("video_codec", VIDEO_CODECS),
  oneOf("audio_codec", AUDIO_CODECS),
  oneOf("audio_bitrate", AUDIO_BITRATES),
  between("video_quality", 0, 51),
  oneOf("quality_preset", QUALITY_PRESETS),
  oneOf("max_resolution", RESOLUTIONS),
  one("folder", "Folder name too long (max 200 characters)"),
  one("folder", "Folder name must not be empty"),
  one("folder", "Folder name must not contain .."),
  one("folder", "Folder name must not start with / or \\"),
  one("clip_start", "Invalid clip_start timestamp (use HH:MM:SS, MM:SS or seconds)"),
  one("clip_end", "Invalid clip_end timestamp (use HH:MM:SS, MM:SS or seconds)"),
  one("clip_end", "clip_end must be greater than clip_start"),
  between("max_duration", 1, 86_400),
  between("priority", -10, 10),
  one("tags", "tags must be at most 8 strings of the form key=value"),
  one("metadata", "metadata must be at most 4096 bytes"),
];

export const SINGLE_REFUSALS = [
  ...URL_REFUSALS,
  one("filename", "Filename too long (max 255 characters)"),
  one("filename", "Filename contains invalid characters"),
  one("webhook_url", "webhook_url must be a valid http or https URL"),
  one("webhook_url", "webhook_url must not point to a private address"),
  one("webhook_url", "webhook_url must not contain credentials"),
  oneOf("playlist", PLAYLIST_MODES),
  between("playlist_limit", 1, 1_000),
  ...OPTION_REFUSALS,
  one("cookies", "cookies must be at most 65536 bytes"),
  one("cookies", "cookies must be Netscape cookie text: line 3 has 5 fields instead of 7"),
  one("cookies", "cookies are too large for a list of 1000 items"),
  one("subtitle_languages", "subtitle_languages must be at most 8 BCP 47 language tags"),
  one("embed_metadata", "embed_metadata must be a boolean"),
  one("format_id", "format_id must be 1 to 64 letters, digits or characters of _+.-"),
];
