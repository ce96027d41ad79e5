import { cleanText } from "../../../shared/clean-text.ts";
import { isOlder, YTDLP_MIN_VERSION } from "../../../shared/ytdlp-version.ts";
import type { Env } from "../../env.ts";

/** Longer than any version of yt-dlp; the rest is a stranger's text. */
const MAX_SHOWN_CHARS = 40;

/** What a node says that fetches by other means: there is nothing in it that could be too old. */
const NO_YTDLP = "none";

/**
 * Why a node with these tools gets no work, in words for the operator; null when nothing stands against it. The edge
 * decides: a node may have been told another minimum.
 */
export function quietReason(versions: { ytdlp?: unknown }, env: Env): string | null {
  const minimum = env.TRAWL_YTDLP_MIN || YTDLP_MIN_VERSION;
  const version = typeof versions.ytdlp === "string" ? versions.ytdlp : "";
  if (version === NO_YTDLP || !isOlder(version, minimum)) return null;
  return `yt-dlp ${cleanText(version).slice(0, MAX_SHOWN_CHARS) || "of an unknown version"} is older than ${minimum}`;
}
