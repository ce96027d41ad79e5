/** Which options a user may give (library API 5.1), by the name of each. */
import { nameOf } from "./option-names.ts";
import type { ShippedOption } from "./shipped-option.ts";

export type OptionClass =
  /** Dropped, and named in `removed_options`. */
  | "ignored"
  | "refused"
  /** Its value is a URL that the address guard looks at. */
  | "guarded"
  /** The edge does its work: archives, and what counts at the expansion of a list. */
  | "ours"
  | "allowed";

const IGNORED = new Set([
  ...["--paths", "--output", "--quiet", "--no-warnings", "--simulate", "--skip-download", "--print", "--dump-json"],
  ...["--dump-single-json", "--no-progress", "--newline", "--progress-delta", "--progress-template", "--console-title"],
  ...["--wait-for-video", "--list-formats", "--list-subs", "--list-thumbnails", "--help", "--version", "--ap-list-mso"],
  ...["--list-extractors", "--extractor-descriptions", "--dump-user-agent", "--list-impersonate-targets"],
  ...["--dump-pages", "--print-traffic"],
]);

const RUNS_CODE = [
  ...["--exec", "--exec-before-download", "--use-postprocessor", "--postprocessor-args", "--ffmpeg-location"],
  ...["--downloader-args", "--hls-prefer-ffmpeg", "--netrc-cmd", "--js-runtimes", "--remote-components"],
  ...["--plugin-dirs", "--bidi-workaround", "--update", "--update-to", "--alias", "--preset-alias"],
];
const FILES_OUTSIDE = [
  ...["--config-locations", "--batch-file", "--load-info-json", "--load-pages", "--cookies", "--cookies-from-browser"],
  ...["--netrc", "--netrc-location", "--client-certificate", "--client-certificate-key"],
  ...["--client-certificate-password", "--enable-file-urls", "--print-to-file", "--write-pages", "--write-link"],
  ...["--write-url-link", "--write-webloc-link", "--write-desktop-link", "--cache-dir", "--rm-cache-dir", "--xattrs"],
  "--xattr-set-filesize",
];
const NETWORK = ["--no-check-certificates", "--source-address"];
const REFUSED = new Set([...RUNS_CODE, ...FILES_OUTSIDE, ...NETWORK]);

const GUARDED = new Set(["--proxy", "--geo-verification-proxy", "--sponsorblock-api"]);

const OURS = new Set([
  ...["--download-archive", "--no-download-archive", "--force-write-archive"],
  ...["--playlist-items", "--max-downloads", "--break-on-existing", "--match-filters", "--break-match-filters"],
]);

/** Hidden ones that people still use. */
const ALLOWED_HIDDEN = new Set([
  ...["--user-agent", "--referer", "--playlist-start", "--playlist-end", "--match-title", "--reject-title"],
  ...["--geo-bypass", "--geo-bypass-country", "--all-subs"],
]);

/** Every name that the rules above speak of; a test holds them against the shipped list. */
export const NAMED_OPTIONS: readonly string[] = [...IGNORED, ...REFUSED, ...GUARDED, ...OURS, ...ALLOWED_HIDDEN];

/** What may be done with an option, whatever its value; some are refused for that (`refuse-values.ts`). */
export function classOf(option: ShippedOption): OptionClass {
  const name = nameOf(option);
  if (IGNORED.has(name)) return "ignored";
  if (REFUSED.has(name)) return "refused";
  if (GUARDED.has(name)) return "guarded";
  if (OURS.has(name)) return "ours";
  return option.group !== undefined || ALLOWED_HIDDEN.has(name) ? "allowed" : "refused";
}
