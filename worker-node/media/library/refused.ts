/**
 * What no command line of a user may hold (library API 5.1). The edge has refused it before; here the names are looked at
 * once more, cheaply, because what runs a program or opens a file does so on this machine.
 */

/** Programs and code; files outside the attempt; where files go, which is the template's business. By long name. */
const REFUSED = [
  "--exec",
  "--exec-before-download",
  "--use-postprocessor",
  "--postprocessor-args",
  "--ppa",
  "--ffmpeg-location",
  "--avconv-location",
  "--downloader",
  "--external-downloader",
  "--downloader-args",
  "--external-downloader-args",
  "--hls-prefer-ffmpeg",
  "--netrc-cmd",
  "--netrc-location",
  "--netrc",
  "--js-runtimes",
  "--remote-components",
  "--plugin-dirs",
  "--bidi-workaround",
  "--update",
  "--update-to",
  "--alias",
  "--preset-alias",
  "--config-locations",
  "--batch-file",
  "--load-info-json",
  "--load-pages",
  "--cookies",
  "--cookies-from-browser",
  "--client-certificate",
  "--client-certificate-key",
  "--client-certificate-password",
  "--enable-file-urls",
  "--print-to-file",
  "--write-pages",
  "--cache-dir",
  "--rm-cache-dir",
  "--paths",
  "--output",
];
const REFUSED_SHORT = "aUntPo";
/** Short options that take the rest of their word, or the next one, as their value. */
const SHORT_WITH_VALUE = "IupfSNrRO2C";
/** `--exe` means `--exec`; a shorter beginning means too many options to mean one. */
const SHORTEST_NAME = "--xxx".length;
const NATIVE = /^(?:[a-z0-9_]+:)?native$/;

/**
 * The first word that is none of a user's, as it was written; null when there is none. A value that looks like such an option
 * counts as one.
 *
 * @example refusedOption(["--embed-subs", "--exec=reboot"]) // "--exec"
 */
export function refusedOption(args: readonly string[]): string | null {
  for (const [at, word] of args.entries()) {
    if (word.startsWith("--")) {
      const [name = "", value = args[at + 1]] = split(word);
      if (name === "--downloader" && NATIVE.test(value ?? "")) continue;
      if (name.length >= SHORTEST_NAME && REFUSED.some((one) => one.startsWith(name))) return name;
    } else if (word.startsWith("-") && hasRefusedLetter(word)) return word.slice(0, 2);
  }
  return null;
}

function split(word: string): string[] {
  const at = word.indexOf("=");
  return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}

/** Letters stand together until one of them takes a value. */
function hasRefusedLetter(word: string): boolean {
  for (const letter of word.slice(1)) {
    if (REFUSED_SHORT.includes(letter)) return true;
    if (SHORT_WITH_VALUE.includes(letter)) return false;
  }
  return false;
}
